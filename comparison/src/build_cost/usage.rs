//! What the compiler takes: this program stands in for it, has it run, and asks the system afterwards.

use std::ffi::OsString;
use std::fs;
use std::process::{Command, ExitCode};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// Names the file for what the compiler took, and so says that this program was started in its place.
pub(crate) const VARIABLE: &str = "EVENTS_BUILD_COST";

/// What one run of the compiler took, with its linker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// In user and system mode, in milliseconds.
    pub(crate) processor: f64,
    /// At the highest, in megabytes.
    pub(crate) memory: f64,
}

/// Runs the compiler with the words that follow, and writes down what it took.
pub(crate) fn measured(place: &OsString) -> Result<ExitCode, String> {
    let mut words = std::env::args_os().skip(1);
    let compiler = words.next().ok_or("cargo names the compiler")?;
    let words: Vec<_> = words.collect();
    let status = Command::new(&compiler).args(&words).status().map_err(|error| error.to_string())?;
    // Cargo also asks the compiler what it is.
    if words.iter().any(|word| word == "--crate-name") {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        fs::write(place, format!("{micros} {}", usage.max_rss())).map_err(|error| error.to_string())?;
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Usage {
    /// What was written down.
    pub(crate) fn read(place: &std::path::Path) -> Result<Self, String> {
        let text = fs::read_to_string(place).map_err(|error| format!("{}: {error}", place.display()))?;
        let numbers: Vec<f64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
        match numbers[..] {
            [micros, kilobytes] => Ok(Self { processor: micros / 1e3, memory: kilobytes / 1024.0 }),
            _ => Err(format!("{}: {text:?} says nothing of what the compiler took", place.display())),
        }
    }
}
