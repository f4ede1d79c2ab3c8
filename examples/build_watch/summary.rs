//! What a build comes to: an event of this program's own, dispatched when cargo says that the build has ended.

use std::cmp::Reverse;
use std::fmt::{self, Display};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use events::{Event, State, on};

use crate::stream::BuildFinished;
use crate::tally::{Artifact, Build, Counts, Tally, Warnings};

/// How many entries a list shows.
const SHOWN: usize = 5;

/// Is not `Deserialize`, so that no line of a stream can pass for it.
#[derive(Debug, Event)]
pub(crate) struct BuildSummary {
    success: bool,
    artifacts: usize,
    fresh: usize,
    packages: usize,
    scripts: usize,
    opt_levels: Counts,
    warnings: Warnings,
    errors: usize,
    sizes: Sizes,
    waits: Waits,
}

/// How large the artifacts are, as far as their files are on this machine.
#[derive(Debug)]
struct Sizes {
    /// How many files cargo has named.
    files: usize,
    /// Artifacts by their largest file, the largest first.
    found: Vec<(String, u64)>,
}

#[derive(Debug)]
enum Waits {
    Unknown,
    /// The longest first.
    Measured(Vec<(String, Duration)>),
}

/// `blocking`, as it asks the file system for the size of every file.
#[on("build-finished", blocking)]
fn sum_up(end: &BuildFinished, build: State<Build>) -> BuildSummary {
    let mut tally = build.tally();
    tally.success = Some(end.success);
    BuildSummary {
        success: end.success,
        artifacts: tally.artifacts.len(),
        fresh: tally.artifacts.iter().filter(|artifact| artifact.fresh).count(),
        packages: tally.packages.len(),
        scripts: tally.scripts,
        opt_levels: tally.opt_levels.clone(),
        warnings: tally.warnings.clone(),
        errors: tally.errors,
        sizes: Sizes::look_up(&tally.artifacts),
        waits: Waits::of(&tally),
    }
}

#[on]
fn print_summary(summary: &BuildSummary) -> io::Result<()> {
    write!(io::stdout(), "{summary}")
}

impl Sizes {
    fn look_up(artifacts: &[Artifact]) -> Self {
        let size = |path: &PathBuf| Some(path.metadata().ok()?.len());
        let largest = |artifact: &Artifact| artifact.files.iter().filter_map(size).max();
        let sized = artifacts.iter().filter_map(|artifact| Some((artifact.label.clone(), largest(artifact)?)));
        let mut found: Vec<_> = sized.collect();
        found.sort_by_key(|(_, size)| Reverse(*size));
        Self { files: artifacts.iter().map(|artifact| artifact.files.len()).sum(), found }
    }
}

impl Waits {
    fn of(tally: &Tally) -> Self {
        if !tally.is_live() {
            return Self::Unknown;
        }
        let built = tally.artifacts.iter().filter(|artifact| !artifact.fresh);
        let mut waits: Vec<_> = built.filter_map(|built| Some((built.label.clone(), built.wait?))).collect();
        waits.sort_by_key(|(_, wait)| Reverse(*wait));
        Self::Measured(waits)
    }
}

impl Display for BuildSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "build {}", if self.success { "succeeded" } else { "failed" })?;
        writeln!(f, "  artifacts      {}, {} of them fresh", self.artifacts, self.fresh)?;
        writeln!(f, "  packages       {}", self.packages)?;
        writeln!(f, "  build scripts  {}", self.scripts)?;
        writeln!(f, "  opt levels     {}", counts(&self.opt_levels))?;
        writeln!(f, "  errors         {}", self.errors)?;
        write!(f, "{}", self.warnings)?;
        writeln!(f, "  largest        {}", self.sizes)?;
        writeln!(f, "  longest waits  {}", self.waits)
    }
}

impl Display for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  warnings       {}", self.total)?;
        if self.total == 0 {
            return Ok(());
        }
        writeln!(f, "    by package   {}", counts(&self.by_package))?;
        writeln!(f, "    by lint      {}", counts(&self.by_lint))?;
        writeln!(f, "    by file      {}", counts(&self.by_file))
    }
}

impl Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.found.is_empty() {
            return write!(f, "unknown, as none of the {} files is on this machine", self.files);
        }
        f.write_str(&list(self.found.iter().map(|(label, size)| (label, Size(*size)))))
    }
}

impl Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown, as only a build that is run from here is timed"),
            Self::Measured(waits) if waits.is_empty() => f.write_str("none, as nothing had to be compiled"),
            Self::Measured(waits) => {
                f.write_str(&list(waits.iter().map(|(label, wait)| (label, format!("{:.2} s", wait.as_secs_f64())))))
            }
        }
    }
}

/// A number of bytes, as people read it.
struct Size(u64);

impl Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ ..=9_999 => write!(f, "{bytes} B"),
            bytes @ ..=9_999_999 => write!(f, "{} KB", bytes / 1_000),
            bytes => write!(f, "{} MB", bytes / 1_000_000),
        }
    }
}

/// The highest counts first, and equal ones by name.
fn counts(counts: &Counts) -> String {
    let mut ranked: Vec<_> = counts.iter().collect();
    ranked.sort_by_key(|(_, count)| Reverse(**count));
    list(ranked.into_iter())
}

fn list<K: Display, V: Display>(entries: impl ExactSizeIterator<Item = (K, V)>) -> String {
    let hidden = entries.len().saturating_sub(SHOWN);
    let mut shown: Vec<_> = entries.take(SHOWN).map(|(key, value)| format!("{key}: {value}")).collect();
    if hidden > 0 {
        shown.push(format!("{hidden} more"));
    }
    shown.join(", ")
}
