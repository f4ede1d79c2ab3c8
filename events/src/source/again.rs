//! How long messages wait before they are given back.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::{Backoff, Pauses};

/// The pauses of a source before it gives messages back, which would come again at once. Those that are given back while
/// others pause have pauses of the same length; the next ones have longer ones, until a message is not given back.
pub(super) struct Again {
    backoff: Option<Backoff>,
    /// Whether messages have been given back since one was not.
    is_pausing: AtomicBool,
    wave: Mutex<Option<Wave>>,
}

struct Wave {
    pauses: Pauses,
    length: Duration,
    end: Instant,
}

impl Again {
    pub(super) fn new(backoff: Option<Backoff>) -> Self {
        Self { backoff, is_pausing: AtomicBool::new(false), wave: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Wave>> {
        self.wave.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a message waits now, if it does.
    pub(super) fn pause(&self) -> Option<Duration> {
        let (backoff, now) = (self.backoff?, Instant::now());
        self.is_pausing.store(true, Ordering::Relaxed);
        let mut wave = self.lock();
        let wave = wave.get_or_insert_with(|| Wave { pauses: backoff.pauses(), length: Duration::ZERO, end: now });
        if now >= wave.end {
            wave.length = wave.pauses.next();
            // A pause that no clock can measure ends with the lifespan.
            wave.end = now.checked_add(wave.length).unwrap_or(now);
        }
        Some(wave.length)
    }

    /// A message was not given back: pauses begin anew.
    #[inline]
    pub(super) fn over(&self) {
        if self.is_pausing.load(Ordering::Relaxed) && self.is_pausing.swap(false, Ordering::Relaxed) {
            *self.lock() = None;
        }
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("backoff", &self.backoff).finish_non_exhaustive()
    }
}
