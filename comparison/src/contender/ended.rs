//! Handlers that have returned, for contenders that do not tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Debug, Default)]
pub(super) struct Ended(Arc<AtomicU64>);

impl Ended {
    pub(super) fn one(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Lets the others run until so many handlers have returned.
    pub(super) async fn reached(&self, count: u64) {
        while self.count() < count {
            tokio::task::yield_now().await;
        }
    }
}
