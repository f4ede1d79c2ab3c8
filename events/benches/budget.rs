//! Has an operation become dearer than it is allowed to be?
//!
//! For each operation the instructions are counted by callgrind, and the allocations, with their bytes, by an allocator. What
//! they may be stands in `budget.txt`. It fails where an operation takes over 3 % more instructions or bytes than its budget
//! says, or allocates more often.
//!
//! ```text
//! cargo bench -p events --features tower --bench budget                  # count all, and compare
//! cargo bench -p events --features tower --bench budget -- now           # what has `now` in its name
//! cargo bench -p events --features tower --bench budget -- --record      # write `budget.txt` anew
//! ```
//!
//! An operation runs in a process of its own: a few times, then so many times, and twice as many. Callgrind collects inside
//! of one function alone, which runs it, and writes down what it has at the end of each of the last two; an operation takes
//! what the second takes more, divided. So it is done three times, with other seeds of hash maps each time, and the least of the
//! three is compared. `spread` is what lies between the least and the most.
//!
//! What `malloc`, `free` and the like take is left out of the instructions: it depends on what else has been freed, and where,
//! and varied by up to 600 instructions for the same eight events. Each allocation counts on its own instead; of
//! the allocator that counts, some ten instructions for each are left in.
//!
//! The package is built as one unit (`Cargo.toml`, `profile.bench`): cut into several, any change, of these files too, would move
//! what is inlined, by up to 5 % of an operation.
//!
//! Time plays no part, and another machine counts the same, as long as the compiler, the C library and what code may ask of
//! a processor are the same: these are written down beside the figures. Where they differ, the comparison is printed, and
//! nothing fails. The C library is told to do without AVX2 and what came after it, wherever it runs.
//!
//! Without valgrind nothing is checked, and it says so; with `CI` set, that fails.

mod gate;
#[allow(dead_code, reason = "the requests over sockets are of no interest here, nor what they are compared with")]
#[cfg(feature = "tower")]
mod layers;
#[allow(dead_code, reason = "what they are compared with is of no interest here")]
mod messages;
mod questions;
#[allow(dead_code, reason = "nothing is compared here but figures")]
mod support;

use std::alloc::System;
use std::error::Error;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::args::Args;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let is_kept = gate::answer(&Args::read())?;
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
