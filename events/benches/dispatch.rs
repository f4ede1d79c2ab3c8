//! What does a dispatch cost, beside the same work written out by hand?
//!
//! An operation of `events` is a scope: entered, an event or eight dispatched, delivered to so many handlers; that of
//! `now` handlers is the dispatch alone. What they are compared with has the same payload and the same handler bodies:
//!
//! | | |
//! |---|---|
//! | `table` | the payload boxed, and a plain table of functions called in order, asynchronous ones boxed and awaited |
//! | `one-spawn` | the same table in one spawned task, joined |
//! | `join-all` | the futures of the table in one `join_all`: concurrency paid for in advance |
//! | `spawn-each` | a task for each handler |
//!
//! Handlers `async` end at their first poll, handlers `waiting` at their second. The first two of the table do not let
//! handlers that wait overlap; the others and `events` do. Handlers `on-lifespan` and `on-call` depend on a provider, whose
//! value was made with the lifespan, or is made for the call; the tables beside them have the number at hand.
//!
//! ```text
//! cargo bench -p events --bench dispatch                        # all, on a current-thread runtime
//! cargo bench -p events --bench dispatch -- --multi-thread      # on a multi-thread runtime
//! cargo bench -p events --bench dispatch -- --quick async       # a few rounds of what has `async` in its name
//! cargo bench -p events --bench dispatch -- --list              # the names of the operations
//! ```
//!
//! Instructions are counted by the difference of two runs which do nothing else, so that their beginning and their end
//! cancel out: an operation takes (second - first) / 1000 instructions. Under valgrind the clock is read by a system
//! call, which counts for less than it takes.
//!
//! ```text
//! export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="valgrind --tool=callgrind --callgrind-out-file=/dev/null"
//! cargo bench -q -p events --bench dispatch -- --count sync-1/events --times 1000 2>&1 | grep Collected
//! cargo bench -q -p events --bench dispatch -- --count sync-1/events --times 2000 2>&1 | grep Collected
//! ```
//!
//! What it takes that spans can be looked at is the same with a subscriber that does not look: with `--looking warn`, and again
//! with `--features otel,metrics`.

#[path = "support/clock.rs"]
mod clock;
mod questions;
mod support;

use support::args::Args;
use support::operation::{Stage, answered};
use tracing_subscriber::filter::LevelFilter;

fn main() {
    let args = Args::read();
    if let Some(level) = &args.looking {
        let level: LevelFilter = level.parse().expect("a level");
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::sink).init();
    }
    let stage = Stage::new(&args);
    let questions = questions::all();
    if !answered(&stage, &questions, &args) {
        clock::answer(&stage, &questions, &args);
    }
}
