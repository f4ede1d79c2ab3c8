//! A column of figures for each number of units.

use std::time::{Duration, Instant};

/// How often a figure is taken; the best one is shown.
pub(crate) const RUNS: usize = 5;

pub(crate) struct Table {
    title: &'static str,
    columns: &'static [&'static str],
    lines: Vec<(usize, Vec<f64>)>,
}

impl Table {
    /// Takes the figures for every tenfold number of units, up to the largest.
    pub(crate) fn of(
        title: &'static str,
        columns: &'static [&'static str],
        largest: usize,
        mut figures: impl FnMut(usize) -> Vec<f64>,
    ) -> Self {
        let units = std::iter::successors(Some(1), |units| Some(units * 10)).take_while(|units| *units <= largest);
        let lines = units.map(|units| (units, best(|| figures(units)))).collect();
        Self { title, columns, lines }
    }

    pub(crate) fn print(&self) {
        println!("\n### {}\n\n| | {} |", self.title, self.columns.join(" | "));
        println!("|--:|{}", "--:|".repeat(self.columns.len()));
        for (units, figures) in &self.lines {
            let figures: Vec<_> = figures.iter().map(|figure| format!("{figure:.1}")).collect();
            println!("| {units} | {} |", figures.join(" | "));
        }
    }
}

fn best(mut figures: impl FnMut() -> Vec<f64>) -> Vec<f64> {
    let mut best = figures();
    for _ in 1..RUNS {
        for (best, figure) in best.iter_mut().zip(figures()) {
            *best = best.min(figure);
        }
    }
    best
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let result = work();
    (begun.elapsed(), result)
}

/// Nanoseconds for each of so many.
pub(crate) fn nanos_each(took: Duration, units: usize) -> f64 {
    took.as_secs_f64() * 1e9 / float(units)
}

/// Bytes for each of so many.
pub(crate) fn bytes_each(before: usize, after: usize, units: usize) -> f64 {
    float(after.saturating_sub(before)) / float(units)
}

fn float(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
