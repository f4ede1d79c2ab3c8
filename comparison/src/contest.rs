//! Lets the contenders take turns, so that a busy neighbour disturbs all of them alike.

use std::time::Duration;

use crate::clock::{Figures, nanos};
use crate::contender::{About, Contender, HANDLERS, Kind, Prepared};
use crate::support::operation::Stage;

/// How many rounds, and how long each contender has in each of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: u32,
    pub(crate) round: Duration,
}

/// Some work and its nanoseconds, one figure for each round.
pub(crate) struct Line<W> {
    work: W,
    times: u32,
    pub(crate) figures: Figures,
}

impl<W: FnMut(u32) -> Duration> Line<W> {
    /// Finds out how often the work fits into a round, which warms up what it uses.
    pub(crate) fn new(mut work: W, round: Duration) -> Self {
        // What the first one leaves behind for the next ones is none of their cost.
        work(1);
        let mut times = 1;
        while work(times) < round && times < u32::MAX / 2 {
            times *= 2;
        }
        Self { work, times, figures: Figures::default() }
    }

    pub(crate) fn measure(&mut self) {
        let took = (self.work)(self.times);
        self.figures.0.push(nanos(took) / f64::from(self.times));
    }
}

/// A contender, with figures for each number of handlers that it offers.
pub(crate) struct Row {
    pub(crate) about: About,
    pub(crate) figures: [Option<Figures>; HANDLERS.len()],
}

/// Measures all contenders, and answers a row for each.
pub(crate) fn held(stage: &Stage, contenders: &[Box<dyn Contender>], effort: Effort) -> Vec<Row> {
    let line = |mut prepared: Box<dyn Prepared>| Line::new(move |times| prepared.time(stage, times), effort.round);
    let mut lines: Vec<_> =
        contenders.iter().map(|one| HANDLERS.map(|handlers| checked(stage, &**one, handlers).map(line))).collect();
    for _ in 0..effort.rounds {
        lines.iter_mut().flatten().flatten().for_each(Line::measure);
    }
    let rows = contenders.iter().zip(lines);
    rows.map(|(one, lines)| Row { about: one.about(), figures: lines.map(|line| line.map(|line| line.figures)) })
        .collect()
}

/// Panics unless a contender does the work that the others do.
fn checked(stage: &Stage, contender: &dyn Contender, handlers: u64) -> Option<Box<dyn Prepared>> {
    const TIMES: u32 = 3;
    /// Of every payload.
    const AMOUNT: u64 = 1000;
    let mut prepared = contender.prepare(stage, handlers)?;
    let expected: u64 = (0..handlers).map(|number| AMOUNT ^ number).sum();
    let added = prepared.added(stage, TIMES);
    assert_eq!(added, u64::from(TIMES) * expected, "{} does other work", contender.about().name);
    Some(prepared)
}

/// The row of `events` that the rows of a kind are divided by.
pub(crate) fn measure_of(rows: &[Row], kind: Kind) -> &Row {
    rows.iter().find(|row| row.about.kind == kind).expect("`events` is the first of each kind")
}
