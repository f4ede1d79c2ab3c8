//! What threads keep back from a count that all of them share.

use super::stripes::Stripes;
use crate::sync::{AtomicUsize, Ordering};

/// Nothing is kept any more: it all goes to the shared count.
const SHUT: usize = 0b1;
const ONE: usize = 0b10;

/// How much one thread keeps at most.
const MOST: usize = 64;

/// Pieces that threads have given back, and that they may take again without a word to the others: until it is
/// [shut](Self::shut), they are still counted as taken in the count that all share.
#[derive(Debug)]
pub(crate) struct Kept {
    by_thread: Stripes<AtomicUsize>,
    /// How much one thread may keep. Where that is nothing, nothing is looked at.
    most: usize,
}

impl Kept {
    /// What so many threads keep of that many pieces: a quarter at most.
    pub(crate) fn new(threads: usize, pieces: usize) -> Self {
        let by_thread = Stripes::new(threads);
        let most = (pieces / 4 / by_thread.len()).min(MOST);
        Self { by_thread, most }
    }

    /// Whether anything is ever kept.
    pub(crate) fn may(&self) -> bool {
        self.most > 0
    }

    /// How much is kept, while others may give and take.
    pub(crate) fn count(&self) -> usize {
        self.by_thread.iter().map(|kept| kept.load(Ordering::Acquire) / ONE).sum()
    }

    /// Takes pieces, if the calling thread has kept so many.
    #[inline]
    pub(crate) fn take(&self, pieces: usize) -> bool {
        let take = |kept: usize| kept.checked_sub(pieces.checked_mul(ONE)?);
        self.may() && self.by_thread.mine().fetch_update(Ordering::AcqRel, Ordering::Relaxed, take).is_ok()
    }

    /// Keeps pieces that are given back, or has them counted out where it may not. Answers whether that is because it is shut.
    #[inline]
    pub(crate) fn put_or(&self, pieces: usize, count_out: impl FnOnce(usize)) -> bool {
        let Some(room) = self.most.checked_sub(pieces).filter(|_| self.may()) else {
            count_out(pieces);
            return false;
        };
        let put = |kept: usize| (kept & SHUT == 0 && kept / ONE <= room).then(|| kept + pieces * ONE);
        match self.by_thread.mine().fetch_update(Ordering::AcqRel, Ordering::Relaxed, put) {
            Ok(_) => false,
            Err(kept) => {
                count_out(pieces);
                kept & SHUT != 0
            }
        }
    }

    /// Keeps nothing from now on, and answers what was kept, for the shared count.
    pub(crate) fn shut(&self) -> usize {
        let by_thread = self.by_thread.iter().filter(|_| self.may());
        by_thread.map(|kept| kept.swap(SHUT, Ordering::AcqRel) / ONE).sum()
    }

    /// Keeps again what is given back.
    pub(crate) fn open(&self) {
        for kept in self.by_thread.iter() {
            kept.fetch_and(!SHUT, Ordering::AcqRel);
        }
    }
}
