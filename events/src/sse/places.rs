//! Who reads a feed, and who only seems to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The server has asked for more, and waits for it.
const ASKED: u64 = 0;
/// The place is somebody else's.
const LOST: u64 = u64::MAX;

/// The places of a feed. One whose reader has left what it was given untaken for too long is free: a socket that is full has nobody
/// asked for anything, so that no reader can see to that by itself.
#[derive(Debug)]
pub(super) struct Places {
    max: usize,
    take_within: Duration,
    began: Instant,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// Since when each has been left with what it was given: in milliseconds, and one more; or one of the two above.
    since: HashMap<u64, Arc<AtomicU64>>,
}

/// The place of one reader, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    since: Arc<AtomicU64>,
}

impl Places {
    pub(super) fn new(max: usize, take_within: Duration) -> Arc<Self> {
        Arc::new(Self { max, take_within, began: Instant::now(), taken: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(LOST - 2) + 1
    }

    /// How many are taken.
    pub(super) fn count(&self) -> usize {
        self.clear(&mut self.lock());
        self.lock().since.len()
    }

    /// A place, if one is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let mut taken = self.lock();
        if taken.since.len() >= self.max {
            self.clear(&mut taken);
        }
        if taken.since.len() >= self.max {
            return None;
        }
        let (number, since) = (taken.next, Arc::new(AtomicU64::new(self.now())));
        taken.next += 1;
        taken.since.insert(number, Arc::clone(&since));
        drop(taken);
        Some(Place { places: Arc::clone(self), number, since })
    }

    /// Frees the places of those who take nothing.
    fn clear(&self, taken: &mut Taken) {
        let limit = u64::try_from(self.take_within.as_millis()).unwrap_or(u64::MAX);
        let now = self.now();
        taken.since.retain(|_, since| {
            let left = since.load(Ordering::Relaxed);
            let is_late = left != ASKED && now.saturating_sub(left) >= limit;
            // Unless it has been asked for more at this moment.
            let is_lost = is_late && since.compare_exchange(left, LOST, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if is_lost {
                tracing::debug!(target: "events", "a reader of a feed takes nothing: its place is free");
            }
            !is_lost
        });
    }
}

impl Place {
    /// Notes that more is asked for. Answers whether the place is still the reader's.
    pub(super) fn asked(&self) -> bool {
        let asked = |since| (since != LOST).then_some(ASKED);
        self.since.fetch_update(Ordering::Relaxed, Ordering::Relaxed, asked).is_ok()
    }

    /// Notes that something is given, and is to be taken now.
    pub(super) fn given(&self) {
        // Nobody takes the place of one that has been asked.
        self.since.store(self.places.now(), Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().since.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_place_is_lost_by_leaving_what_is_given_and_not_by_waiting() {
        let places = Places::new(2, 60 * S);
        let [left, waiting] = [(); 2].map(|()| places.take().expect("it is free"));
        assert!(waiting.asked() && left.asked());
        left.given();
        advance(60 * S - S / 1000).await;
        assert!(places.take().is_none() && places.count() == 2);
        advance(S / 1000).await;
        let third = places.take().expect("one is lost");
        assert!(!left.asked() && waiting.asked() && third.asked());
        drop(left);
        assert_eq!(places.count(), 2, "the place is somebody else's, and is not freed twice");
        drop((third, waiting));
        assert_eq!(places.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_asked_in_time_keeps_its_place() {
        let places = Places::new(1, 60 * S);
        let place = places.take().expect("it is free");
        for _ in 0..3 {
            advance(59 * S).await;
            assert!(place.asked() && places.take().is_none());
            place.given();
        }
        advance(60 * S).await;
        assert_eq!(places.count(), 0, "also where nobody wants the place");
        assert!(!place.asked());
    }
}
