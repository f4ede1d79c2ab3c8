//! Compares what was counted with what is allowed.

use super::record::Figures;

/// How much dearer an operation may be, of its budget: a literal that lies elsewhere has cost over 1 %.
const TOLERANCE: f64 = 0.03;
/// How many allocations more there may be: what a queue that grows now and then makes of a rounded figure.
const ALLOCATION: f64 = 0.01;

/// One figure of an operation, beside its budget.
pub(super) struct Compared {
    what: &'static str,
    now: f64,
    budget: f64,
    tolerance: f64,
}

impl Compared {
    /// How much more it is than the budget, in percent.
    pub(super) fn percent(&self) -> f64 {
        if self.budget > 0.0 { (self.now / self.budget - 1.0) * 100.0 } else { 0.0 }
    }

    fn is_dearer(&self) -> bool {
        self.now > self.budget + self.tolerance
    }

    fn is_cheaper(&self) -> bool {
        self.now < self.budget - self.tolerance
    }

    fn said(&self, operation: &str) -> String {
        let Self { what, now, budget, .. } = self;
        let percent = if *budget > 0.0 { format!(" ({:+.1} %)", self.percent()) } else { String::new() };
        format!("`{operation}` takes {now:.2} {what}, {:+.2}{percent} against its budget of {budget:.2}", now - budget)
    }
}

pub(super) fn compare(now: Figures, budget: Figures) -> [Compared; 3] {
    // A budget is written with one digit after the point.
    let share = |budget: f64| budget * TOLERANCE + 0.05;
    let of = |what, now, budget, tolerance| Compared { what, now, budget, tolerance };
    [
        of("instructions", now.instructions, budget.instructions, share(budget.instructions)),
        of("allocations", now.allocations, budget.allocations, ALLOCATION),
        of("bytes", now.bytes, budget.bytes, share(budget.bytes)),
    ]
}

/// What there is to say in the end.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) dearer: Vec<String>,
    pub(super) cheaper: Vec<String>,
    pub(super) unknown: Vec<String>,
}

impl Verdict {
    pub(super) fn add(&mut self, operation: &str, compared: &[Compared]) {
        for figure in compared {
            if figure.is_dearer() {
                self.dearer.push(figure.said(operation));
            } else if figure.is_cheaper() {
                self.cheaper.push(figure.said(operation));
            }
        }
    }
}
