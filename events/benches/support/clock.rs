//! Measures time: the operations take turns, so that a busy neighbour disturbs all of them alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::support::args::{Args, Effort};
use crate::support::operation::{Operation, Question, Stage};

impl Effort {
    /// How many rounds, and how long each operation has in each of them.
    fn rounds(self) -> (u32, Duration) {
        match self {
            Self::Full => (60, Duration::from_millis(5)),
            Self::Quick => (5, Duration::from_millis(1)),
            Self::Smoke => (1, Duration::ZERO),
        }
    }
}

/// Measures what the command line asks for, and prints it.
pub(crate) fn answer(stage: &Stage, questions: &[Question], args: &Args) {
    let wanted: Vec<_> = questions.iter().filter(|question| args.wants(question.name)).collect();
    for question in &wanted {
        stage.check(question);
    }
    let (rounds, round) = args.effort.rounds();
    let mut lines: Vec<_> = wanted.iter().map(|question| lines_of(stage, question, round)).collect();
    for _ in 0..rounds {
        lines.iter_mut().flatten().for_each(|line| line.measure(stage));
    }
    println!("{} runtime, {rounds} rounds of {round:?}; `ratio`: the time of `events` over the line's", args.flavour());
    println!("\n{:<18} {:<11} {:>12} {:>12} {:>8}", "", "", "best ns", "median ns", "ratio");
    for (question, lines) in wanted.iter().zip(&lines) {
        print(question, lines);
    }
}

/// An operation and its nanoseconds, one figure for each round.
struct Line {
    operation: Operation,
    times: u32,
    figures: Figures,
}

impl Line {
    fn measure(&mut self, stage: &Stage) {
        let took = time(stage, self.operation, self.times);
        self.figures.0.push(nanos(took) / f64::from(self.times));
    }
}

fn lines_of(stage: &Stage, question: &Question, round: Duration) -> Vec<Line> {
    let line = |operation: &Operation| Line {
        operation: *operation,
        times: fitting(stage, *operation, round),
        figures: Figures::default(),
    };
    question.operations.iter().map(line).collect()
}

/// How often an operation fits into a round. Finding out warms up what it uses.
fn fitting(stage: &Stage, operation: Operation, round: Duration) -> u32 {
    let mut times = 8;
    while time(stage, operation, times) < round {
        times *= 2;
    }
    times
}

fn time(stage: &Stage, operation: Operation, times: u32) -> Duration {
    let begun = Instant::now();
    stage.run(operation, black_box(times));
    begun.elapsed()
}

fn print(question: &Question, lines: &[Line]) {
    for (i, Line { operation, figures, .. }) in lines.iter().enumerate() {
        let name = if i == 0 { question.name } else { "" };
        print!("{name:<18} {:<11} {:>12.1} {:>12.1}", operation.label, figures.best(), figures.median());
        match i {
            0 => println!(),
            _ => println!(" {:>8.2}", lines[0].figures.ratio_to(figures)),
        }
    }
}

#[derive(Default)]
pub(crate) struct Figures(pub(crate) Vec<f64>);

impl Figures {
    pub(crate) fn best(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// The median of the ratios, each between figures of one round.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        median(self.0.iter().zip(&other.0).map(|(own, other)| own / other).collect())
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

pub(crate) fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}
