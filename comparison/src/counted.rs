//! What is counted, or built, in binaries of their own.

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

/// What it costs to build with `events`, and to start what has many handlers.
pub(crate) struct Builds {
    /// The check of a program beside the same with serde's derives alone, round by round.
    pub(crate) checks: Vec<f64>,
    /// Milliseconds of the first start with ten thousand handlers, process by process.
    pub(crate) starts: Vec<f64>,
    /// The part of the page.
    pub(crate) section: String,
}

pub(crate) fn builds(quick: bool) -> Result<Builds, String> {
    let printed = run("build_cost", if quick { &["--quick"] } else { &[] })?;
    let mut lines = printed.splitn(3, '\n');
    let mut figures = |word: &str| {
        let figures = lines.next().and_then(|line| line.strip_prefix(word));
        let figures = figures.map(|figures| figures.split_whitespace().map_while(|one| one.parse().ok()).collect());
        figures.filter(|figures: &Vec<f64>| !figures.is_empty()).ok_or_else(|| format!("`build_cost` says no `{word}`"))
    };
    let (checks, starts) = (figures("check ")?, figures("start ")?);
    Ok(Builds { checks, starts, section: lines.next().unwrap_or_default().to_owned() })
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
