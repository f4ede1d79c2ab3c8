//! Does what `events` costs grow with what there is of it, and no faster?
//!
//! Prints tables: the time for each unit, and the bytes that each of them holds. Where something bends, the figures of a column
//! rise. The allocator counts, so that times here are a little longer than elsewhere.

mod chain;
mod events_of_a_scope;
mod handlers;
mod open_scopes;
mod payload;
mod table;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let largest = if std::env::args().any(|word| word == "--quick") { 1000 } else { 100_000 };
    let runtime = runtime();
    println!("## Growth\n");
    println!(
        "Time and memory for each unit, the best of a few runs, on a current-thread runtime. What grows as it should keeps its \
         figures from line to line; the first lines carry what a run needs once."
    );
    handlers::table(&runtime, largest).print();
    events_of_a_scope::table(&runtime, largest).print();
    open_scopes::table(&runtime, largest).print();
    chain::table(&runtime, largest).print();
    payload::table(&runtime, largest).print();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be built")
}

/// What is on the heap.
fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}
