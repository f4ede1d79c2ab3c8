//! What does `events` cost, beside what one would pick instead, and beside what it set out to cost?
//!
//! ```text
//! cargo run --release --manifest-path comparison/Cargo.toml               # prints the page
//! cargo run --release --manifest-path comparison/Cargo.toml -- --quick    # with a few rounds
//! cargo run --release --manifest-path comparison/Cargo.toml -- --write    # writes it where the guides are
//! ```
//!
//! Whatever has its figures compared takes turns in one process. Only what needs an allocator that counts, and what builds
//! programs, has a binary of its own, which this one has cargo build and run.

mod args;
#[path = "../../events/benches/support/clock.rs"]
#[allow(dead_code, reason = "the benchmarks print as they go")]
mod clock;
mod contender;
mod contest;
mod counted;
mod machine;
mod page;
#[path = "../../events/benches/questions/mod.rs"]
mod questions;
#[path = "../../events/benches/support/mod.rs"]
#[allow(dead_code, reason = "the benchmarks read a command line of their own")]
mod support;
mod targets;

use std::path::Path;
use std::process::ExitCode;

use args::Args;
use page::{Flavour, Page};
use support::operation::{Operation, Stage};

fn main() -> ExitCode {
    match Args::read().and_then(|args| answer(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn answer(args: &Args) -> Result<(), String> {
    let effort = args.effort();
    let mut contenders = contender::all();
    let left_out = match contender::python::all() {
        Ok(more) => {
            contenders.extend(more);
            None
        }
        Err(reason) => {
            eprintln!("LEFT OUT: fastapi-events and FastStream: {reason}");
            Some(reason)
        }
    };
    let flavours = [false, true].map(|multi_thread| {
        let flavour = Flavour { multi_thread, rows: contest::held(&stage(multi_thread), &contenders, effort) };
        eprintln!("{} runtime: measured", flavour.name());
        flavour
    });
    let mut targets = targets::measured(&stage(false), effort)?;
    eprintln!("targets: measured");
    let builds = counted::builds(args.quick)?;
    targets.extend(targets::builds::targets(&builds));
    let growth = counted::growth(args.quick)?;
    let page = Page { effort, left_out, flavours, targets, builds: builds.section, growth }.to_string();
    print!("{page}");
    if args.write {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/src/docs/comparison.md");
        std::fs::write(&place, page).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    Ok(())
}

fn stage(multi_thread: bool) -> Stage {
    let mut args = support::args::Args::read();
    args.multi_thread = multi_thread;
    Stage::new(&args)
}

/// An operation of the benchmark `dispatch`.
fn operation(question: &str, label: &str) -> Option<Operation> {
    let question = questions::all().into_iter().find(|one| one.name == question)?;
    question.operations.into_iter().find(|one| one.label == label)
}
