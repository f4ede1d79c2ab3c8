//! Names for pieces of work, and how long they take.

mod future;
mod report;
mod run;
mod tree;

use std::borrow::Cow;
use std::fmt::Display;

pub use future::Timed;
pub use report::{Timing, TimingOutcome};
pub(crate) use run::OnTiming;
use run::Run;

/// Times a future: how long it takes from its first poll to its end.
///
/// What is timed inside of it, in the same task, becomes a part of it, so that the timings form a tree. A name that is used
/// again in the same place of the tree is counted there, whether the calls follow each other or overlap. When the outermost
/// future ends, the tree is reported, once, as a [`Timing`]:
///
/// 1. to the callback that [`Timed::report`] was given, or else
/// 2. to that of the lifespan around the first poll, [`LifespanBuilder::on_timing`](crate::LifespanBuilder::on_timing), or
///    else
/// 3. to the log, as an event of `tracing` at the level `DEBUG` with the target `events`.
///
/// It is reported too when the future panics, in which case the panic goes on, and when it is dropped. A future that is never
/// polled is not reported. Spawned tasks stand for themselves, unless they are [attached](Timed::attached).
///
/// It works outside of a lifespan, and in any runtime. The clock is tokio's, which is monotonic, and virtual in tests that
/// pause it. One report tells 1,000 names apart; what comes after them is counted under the name `other` in the place where it
/// was called, and what is timed inside of that is not counted.
///
/// A function is timed by [`#[timed]`](macro@crate::timed).
///
/// # Examples
///
/// ```
/// use events::timed;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let page = timed("page", async {
///     for _ in 0..3 {
///         timed("query", async { /* .. */ }).await;
///     }
///     "hello"
/// });
/// let page = page.report(|timing| {
///     println!("{timing}");
///     // page     1×  18.2ms  max 18.2ms
///     //   query  3×  15.1ms  max 9.7ms
///     assert_eq!(timing.children()[0].count(), 3);
/// });
/// assert_eq!(page.await, "hello");
/// # }
/// ```
///
/// # Panics
///
/// The future that it answers panics when the inner one does.
///
/// # Cancel safety
///
/// That of the inner future.
pub fn timed<F: Future>(name: impl Into<Cow<'static, str>>, future: F) -> Timed<F> {
    Timed::new(name.into(), future, completed)
}

/// Times a future as [`timed`] does, and keeps the text of the error that it answers with, if it does.
///
/// # Examples
///
/// ```
/// use events::{TimingOutcome, try_timed};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let parsed = try_timed("parse", async { "seven".parse::<u8>() });
/// let parsed = parsed.report(|timing| {
///     assert_eq!(timing.outcome(), &TimingOutcome::Failed("invalid digit found in string".into()));
/// });
/// assert!(parsed.await.is_err(), "the error is passed on");
/// # }
/// ```
///
/// # Errors
///
/// The future that it answers has the inner one's.
///
/// # Panics
///
/// As [`timed`].
///
/// # Cancel safety
///
/// That of the inner future.
pub fn try_timed<T, X: Display, F>(name: impl Into<Cow<'static, str>>, future: F) -> Timed<F>
where
    F: Future<Output = Result<T, X>>,
{
    Timed::new(name.into(), future, of_result)
}

/// Times a call. Otherwise as [`timed`], which it may stand inside of, and the other way round.
///
/// # Examples
///
/// ```
/// let sum = events::timed_sync("sum", || (1..=10).sum::<u32>());
/// assert_eq!(sum, 55);
/// ```
///
/// # Panics
///
/// When the call does.
pub fn timed_sync<T>(name: impl Into<Cow<'static, str>>, work: impl FnOnce() -> T) -> T {
    called(name.into(), work, completed)
}

/// Times a call as [`timed_sync`] does, and keeps the text of the error that it answers with, if it does.
///
/// # Examples
///
/// ```
/// let number = events::try_timed_sync("parse", || "7".parse::<u8>());
/// assert_eq!(number, Ok(7));
/// ```
///
/// # Errors
///
/// Those of the call.
///
/// # Panics
///
/// When the call does.
pub fn try_timed_sync<T, X: Display>(
    name: impl Into<Cow<'static, str>>,
    work: impl FnOnce() -> Result<T, X>,
) -> Result<T, X> {
    called(name.into(), work, of_result)
}

fn called<T>(name: Cow<'static, str>, work: impl FnOnce() -> T, outcome: fn(&T) -> TimingOutcome) -> T {
    let mut run = Run::begin(name, run::current(), None);
    let called = run.within(|| {
        let output = work();
        let outcome = outcome(&output);
        (output, outcome)
    });
    match called {
        Ok((output, outcome)) => {
            run.end(outcome);
            output
        }
        Err(panic) => run.end_in_panic(panic),
    }
}

fn completed<T>(_: &T) -> TimingOutcome {
    TimingOutcome::Completed
}

fn of_result<T, X: Display>(result: &Result<T, X>) -> TimingOutcome {
    result.as_ref().err().map_or(TimingOutcome::Completed, |error| TimingOutcome::Failed(error.to_string()))
}
