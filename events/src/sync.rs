//! What threads share, in one place: the models in `tests/loom.rs` put other types with the same names here.

use std::hash::{Hash, Hasher};
use std::thread;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use tokio::sync::Notify;

thread_local! {
    static NUMBER: usize = number();
}

/// A number of the calling thread, by which threads spread over places. Those that were begun one after another have
/// different ones.
#[inline]
pub(crate) fn thread_number() -> usize {
    NUMBER.with(|number| *number)
}

/// The standard library counts its threads, and shows the number to a hasher alone.
fn number() -> usize {
    #[derive(Default)]
    struct AsIs(u64);

    impl Hasher for AsIs {
        fn finish(&self) -> u64 {
            self.0
        }

        fn write(&mut self, bytes: &[u8]) {
            self.0 = bytes.iter().fold(self.0, |number, byte| number.rotate_left(8) ^ u64::from(*byte));
        }

        fn write_u64(&mut self, number: u64) {
            self.0 ^= number;
        }
    }

    let mut hasher = AsIs::default();
    thread::current().id().hash(&mut hasher);
    usize::try_from(hasher.finish()).unwrap_or_default()
}
