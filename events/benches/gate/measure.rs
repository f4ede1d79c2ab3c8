//! One operation in a process of its own, looked at by callgrind and by the allocator.

use stats_alloc::{Region, Stats};

use super::operations::{self, Budgeted};
use crate::ALLOCATOR;
use crate::support::args::Args;
use crate::support::operation::{Stage, Work};

/// How often an operation runs before anything is counted.
pub(super) const WARM_UP: u32 = 50;

/// What stands before the figures that a process prints.
pub(super) const ALLOCATED: &str = "allocated";
pub(super) const PROCESSOR: &str = "processor";

/// The name of the function in which instructions are collected.
pub(super) fn counted_in() -> &'static str {
    std::any::type_name_of_val(&counted_by_callgrind)
}

#[inline(never)]
fn counted_by_callgrind(stage: &Stage, work: Work) {
    stage.run_prepared(work);
}

fn counted(stage: &Stage, operation: &Budgeted, times: u32) -> Stats {
    let work = (operation.prepare)(stage, times);
    let region = Region::new(ALLOCATOR);
    counted_by_callgrind(stage, work);
    region.change()
}

/// Runs an operation so many times, then twice as many, and prints how often each time of the difference allocates, and how
/// much, and what code finds the processor to have.
pub(super) fn measure(args: &Args, name: &str) {
    let stage = Stage::new(args);
    let operation = operations::all().into_iter().find(|operation| operation.name == name);
    let operation = operation.expect("`--list` tells the names of the operations");
    stage.run_prepared((operation.prepare)(&stage, WARM_UP));
    let once = counted(&stage, &operation, operation.times);
    let both = counted(&stage, &operation, 2 * operation.times);
    let calls = |stats: Stats| stats.allocations + stats.reallocations;
    let each = |once, both| (figure(both) - figure(once)) / f64::from(operation.times);
    println!("{ALLOCATED} {} {}", each(calls(once), calls(both)), each(once.bytes_allocated, both.bytes_allocated));
    println!("{PROCESSOR} {}", processor());
}

/// Runs an operation a few times and counts nothing, to show that it does.
pub(super) fn smoke(args: &Args) {
    let stage = Stage::new(args);
    for operation in operations::all() {
        stage.run_prepared((operation.prepare)(&stage, 10));
    }
}

fn figure(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("it is run for a second or two"))
}

/// What libraries choose their code by at run time.
#[cfg(target_arch = "x86_64")]
fn processor() -> &'static str {
    if is_x86_feature_detected!("avx2") { "x86-64 with AVX2" } else { "x86-64 without AVX2" }
}

#[cfg(not(target_arch = "x86_64"))]
fn processor() -> &'static str {
    std::env::consts::ARCH
}
