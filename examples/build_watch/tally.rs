//! What is known of a build so far, and the handlers that keep it up to date.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use events::{AnyEvent, State, View, on};
use serde::Deserialize;

use crate::stream::{BuildScriptExecuted, CompilerArtifact, CompilerMessage, PackageId};

pub(crate) type Counts = BTreeMap<String, usize>;

/// The build that is being watched: state of the lifespan, and shared with the reader of the stream.
#[derive(Clone)]
pub(crate) struct Build(Arc<Mutex<Tally>>);

#[derive(Default)]
pub(crate) struct Tally {
    /// When the last artifact was reported; `None` in a replay, where time says nothing.
    last_artifact: Option<Instant>,
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) packages: HashSet<PackageId>,
    pub(crate) scripts: usize,
    pub(crate) opt_levels: Counts,
    pub(crate) warnings: Warnings,
    pub(crate) errors: usize,
    pub(crate) events: Counts,
    /// Whether the build succeeded, once it has ended.
    pub(crate) success: Option<bool>,
}

pub(crate) struct Artifact {
    /// Package and target: `itoa 1.0.18 (lib)`.
    pub(crate) label: String,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) fresh: bool,
    /// How long the stream had been silent about artifacts before.
    pub(crate) wait: Option<Duration>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Warnings {
    pub(crate) total: usize,
    pub(crate) by_package: Counts,
    pub(crate) by_lint: Counts,
    pub(crate) by_file: Counts,
}

impl Build {
    pub(crate) fn new(live: bool) -> Self {
        let last_artifact = live.then(Instant::now);
        Self(Arc::new(Mutex::new(Tally { last_artifact, ..Tally::default() })))
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn success(&self) -> Option<bool> {
        self.tally().success
    }
}

impl Tally {
    pub(crate) fn is_live(&self) -> bool {
        self.last_artifact.is_some()
    }
}

pub(crate) fn add(counts: &mut Counts, key: impl Into<String>) {
    *counts.entry(key.into()).or_default() += 1;
}

#[on("compiler-artifact")]
fn count_artifact(artifact: &CompilerArtifact, build: State<Build>) {
    let mut tally = build.tally();
    let wait = tally.last_artifact.as_mut().map(|last| {
        let now = Instant::now();
        now - std::mem::replace(last, now)
    });
    add(&mut tally.opt_levels, &artifact.profile.opt_level);
    tally.artifacts.push(Artifact {
        label: format!("{} ({})", artifact.package_id, artifact.target),
        files: artifact.filenames.clone(),
        fresh: artifact.fresh,
        wait,
    });
}

#[on("compiler-message")]
fn count_message(event: &CompilerMessage, build: State<Build>) {
    let mut tally = build.tally();
    let diagnostic = &event.message;
    if diagnostic.is_error() {
        tally.errors += 1;
    } else if diagnostic.is_warning() {
        let warnings = &mut tally.warnings;
        warnings.total += 1;
        add(&mut warnings.by_package, event.package_id.to_string());
        add(&mut warnings.by_lint, diagnostic.code().unwrap_or("no lint"));
        add(&mut warnings.by_file, diagnostic.file().unwrap_or("no file"));
    }
}

/// With `--message-format=json` cargo shows no diagnostic itself.
#[on("compiler-message")]
fn show_message(event: &CompilerMessage) -> io::Result<()> {
    match &event.message.rendered {
        Some(text) => io::stdout().write_all(text.as_bytes()),
        None => Ok(()),
    }
}

#[on("build-script-executed")]
fn count_script(_: &BuildScriptExecuted, build: State<Build>) {
    build.tally().scripts += 1;
}

/// What all events of the compiler have in common. A package that does not compile has messages and no artifact.
#[derive(Deserialize)]
struct FromCompiler {
    package_id: PackageId,
}

#[on("compiler-*")]
fn know_package(event: View<FromCompiler>, build: State<Build>) {
    build.tally().packages.insert(event.0.package_id);
}

#[on("*")]
fn count_event(event: &AnyEvent, build: State<Build>) {
    add(&mut build.tally().events, event.name());
}
