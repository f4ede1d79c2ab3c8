//! The error of a whole program: whatever this crate's operations may answer.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::dispatch::DispatchError;
use crate::failure::panic_text;
use crate::lifespan::{ShutdownError, StartError};

/// Any error at all, as handlers may return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What any operation of this crate may fail with: the error type of a `main` that uses several of them.
///
/// # Examples
///
/// ```standalone_crate
/// use events::Lifespan;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), events::Error> {
///     let app = Lifespan::builder().start().await?;
///     app.shutdown().await?;
///     Ok(())
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lifespan did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An event was refused.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    /// The lifespan did not shut down.
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

/// What an error says. A text that cannot be made is no reason to fail.
pub(crate) fn text_of(error: &dyn fmt::Display) -> String {
    let text = catch_unwind(AssertUnwindSafe(|| error.to_string()));
    text.unwrap_or_else(|panic| format!("an error whose text panicked: {}", panic_text(&*panic)))
}

/// What an error says, and what is behind it.
#[cfg(any(feature = "http", feature = "pubsub", feature = "sse"))]
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some errors repeat what is behind them.
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    crate::wire::shown(&texts.join(": "))
}
