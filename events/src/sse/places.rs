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

    fn count_of(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began);
        u64::try_from(since.as_millis()).unwrap_or(LOST - 2) + 1
    }

    /// How many are taken.
    pub(super) fn count(&self, now: Instant) -> usize {
        let mut taken = self.lock();
        self.clear(&mut taken, now);
        taken.since.len()
    }

    /// A place, if one is free.
    pub(super) fn take(self: &Arc<Self>, now: Instant) -> Option<Place> {
        let mut taken = self.lock();
        if taken.since.len() >= self.max {
            self.clear(&mut taken, now);
        }
        if taken.since.len() >= self.max {
            return None;
        }
        let (number, since) = (taken.next, Arc::new(AtomicU64::new(self.count_of(now))));
        taken.next += 1;
        taken.since.insert(number, Arc::clone(&since));
        drop(taken);
        Some(Place { places: Arc::clone(self), number, since })
    }

    /// Frees the places of those who take nothing.
    fn clear(&self, taken: &mut Taken, now: Instant) {
        let limit = u64::try_from(self.take_within.as_millis()).unwrap_or(u64::MAX);
        let now = self.count_of(now);
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
    pub(super) fn given(&self, now: Instant) {
        // Nobody takes the place of one that has been asked.
        self.since.store(self.places.count_of(now), Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().since.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_place_is_lost_by_leaving_what_is_given_and_not_by_waiting() {
        let (places, begun) = (Places::new(2, 60 * S), Instant::now());
        let [left, waiting] = [(); 2].map(|()| places.take(begun).expect("it is free"));
        assert!(waiting.asked() && left.asked());
        left.given(begun + S);
        let late = begun + 61 * S;
        assert!(places.take(late - S).is_none() && places.count(late - S) == 2);
        let third = places.take(late).expect("one is lost");
        assert!(!left.asked() && waiting.asked() && third.asked());
        drop(left);
        assert_eq!(places.count(late), 2, "the place is somebody else's, and is not freed twice");
        drop((third, waiting));
        assert_eq!(places.count(late), 0);
    }

    #[test]
    fn one_that_is_asked_in_time_keeps_its_place() {
        let (places, mut now) = (Places::new(1, 60 * S), Instant::now());
        let place = places.take(now).expect("it is free");
        for _ in 0..3 {
            now += 59 * S;
            assert!(place.asked() && places.take(now).is_none());
            place.given(now);
        }
        assert_eq!(places.count(now + 60 * S), 0, "also where nobody wants the place");
        assert!(!place.asked());
    }
}
