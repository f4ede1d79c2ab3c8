//! A program with ten thousand handlers, which starts.

use std::process::Command;

use crate::project::{Package, Project, Work};
use crate::source::Kind;

const HANDLERS: usize = 10_000;

/// The handlers, which are not built for speed, and what starts them, which is: that is where the compiler puts the library's
/// asynchronous functions.
pub(crate) const PACKAGES: [Package; 2] =
    [Package { kind: Kind::Library, units: HANDLERS }, Package { kind: Kind::Start, units: HANDLERS }];

/// In how many processes.
const RUNS: usize = 21;

/// Milliseconds on a processor that a `start()` takes, one figure for each process.
#[derive(Debug)]
pub(crate) struct Starts {
    /// Of the first one, which reads the link table.
    pub(crate) first: Vec<f64>,
    pub(crate) second: Vec<f64>,
}

pub(crate) fn measured(project: &Project) -> Result<Starts, String> {
    let [_, package] = PACKAGES;
    project.run(package, Work::Release)?;
    eprintln!("a program with {HANDLERS} handlers: built");
    let mut starts = Starts { first: Vec::new(), second: Vec::new() };
    for _ in 0..RUNS {
        let output = Command::new(project.binary(package)).output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let nanos: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [first, second] = nanos[..] else { return Err(format!("the program says {text:?} of its starts")) };
        starts.first.push(first / 1e6);
        starts.second.push(second / 1e6);
    }
    Ok(starts)
}
