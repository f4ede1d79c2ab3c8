//! What `events` set out to cost, as ratios of one run.

pub(crate) mod builds;
mod parallel;
mod patterns;

use std::time::{Duration, Instant};

use crate::contest::{Effort, Line};
use crate::support::operation::{Operation, Stage};

/// Which side of its limit a ratio should be on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// A target, and the ratio of each round.
pub(crate) struct Target {
    pub(crate) what: &'static str,
    pub(crate) beside: &'static str,
    pub(crate) limit: Limit,
    pub(crate) ratios: Vec<f64>,
    /// What the time is spent on, for whoever finds the target missed.
    pub(crate) spent: &'static str,
}

impl Target {
    pub(crate) fn met(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.at(0.5) <= limit,
            Limit::AtLeast(limit) => self.at(0.5) >= limit,
        }
    }

    /// The ratio below which this part of the rounds is.
    pub(crate) fn at(&self, part: f64) -> f64 {
        let mut ratios = self.ratios.clone();
        ratios.sort_unstable_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a short list"
        )]
        let place = ((ratios.len() - 1) as f64 * part).round() as usize;
        ratios[place]
    }
}

/// Two operations of the benchmark `dispatch`, and how they should compare.
struct Pair {
    what: &'static str,
    beside: &'static str,
    question: &'static str,
    label: &'static str,
    limit: f64,
    spent: &'static str,
}

const PAIRS: [Pair; 6] = [
    Pair {
        what: "a dispatch to two `now` handlers",
        beside: "two calls through a function table",
        question: "now-2",
        label: "table",
        limit: 3.0,
        spent: "two clock readings, one for each handler, since how long it took is told if it fails; and three \
            atomic operations: the event's number is drawn, and the surroundings of what the handlers may \
            dispatch themselves are counted up and down. A call through the table takes a few nanoseconds, a \
            clock reading or an atomic operation many of them: the readings alone are a fifth of the time \
            (`perf`), and more than the table takes. Of all instructions a tenth makes and drops those \
            surroundings, a sixth calls the handlers and catches panics, and more than half checks, routes and \
            numbers the event (`callgrind`).",
    },
    Pair {
        what: "a scope with one event to one sync handler",
        beside: "one `tokio::spawn`, awaited",
        question: "sync-1",
        label: "one-spawn",
        limit: 0.3,
        spent: "of all instructions entering and ending the scope are a third, the dispatch somewhat more than a \
            quarter, the delivery the rest, of which a third frees the event and gives back its place \
            (`callgrind`). No function stands out: two allocations, two clock readings, two locks of the \
            scope's queue, and about fifteen atomic operations, on counts of handles, of places, of events: each \
            takes as long as tens of other instructions, though no other thread has a part in it.",
    },
    Pair {
        what: "a scope of eight events, sync",
        beside: "boxing each payload and calling through a table",
        question: "8-events-sync-1",
        label: "table",
        limit: 2.0,
        spent: "half of the instructions dispatches, two fifths deliver, of which the calls of the handlers \
            are a fifth (`callgrind`). Beside the one allocation of each event, which the table has as well, \
            an event has two clock readings, its time and the beginning of its handler, an identity, a lock of \
            the queue, and a place in the count of what is pending.",
    },
    Pair {
        what: "a scope of eight events, async",
        beside: "boxing payload and future",
        question: "8-events-async-1",
        label: "table",
        limit: 2.0,
        spent: "as with sync handlers. The future is boxed, as the table's are, and a place among the handlers \
            at work is taken and given back; a third of the instructions dispatches, and a third begins and \
            polls the handlers (`callgrind`).",
    },
    Pair {
        what: "delivery to 64 async handlers",
        beside: "one spawned task that awaits boxed futures in order",
        question: "async-64",
        label: "one-spawn",
        limit: 1.2,
        spent: "of the instructions three tenths allocate and free the boxed futures, which the task does as \
            well; a fifth makes the future out of its context, a tenth polls it where a panic is caught, a \
            twentieth reads a clock, once for each handler (`callgrind`). The rest looks at what each handler \
            is, and at what it has answered.",
    },
    Pair {
        what: "a named dispatch of 100 B of JSON",
        beside: "`serde_json::from_slice` and a hash look-up",
        question: "named-json",
        label: "serde-json",
        limit: 1.3,
        spent: "half of the instructions decodes, a fifth delivers, and the rest is the scope and the dispatch \
            (`callgrind`). The look-up and the call beside it have neither: the difference is about what a \
            scope with one event to one sync handler takes.",
    },
];

/// Measures all targets, pair by pair.
pub(crate) fn measured(stage: &Stage, effort: Effort) -> Result<Vec<Target>, String> {
    let mut targets: Vec<_> = PAIRS.iter().map(|pair| pair.measured(stage, effort)).collect();
    let allocations = crate::counted::allocations("now-2")?;
    targets.insert(
        1,
        Target {
            what: "allocations of a dispatch to two `now` handlers",
            beside: "none",
            limit: Limit::AtMost(0.0),
            ratios: vec![allocations],
            spent: "",
        },
    );
    targets.push(patterns::typed(stage, effort));
    targets.push(patterns::unknown(stage, effort));
    targets.extend(parallel::measured(effort));
    Ok(targets)
}

impl Pair {
    fn measured(&self, stage: &Stage, effort: Effort) -> Target {
        let operation = |label| crate::operation(self.question, label).expect("the benchmark has what is compared");
        let ratios = ratios(effort, timed(stage, operation("events")), timed(stage, operation(self.label)));
        let Self { what, beside, limit, spent, .. } = *self;
        Target { what, beside, limit: Limit::AtMost(limit), ratios, spent }
    }
}

fn timed(stage: &Stage, operation: Operation) -> impl FnMut(u32) -> Duration {
    move |times| {
        let begun = Instant::now();
        stage.run(operation, times);
        begun.elapsed()
    }
}

/// One after the other in each round, so that both have the same neighbours.
fn ratios(effort: Effort, own: impl FnMut(u32) -> Duration, other: impl FnMut(u32) -> Duration) -> Vec<f64> {
    let mut own = Line::new(own, effort.round);
    let mut other = Line::new(other, effort.round);
    for _ in 0..effort.rounds {
        own.measure();
        other.measure();
    }
    own.figures.0.iter().zip(&other.figures.0).map(|(own, other)| own / other).collect()
}
