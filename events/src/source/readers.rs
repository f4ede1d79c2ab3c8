//! The tasks that read the sources of a lifespan.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

type Reader = JoinHandle<Option<String>>;

/// One for each source, until the lifespan ends.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<Vec<Reader>>);

impl Readers {
    fn lock(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keep(&self, reader: Reader) {
        self.lock().push(reader);
    }

    /// Waits until they have closed their connections, and answers what could not be closed.
    pub(crate) async fn end(&self, end: Instant) -> Vec<String> {
        let readers = std::mem::take(&mut *self.lock());
        let late = || "a source has not been closed in the time that the end may take".to_owned();
        let ended = join_all(readers.into_iter().map(|reader| timeout_at(end, reader))).await;
        let unclosed = |ended| match ended {
            Ok(Ok(unclosed)) => unclosed,
            // Its runtime has ended before it.
            Ok(Err(_)) => None,
            Err(_) => Some(late()),
        };
        ended.into_iter().filter_map(unclosed).collect()
    }
}
