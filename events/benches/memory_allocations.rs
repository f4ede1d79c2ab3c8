//! How often does a message allocate, and how much?
//!
//! The messages of the benchmark `memory`, in a binary of their own: counting takes time, which would distort the figures of a
//! clock. What is put into the queue is not counted.
//!
//! ```text
//! cargo bench -p events --bench memory_allocations
//! cargo bench -p events --bench memory_allocations -- --multi-thread
//! ```

mod messages;
#[allow(dead_code, reason = "what waits is prepared, and no operation of a lifespan")]
mod support;

use std::alloc::System;

use messages::Way;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::args::{Args, Effort};
use support::operation::Stage;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let args = Args::read();
    let stage = Stage::new(&args);
    let times = match args.effort {
        Effort::Full => messages::WAITING / 2,
        Effort::Quick | Effort::Smoke => 10,
    };
    println!("per message, {} runtime\n", args.flavour());
    println!("{:<18} {:<11} {:>12} {:>14} {:>10}", "", "", "allocations", "reallocations", "bytes");
    for question in messages::all().iter().filter(|question| args.wants(question.name)) {
        for (i, way) in question.ways.iter().enumerate() {
            let name = if i == 0 { question.name } else { "" };
            println!("{name:<18} {:<11} {}", way.label, counted(&stage, way, times));
        }
    }
}

/// The difference of two runs, so that what a run needs of its own cancels out.
fn counted(stage: &Stage, way: &Way, times: u32) -> String {
    let count = |times| {
        let prepared = (way.prepare)(times);
        let region = Region::new(ALLOCATOR);
        stage.run_prepared(prepared);
        region.change()
    };
    let once = count(times);
    let both = count(2 * times);
    let figure = |count: usize| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    let each = |once, both| (figure(both) - figure(once)) / f64::from(times);
    format!(
        "{:>12.2} {:>14.2} {:>10.1}",
        each(once.allocations, both.allocations),
        each(once.reallocations, both.reallocations),
        each(once.bytes_allocated, both.bytes_allocated)
    )
}
