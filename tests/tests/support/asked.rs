//! Subscribers of one thread, from which no other thread hides a span.

use std::sync::LazyLock;

use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

/// Has a subscriber look at what this thread does, until the guard is dropped.
///
/// While a process has one subscriber, `tracing` asks that of the thread which comes to a span first, and keeps the answer for all:
/// a thread that has none would hide the span from the subscriber of another one. With two of them, one of which looks at nothing,
/// each thread is asked, each time.
pub(crate) fn here(subscriber: impl Subscriber + Send + Sync + 'static) -> DefaultGuard {
    static NOBODY: LazyLock<Dispatch> =
        LazyLock::new(|| Dispatch::new(tracing_subscriber::registry().with(LevelFilter::OFF)));
    LazyLock::force(&NOBODY);
    set_default(subscriber)
}
