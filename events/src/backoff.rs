//! How long to wait before another attempt.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Sleep, sleep};

/// Between the first attempt and the second.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// Between two attempts at most, but for the jitter.
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// Pauses that are twice as long each time, with jitter, without an end.
pub(crate) struct Backoff(ExponentialBackoff);

impl Backoff {
    pub(crate) fn new() -> Self {
        let builder = ExponentialBuilder::new().with_min_delay(FIRST_DELAY).with_max_delay(LONGEST_DELAY);
        Self(builder.with_factor(2.0).with_jitter().without_max_times().build())
    }

    pub(crate) fn pause(&mut self) -> Sleep {
        sleep(self.0.next().unwrap_or(LONGEST_DELAY))
    }
}
