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
#[path = "../src/lifespan/places.rs"]
mod places;
#[path = "../src/scope/queue.rs"]
mod queue;
#[path = "../src/lifespan/room.rs"]
mod room;

#[path = "loom/ends.rs"]
mod ends;
#[path = "loom/places.rs"]
mod places_models;
#[path = "loom/scopes.rs"]
mod scopes;
