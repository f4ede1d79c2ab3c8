//! For tests: a lifespan that is looked into, one handler alone, handlers in every order.
//!
//! A [`TestLifespan`] is a [`Lifespan`] that keeps a record of what happens in it. It is started in one line, with the
//! functions and the state that the test chooses, and ends when it is dropped. Tests run side by side in one process: a
//! record has what happened in its own lifespan, and nothing else.
//!
//! ```standalone_crate
//! use events::testing::TestLifespan;
//! use events::{AnyEvent, Event, Lifespan, State, on};
//! use serde::Serialize;
//!
//! #[derive(Event, Serialize)]
//! struct CatAsked {
//!     cat: String,
//! }
//!
//! #[derive(Event, Serialize)]
//! struct CatFed {
//!     fish: u32,
//! }
//!
//! #[on]
//! async fn feed(_: &CatAsked, portion: State<u32>) -> CatFed {
//!     CatFed { fish: *portion }
//! }
//!
//! #[on("*")]
//! fn audit(event: &AnyEvent) {
//!     println!("{}", event.name());
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), events::Error> {
//! // With the handlers that the test is about; `TestLifespan::start()` has all of them.
//! let app = Lifespan::builder().without_all().with(feed).state(2_u32).start_test().await;
//! app.dispatch(CatAsked { cat: "Tom".into() })?;
//! app.settled().await; // the event, and what came of it, is over
//!
//! app.assert_dispatched::<CatFed>(|event| event.fish == 2);
//! app.assert_count::<CatAsked>(1);
//! app.assert_chain(["cat-asked", "cat-fed"]);
//! app.assert_no_failures();
//! assert_eq!(
//!     app.to_string(), // what a failing assertion prints, too
//!     r#"what has happened:
//!   `cat-asked` {"cat":"Tom"}: 1 handler
//!     `cat-fed` {"fish":2}: no handler"#
//! );
//!
//! // One handler alone: with its real parameters, and without what would come of it.
//! let called = app.call(feed, CatAsked { cat: "Kit".into() }).await?;
//! assert!(called.is_ok());
//! assert_eq!(called.emitted_of::<CatFed>()[0].fish, 2);
//! app.assert_count::<CatFed>(1); // the record knows nothing of it
//! # Ok(())
//! # }
//! ```
//!
//! # In every order
//!
//! [`permute`] runs a test with the handlers in every order that nothing forbids, and so finds those that depend on another
//! one without saying so.
//!
//! # What a test sees
//!
//! A test file is a program of its own, with the handlers of the crates that it names: see [linking](crate::docs::linking).
//! Time is tokio's: `#[tokio::test(start_paused = true)]` makes time-outs and `#[every(..)]` a matter of no time.
//!
//! A record has what was accepted, and so it is empty where dispatch is
//! [disabled](LifespanBuilder::disable_dispatch): a binary whose tests must not be led astray by the environment calls
//! `disable_dispatch(false)`.
//!
//! # Bounds
//!
//! A record holds 65,536 entries: events, refusals and failures. When it is full, every assertion panics and says so. It
//! prints 1000 lines, with 200 bytes of each payload, and counts the others. It keeps the payloads of its events, which are
//! dropped with the last handle of the lifespan.

mod arrange;
mod assert;
mod call;
mod conformance;
mod permute;
mod print;
mod record;
mod seam;

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use crate::any::AnyEvent;
use crate::context::Ambient;
use crate::failure::Failure;
use crate::lifespan::{Lifespan, LifespanBuilder};
pub use call::Called;
pub use conformance::{Transport, assert_conformance};
pub use permute::permute;
use seam::Kit;
pub(crate) use seam::Seam;

/// A [`Lifespan`] with a record of what happens in it. See the [module](self).
///
/// Dropping it aborts the lifespan, whoever else has a handle of it. A test that asks whether the end is clean calls
/// [`shutdown`](Lifespan::shutdown); the record can be read after it.
///
/// `Display` prints what has happened: each event below the one whose handler dispatched it, with its payload as JSON, how
/// many handlers ran, and what failed or was refused.
#[must_use = "a lifespan that is dropped is aborted"]
pub struct TestLifespan {
    lifespan: Lifespan,
    kit: Arc<Kit>,
}

impl TestLifespan {
    /// Starts a lifespan with every function that the test's binary declares. [`LifespanBuilder::start_test`] starts one with
    /// state, and with the functions that the builder chooses.
    ///
    /// # Panics
    ///
    /// When the lifespan cannot start, with the text of the [`StartError`](crate::StartError).
    #[track_caller]
    pub fn start() -> impl Future<Output = Self> {
        Lifespan::builder().start_test()
    }

    async fn begin(mut builder: LifespanBuilder, kit: Arc<Kit>, place: &Location<'_>) -> Self {
        builder.seam = Seam::new(&kit);
        match builder.start().await {
            Ok(lifespan) => Self { lifespan, kit },
            Err(error) => panic!("{place}: {error}"),
        }
    }

    /// Waits until nothing is at work: no scope is open, no event waits for its delivery, no handler, hook or
    /// [spawned](crate::spawn) task goes on. So everything that was dispatched, and everything that came of it, is over.
    ///
    /// It is told by the last work that ends, and never looks at a clock. Work that never ends is waited for without an end.
    /// Not waited for are tasks of `tokio::spawn`, a `blocking` handler whose time-out has passed, and the next call of an
    /// `#[every(..)]` function.
    ///
    /// # Panics
    ///
    /// When it is called inside a scope or a handler of the lifespan, which it would wait for.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    #[track_caller]
    pub fn settled(&self) -> impl Future<Output = ()> + use<'_> {
        let place = Location::caller();
        async move {
            let inside = Ambient::current().is_some_and(|ambient| ambient.lifespan().is(self));
            assert!(
                !inside,
                "{place}: `settled` was called inside a scope or a handler of the lifespan, which it would wait for: call it \
                 outside",
            );
            self.core().gate.idle().await;
        }
    }

    /// The events that were accepted, in the order of their dispatch.
    pub fn dispatched(&self) -> Vec<AnyEvent> {
        self.kit.record().events().cloned().collect()
    }

    /// The events that handlers dispatched, in the order of their dispatch: those with a
    /// [causation](AnyEvent::causation).
    pub fn chained(&self) -> Vec<AnyEvent> {
        self.kit.record().events().filter(|event| event.causation().is_some()).cloned().collect()
    }

    /// The events whose every handler has ended, in the order of these ends. An event without handlers is among them.
    pub fn delivered(&self) -> Vec<AnyEvent> {
        self.kit.record().delivered_events().cloned().collect()
    }

    /// What has failed, in order: handlers, hooks and periodic functions.
    pub fn failures(&self) -> Vec<Failure> {
        self.kit.record().failures().cloned().collect()
    }
}

impl LifespanBuilder {
    /// Starts the lifespan with a record of what happens in it, for a test. See [`testing`](self).
    ///
    /// # Panics
    ///
    /// When the lifespan cannot start, with the text of the [`StartError`](crate::StartError).
    ///
    /// # Cancel safety
    ///
    /// As [`start`](Self::start).
    #[track_caller]
    pub fn start_test(self) -> impl Future<Output = TestLifespan> {
        TestLifespan::begin(self, Arc::default(), Location::caller())
    }
}

impl Deref for TestLifespan {
    type Target = Lifespan;

    fn deref(&self) -> &Lifespan {
        &self.lifespan
    }
}

impl Drop for TestLifespan {
    fn drop(&mut self) {
        self.lifespan.abort();
    }
}

impl fmt::Display for TestLifespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.kit.record(), f)
    }
}

impl fmt::Debug for TestLifespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestLifespan").field("lifespan", &self.lifespan).finish_non_exhaustive()
    }
}
