//! How often does a dispatch allocate, and how much?
//!
//! The operations of the benchmark `dispatch`, in a binary of their own: counting takes time, which would distort the
//! figures of a clock.
//!
//! ```text
//! cargo bench -p events --bench allocations
//! ```

mod questions;
mod support;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::args::{Args, Effort};
use support::operation::{Operation, Stage, answered};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let args = Args::read();
    let stage = Stage::new(&args);
    let questions = questions::all();
    if answered(&stage, &questions, &args) {
        return;
    }
    let times = match args.effort {
        Effort::Full => 1000,
        Effort::Quick | Effort::Smoke => 10,
    };
    println!("per operation, {} runtime\n", args.flavour());
    println!("{:<18} {:<11} {:>12} {:>14} {:>10}", "", "", "allocations", "reallocations", "bytes");
    for question in questions.iter().filter(|question| args.wants(question.name)) {
        stage.check(question);
        for (i, operation) in question.operations.iter().enumerate() {
            let name = if i == 0 { question.name } else { "" };
            println!("{name:<18} {:<11} {}", operation.label, counted(&stage, *operation, times));
        }
    }
}

/// The difference of two runs, so that what a run needs of its own cancels out.
fn counted(stage: &Stage, operation: Operation, times: u32) -> String {
    let count = |times| {
        let region = Region::new(ALLOCATOR);
        stage.run(operation, times);
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
