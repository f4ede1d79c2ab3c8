//! How long to wait before another attempt.

use std::ops::RangeInclusive;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Sleep, sleep};

/// No pause is shorter, so that nothing is tried without one.
const SHORTEST: Duration = Duration::from_millis(1);

/// Where the pauses between attempts lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), longest: Duration::from_secs(10) }
    }
}

impl From<RangeInclusive<Duration>> for Backoff {
    fn from(range: RangeInclusive<Duration>) -> Self {
        let (first, longest) = range.into_inner();
        let first = first.max(SHORTEST);
        Self { first, longest: longest.max(first) }
    }
}

impl Backoff {
    pub(crate) fn pauses(self) -> Pauses {
        // Jitter makes a pause up to twice as long: from half of the longest on, it stays within the range.
        let limit = (self.longest / 2).max(self.first);
        let builder = ExponentialBuilder::new().with_min_delay(self.first).with_max_delay(limit);
        let lengths = builder.with_factor(2.0).with_jitter().without_max_times().build();
        Pauses { lengths, longest: self.longest }
    }
}

/// Pauses that are twice as long each time, with jitter, without an end.
pub(crate) struct Pauses {
    lengths: ExponentialBackoff,
    longest: Duration,
}

impl Pauses {
    /// A pause that is no shorter than somebody has asked for.
    pub(crate) fn pause_of(&mut self, at_least: Duration) -> Sleep {
        sleep(self.next().max(at_least))
    }

    /// Whether none of them is longer.
    pub(crate) fn are_shorter(&self, than: Duration) -> bool {
        self.longest < than
    }

    /// The length of the next one.
    pub(crate) fn next(&mut self) -> Duration {
        self.lengths.next().map_or(self.longest, |length| length.min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn pauses(range: RangeInclusive<Duration>) -> impl Iterator<Item = Duration> {
        let mut pauses = Backoff::from(range).pauses();
        std::iter::from_fn(move || Some(pauses.next()))
    }

    #[test]
    fn pauses_grow_from_the_first_to_the_longest_and_stay_within() {
        for _ in 0..100 {
            let all: Vec<_> = pauses(100 * MS..=10_000 * MS).take(20).collect();
            assert!(all.iter().all(|pause| (100 * MS..=10_000 * MS).contains(pause)), "{all:?}");
            let early =
                all.iter().zip(0..6).all(|(pause, step)| (100 * MS..=200 * MS).contains(&(*pause / (1 << step))));
            assert!(early && all[10..].iter().all(|pause| *pause >= 5_000 * MS), "{all:?}");
        }
    }

    #[test]
    fn pauses_differ() {
        let longest: Vec<_> = pauses(100 * MS..=10_000 * MS).skip(10).take(100).collect();
        assert!(longest.iter().any(|pause| *pause != longest[0]), "{longest:?}");
    }

    #[test]
    fn any_range_will_do() {
        let few = |range| pauses(range).take(40).collect::<Vec<_>>();
        assert_eq!(few(7 * MS..=7 * MS), [7 * MS; 40]);
        assert_eq!(few(7 * MS..=3 * MS), [7 * MS; 40]);
        assert_eq!(few(Duration::ZERO..=Duration::ZERO), [MS; 40]);
        assert_eq!(few(Duration::MAX..=Duration::MAX), [Duration::MAX; 40]);
        assert!(few(MS..=Duration::MAX).is_sorted());
    }
}
