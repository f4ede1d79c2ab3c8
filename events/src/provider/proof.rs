//! The compile-time proofs that a parameter can have what a provider makes, and their words.

use super::Facts;

/// Stops the compilation where a `now` handler would have to wait for a provider.
///
/// # Panics
///
/// That is how.
#[track_caller]
pub const fn assert_at_once(facts: Facts) {
    assert!(
        !facts.is_async,
        "a `now` handler cannot wait for a provider: this one, or one that it depends on, is an `async fn`; make it a `fn`, or a `#[provide(lifespan)]`"
    );
}

/// Stops the compilation where a provider that is there once depends on one that is there for a call.
///
/// # Panics
///
/// That is how.
#[track_caller]
pub const fn assert_lifespan(facts: Facts) {
    assert!(
        !facts.per_call,
        "a lifespan provider cannot depend on one that makes a new value for each call: make that a `#[provide(lifespan)]` as well, or depend on it where it is needed, in the handler"
    );
}

/// Stops the compilation where a call takes away what other calls need.
///
/// # Panics
///
/// That is how.
#[track_caller]
pub const fn assert_owned(facts: Facts) {
    assert!(!facts.lifespan, "what a lifespan provider makes cannot be taken by value: all calls share it, take `&T`");
}
