//! Numbers that no two events of a lifespan share.

use std::sync::atomic::{AtomicU64, Ordering};

use super::stripes::Stripes;

/// So many are drawn at a time, for one thread.
const BLOCK: u64 = 1024;

/// Numbers from 1 on. Threads draw them by blocks: they count up in each thread, and leave gaps.
#[derive(Debug)]
pub(super) struct Numbers {
    /// How many have been drawn.
    drawn: AtomicU64,
    /// The last one of the block that is used up at present.
    last: Stripes<AtomicU64>,
}

impl Numbers {
    pub(super) fn new(threads: usize) -> Self {
        Self { drawn: AtomicU64::new(0), last: Stripes::new(threads) }
    }

    #[inline]
    pub(super) fn next(&self) -> u64 {
        let mine = self.last.mine();
        let mut last = mine.load(Ordering::Relaxed);
        loop {
            let next =
                1 + if last.is_multiple_of(BLOCK) { self.drawn.fetch_add(BLOCK, Ordering::Relaxed) } else { last };
            match mine.compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return next,
                Err(others) => last = others,
            }
        }
    }
}

#[cfg(all(test, not(events_loom)))]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::{BLOCK, Numbers};

    #[test]
    fn one_thread_counts_up() {
        let numbers = Numbers::new(1);
        assert!((1..=3 * BLOCK).all(|number| numbers.next() == number));
    }

    #[test]
    fn no_two_threads_draw_the_same() {
        // Of five threads, two at least share a stripe.
        for threads in [1, 2] {
            let numbers = Numbers::new(threads);
            let draw = || (0..3 * BLOCK).map(|_| numbers.next()).collect::<Vec<_>>();
            let drawn: Vec<_> = thread::scope(|scope| {
                let drawing: Vec<_> = (0..5).map(|_| scope.spawn(draw)).collect();
                drawing.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
            });
            assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len());
        }
    }
}
