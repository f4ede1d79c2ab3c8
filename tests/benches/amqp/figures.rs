//! What was measured, as people read it.

use crate::work::Way;

/// Messages a second, one figure for each round.
pub(crate) struct Line {
    pub(crate) way: Way,
    pub(crate) rates: Vec<f64>,
}

impl Line {
    pub(crate) fn new(way: Way) -> Self {
        Self { way, rates: Vec::new() }
    }

    /// The median of the ratios, each between figures of one round.
    fn ratio_to(&self, other: &Self) -> f64 {
        median(self.rates.iter().zip(&other.rates).map(|(own, other)| own / other).collect())
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

pub(crate) fn print(question: &str, lines: &[Line]) {
    for line in lines.iter().filter(|line| !line.rates.is_empty()) {
        let best = line.rates.iter().copied().fold(0.0, f64::max);
        let worst = line.rates.iter().copied().fold(f64::INFINITY, f64::min);
        let median = median(line.rates.clone());
        let ratio = lines[0].ratio_to(line);
        println!("{question:<16} {:<8} {best:>9.0} {median:>9.0} {worst:>9.0} {ratio:>7.2}", line.way.name());
    }
}
