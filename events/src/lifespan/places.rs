//! How many handlers may be at work.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::kept::Kept;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError};

/// Somebody waits, whom nobody may pass by.
const QUEUED: usize = 0b1;
const ONE: usize = 0b10;

/// Places that are taken in the order in which they are asked for, at the cost of two numbers where enough are free.
///
/// Where there are plenty, places that are given back are kept by their thread for its next handlers, and are not free. Before
/// anybody waits, all that is kept is free again, and nothing is kept until half of the places are.
pub(crate) struct Places {
    /// Whether somebody waits in the lowest bit, how many are free above it. While somebody waits, places are taken under the
    /// queue's lock alone.
    state: AtomicUsize,
    all: usize,
    /// Opened and shut under the queue's lock.
    kept: Kept,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    next: u64,
    /// By number.
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    number: u64,
    places: usize,
    waker: Waker,
}

impl Places {
    /// As many as there can be.
    pub(crate) const MOST: usize = usize::MAX / ONE;

    /// So many, which that many threads use all the time.
    pub(crate) fn new(places: usize, threads: usize) -> Self {
        let all = places.min(Self::MOST);
        let kept = Kept::new(threads, all);
        Self { state: AtomicUsize::new(all * ONE), all, kept, queue: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes places, if so many are free and nobody waits for any.
    pub(crate) fn try_take(&self, places: usize) -> Option<Held<'_>> {
        if self.kept.take(places) {
            return Some(Held { of: self, places });
        }
        let take = |state: usize| state.checked_sub(places * ONE).filter(|_| state & QUEUED == 0);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).ok().map(|_| Held { of: self, places })
    }

    /// Waits for places. Who asks for more than there are waits for ever.
    pub(crate) fn take(&self, places: usize) -> Take<'_> {
        Take { of: self, places, number: None }
    }

    fn give_back(&self, places: usize) {
        if self.kept.put_or(places, |places| self.free(places)) {
            self.keep_again();
        }
    }

    fn free(&self, places: usize) {
        let before = self.state.fetch_add(places * ONE, Ordering::AcqRel);
        if before & QUEUED != 0 {
            self.serve(self.lock());
        }
    }

    fn keep_again(&self) {
        let state = self.state.load(Ordering::Acquire);
        if state & QUEUED == 0 && state / ONE >= self.all / 2 {
            let Ok(queue) = self.queue.try_lock() else { return };
            if queue.waiting.is_empty() {
                self.kept.open();
            }
        }
    }

    /// Gives free places to those who wait, the first one first.
    fn serve(&self, mut queue: MutexGuard<'_, Queue>) {
        let mut served = Vec::new();
        while let Some(first) = queue.waiting.front() {
            if self.state.load(Ordering::Acquire) / ONE < first.places {
                break;
            }
            self.state.fetch_sub(first.places * ONE, Ordering::AcqRel);
            served.extend(queue.waiting.pop_front().map(|first| first.waker));
        }
        if queue.waiting.is_empty() {
            self.state.fetch_and(!QUEUED, Ordering::AcqRel);
        }
        drop(queue);
        served.into_iter().for_each(Waker::wake);
    }
}

impl Queue {
    /// Where somebody stands who has not been served.
    fn find(&self, number: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&number, |waiting| waiting.number).ok()
    }
}

/// Places that are taken; they are free again when it is dropped.
pub(crate) struct Held<'a> {
    of: &'a Places,
    places: usize,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.of.give_back(self.places);
    }
}

/// Waits for places, from the first poll on. Dropped, it lets those behind it through.
pub(crate) struct Take<'a> {
    of: &'a Places,
    places: usize,
    /// That of who has asked, and has not been told that there are places.
    number: Option<u64>,
}

impl<'a> Future for Take<'a> {
    type Output = Held<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Held<'a>> {
        let Self { of, places, number } = *self;
        let mut queue = of.lock();
        match number {
            None => {
                of.state.fetch_add(of.kept.shut() * ONE, Ordering::AcqRel);
                // Whoever gives places back from now on looks into the queue; what was free before is seen here.
                let state = of.state.fetch_or(QUEUED, Ordering::AcqRel);
                if queue.waiting.is_empty() && state / ONE >= places {
                    of.state.fetch_sub((places * ONE) | QUEUED, Ordering::AcqRel);
                    return Poll::Ready(Held { of, places });
                }
                let number = queue.next;
                queue.next += 1;
                queue.waiting.push_back(Waiting { number, places, waker: cx.waker().clone() });
                drop(queue);
                self.number = Some(number);
                Poll::Pending
            }
            Some(number) => match queue.find(number) {
                Some(at) => {
                    queue.waiting[at].waker.clone_from(cx.waker());
                    Poll::Pending
                }
                None => {
                    drop(queue);
                    self.number = None;
                    Poll::Ready(Held { of, places })
                }
            },
        }
    }
}

impl Drop for Take<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut queue = self.of.lock();
        match queue.find(number) {
            Some(at) => {
                queue.waiting.remove(at);
                self.of.serve(queue);
            }
            None => {
                drop(queue);
                self.of.give_back(self.places);
            }
        }
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("free", &(self.state.load(Ordering::Relaxed) / ONE)).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(events_loom)))]
mod tests {
    use std::future::Future as _;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake};

    use super::{Held, Places, Take};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll<'a>(take: &mut Take<'a>, woken: &Arc<Woken>) -> Poll<Held<'a>> {
        Pin::new(take).poll(&mut Context::from_waker(&Arc::clone(woken).into()))
    }

    fn free(places: &Places) -> usize {
        places.state.load(Ordering::Relaxed) / super::ONE
    }

    #[test]
    fn nobody_passes_by_who_waits_for_more() {
        let (places, woken) = (Places::new(3, 1), Arc::default());
        let held = places.try_take(2).expect("three are free");
        let (mut two, mut one) = (places.take(2), places.take(1));
        assert!(poll(&mut two, &woken).is_pending());
        assert!(poll(&mut one, &woken).is_pending(), "there is a free one, and somebody before");
        assert!(places.try_take(1).is_none());
        drop(held);
        assert_eq!((woken.0.load(Ordering::Relaxed), free(&places)), (2, 0), "both have theirs");
        let Poll::Ready(two) = poll(&mut two, &woken) else { panic!("it has been served") };
        assert!(poll(&mut one, &woken).is_ready());
        drop(two);
        assert!(places.try_take(3).is_some(), "the queue is empty");
    }

    #[test]
    fn who_goes_away_lets_those_behind_through_and_keeps_nothing() {
        let (places, woken) = (Places::new(2, 1), Arc::default());
        let held = places.try_take(1).expect("two are free");
        let (mut two, mut one, mut last) = (places.take(2), places.take(1), places.take(2));
        for take in [&mut two, &mut one, &mut last] {
            assert!(poll(take, &woken).is_pending());
        }
        drop(two);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1, "the one behind has the free place");
        drop(one);
        assert_eq!(free(&places), 1, "though it has never seen it");
        drop(last);
        drop(held);
        assert!(places.try_take(2).is_some());
    }

    #[test]
    fn what_is_free_is_had_at_the_first_poll() {
        let (places, woken) = (Places::new(1, 1), Arc::default());
        assert!(poll(&mut places.take(1), &woken).is_ready());
        assert!(places.try_take(1).is_some(), "it was given back, and nobody waits");
    }
}
