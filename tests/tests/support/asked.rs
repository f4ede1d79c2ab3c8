//! Has `tracing` ask each thread whether somebody looks.

use std::sync::LazyLock;

use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

/// While a process has one subscriber, `tracing` asks that of the thread which comes to a span first, and keeps the answer for all:
/// a thread that has none would hide the span from the subscriber of another one. With two of them, one of which looks at nothing,
/// each thread is asked, each time.
pub(crate) fn each_thread() {
    static NOBODY: LazyLock<Dispatch> =
        LazyLock::new(|| Dispatch::new(tracing_subscriber::registry().with(LevelFilter::OFF)));
    LazyLock::force(&NOBODY);
}
