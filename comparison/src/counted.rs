//! What is counted in binaries of their own.

use std::process::{Command, Stdio};

/// Allocations of a dispatch to two `now` handlers, with what makes it.
pub(crate) fn allocations(question: &str) -> Result<f64, String> {
    let printed = run("allocations", &["--bench", question])?;
    let line = printed.lines().find(|line| line.starts_with(question));
    let figure = line.and_then(|line| line.split_whitespace().nth(2)).and_then(|figure| figure.parse().ok());
    figure.ok_or_else(|| format!("`allocations` says nothing of `{question}`: {printed}"))
}

/// The tables of growth.
pub(crate) fn growth(quick: bool) -> Result<String, String> {
    run("growth", if quick { &["--quick"] } else { &[] })
}

/// Cargo builds one binary for one run, and so has to be asked again.
fn run(binary: &str, words: &[&str]) -> Result<String, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--release", "--manifest-path", manifest, "--bin", binary, "--"]).args(words);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("`{command:?}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{command:?}` ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("`{binary}` prints no text: {error}"))
}
