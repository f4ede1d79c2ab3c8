//! What the tests of payloads share: handlers that keep what they are given, and who compares it.

#![allow(dead_code, unused_imports, unused_macros, reason = "each test file takes what it needs")]

use std::any::Any;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use events::{Event, Lifespan, State, dispatch, dispatch_named};

/// What handlers were given, one lifespan's together.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Vec<(&'static str, Box<dyn Any + Send>)>>);

impl Seen {
    pub(crate) fn add(&self, handler: &'static str, payload: impl Any + Send) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((handler, Box::new(payload)));
    }

    /// The first payload that `handler` was given and nobody has taken yet, where it is a `T`.
    pub(crate) fn take<T: 'static>(&self, handler: &str) -> Option<T> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = seen.iter().position(|(who, _)| *who == handler)?;
        seen.remove(at).1.downcast().ok().map(|payload| *payload)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// Gives each type three handlers: by its type, by its shape, and by its JSON.
macro_rules! handlers {
    ($($event:ident: $name:literal in $module:ident;)*) => {$(
        mod $module {
            use events::{AnyEvent, JsonError, State, View, on};

            use super::$event;
            use crate::payload_support::Seen;

            #[on($name)]
            fn typed(event: &$event, seen: State<Seen>) {
                seen.add("typed", event.clone());
            }

            #[on($name)]
            async fn viewed(View(event): View<$event>, seen: State<Seen>) {
                seen.add("viewed", event);
            }

            #[on($name, blocking)]
            fn written(event: AnyEvent, seen: State<Seen>) -> Result<(), JsonError> {
                seen.add("written", event.json().get().map_err(Clone::clone)?.to_owned());
                Ok(())
            }
        }
    )*};
}

pub(crate) use handlers;

/// A lifespan, and what its handlers will be given.
pub(crate) async fn start() -> (Lifespan, State<Seen>) {
    let app = Lifespan::builder().state(Seen::default()).start().await.expect("a lifespan");
    let seen = app.state().expect("it was given one");
    (app, seen)
}

/// Sends a payload as a value and by its name, and holds what every handler was given against it.
pub(crate) async fn travels<E: Event + Clone + Debug + PartialEq>(event: E, json: &str) {
    let (app, seen) = start().await;
    for by_name in [false, true] {
        let sent = event.clone();
        app.scope(async { if by_name { dispatch_named(sent.name(), json) } else { dispatch(sent) } })
            .await
            .expect("accepted");
        assert_eq!(seen.take::<E>("typed").as_ref(), Some(&event), "typed, by name: {by_name}");
        assert_eq!(seen.take::<E>("viewed").as_ref(), Some(&event), "viewed, by name: {by_name}");
        assert_eq!(seen.take::<String>("written").as_deref(), Some(json), "written, by name: {by_name}");
        assert!(seen.is_empty(), "{seen:?}");
    }
    assert_eq!(app.shutdown().await.expect("from outside").failed, 0);
}

/// What a handler by type is given for a text.
pub(crate) async fn read<E: Event>(name: &str, json: &str) -> E {
    let (app, seen) = start().await;
    app.scope(async { dispatch_named(name, json) }).await.expect("it fits");
    seen.take("typed").expect("it was delivered")
}

/// Why a text is refused for a name.
pub(crate) async fn refusal(name: &str, json: &str) -> String {
    let (app, seen) = start().await;
    let error = app.scope(async { dispatch_named(name, json) }).await.expect_err("it does not fit");
    assert!(seen.is_empty(), "nothing was delivered");
    error.to_string()
}
