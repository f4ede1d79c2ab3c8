//! What was measured, as people read it.

use std::fs;
use std::time::Duration;

use crate::work::{Question, Way};

/// What a round took.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) time: Duration,
    pub(crate) cpu: Duration,
}

/// What one of the ways took, round by round.
pub(crate) struct Line {
    pub(crate) way: Way,
    pub(crate) measured: Vec<Measured>,
}

impl Line {
    pub(crate) fn new(way: Way) -> Self {
        Self { way, measured: Vec::new() }
    }

    /// Messages a second.
    fn rates(&self, messages: u32) -> Vec<f64> {
        self.measured.iter().map(|round| f64::from(messages) / round.time.as_secs_f64()).collect()
    }

    /// The median of the ratios, each between figures of one round.
    fn ratio_to(&self, other: &Self) -> f64 {
        let rounds = self.measured.iter().zip(&other.measured);
        median(rounds.map(|(own, other)| other.time.as_secs_f64() / own.time.as_secs_f64()).collect())
    }

    /// Microseconds for a message, all rounds together, since the system counts in large steps.
    fn cpu(&self, messages: u32) -> f64 {
        let all: Duration = self.measured.iter().map(|round| round.cpu).sum();
        let rounds = u32::try_from(self.measured.len()).expect("few");
        all.as_secs_f64() * 1e6 / f64::from(messages) / f64::from(rounds)
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

pub(crate) fn head(rounds: u32) {
    println!("{rounds} rounds; messages a second\n");
    println!("{:<16} {:<8} {:>8} {:>8} {:>8} {:>8} {:>8}", "", "", "best", "median", "worst", "cpu us", "ratio");
}

/// The first line is compared with each.
pub(crate) fn print(question: Question, lines: &[Line]) {
    for line in lines {
        let rates = line.rates(question.messages);
        let (best, worst) = rates
            .iter()
            .fold((0.0, f64::INFINITY), |(best, worst): (f64, f64), rate| (best.max(*rate), worst.min(*rate)));
        let (cpu, ratio) = (line.cpu(question.messages), lines[0].ratio_to(line));
        print!("{:<16} {:<8} {best:>8.0} {:>8.0} {worst:>8.0}", question.name(), line.way.name(), median(rates));
        println!(" {cpu:>8.1} {ratio:>8.2}");
    }
}

/// How long this process has worked, in all of its threads; always nothing where there is no `/proc`.
pub(crate) fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which ends with a parenthesis: the 12th and the 13th are hundredths of seconds.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    Duration::from_millis(fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}
