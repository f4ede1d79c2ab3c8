//! Models of what threads share, which `loom` runs in every order that the memory model allows:
//!
//! ```text
//! RUSTFLAGS="--cfg events_loom" cargo test -p events --test loom --release
//! ```
//!
//! The modules are those of the library, over the types of `sync` below.

#![cfg(events_loom)]
#![allow(dead_code, missing_docs, unreachable_pub, reason = "modules of the library, in another place")]

#[path = "loom/sync.rs"]
mod sync;

#[path = "../src/lifespan/gate.rs"]
mod gate;
#[path = "../src/lifespan/kept.rs"]
mod kept;
#[path = "../src/lifespan/places.rs"]
mod places;
#[path = "../src/scope/queue.rs"]
mod queue;
#[path = "../src/lifespan/room.rs"]
mod room;
#[path = "../src/lifespan/stripes.rs"]
mod stripes;

#[path = "loom/ends.rs"]
mod ends;
#[path = "loom/places.rs"]
mod places_models;
#[path = "loom/scopes.rs"]
mod scopes;

/// As `loom::model`, with at most so many preemptions: three tasks in every order would take hours.
fn bounded_model(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}
