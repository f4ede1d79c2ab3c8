//! What does a scope for each request cost, beside the bare service and beside a task for each event?
//!
//! An operation is a request that is answered and whose events, 0, 1 or 5, have been handled. All ways run the same
//! handler body as often:
//!
//! | | |
//! |---|---|
//! | `events` | the service in an `EventsLayer`, the events dispatched in it |
//! | `bare` | the service alone, and the handler's work done in it |
//! | `spawn-each` | the service alone, and a task for each event |
//!
//! `call` calls the service, with no server around it. `serve` is axum on a loopback socket, asked by one client over
//! one connection, request by request: how long it takes is what a client waits. `serve-16` is asked by sixteen clients.
//!
//! ```text
//! cargo bench -p events --features tower --bench layer                                 # on a current-thread runtime
//! cargo bench -p events --features tower --bench layer -- --multi-thread serve         # what clients see, on more threads
//! cargo bench -p events --features tower --bench layer_allocations                     # what it allocates, and keeps
//! ```

#[path = "support/clock.rs"]
mod clock;
mod layers;
mod support;

use support::args::Args;
use support::operation::{Stage, answered};

fn main() {
    let args = Args::read();
    let stage = Stage::new(&args);
    let questions = layers::all();
    if !answered(&stage, &questions, &args) {
        clock::answer(&stage, &questions, &args);
    }
}
