//! Watches a build through the events of cargo, and sums it up.
//!
//! `cargo build --message-format=json` prints one JSON object a line, and each names itself by its field `reason`. Here
//! every line is an event of that name, dispatched in a scope of its own; handlers count, show diagnostics, and answer
//! cargo's `build-finished` with an event of this program's own, the summary.
//!
//! ```text
//! cargo run --example build_watch                     # see below
//! cargo run --example build_watch -- --help
//! cargo run --example build_watch -- my/Cargo.toml    # runs cargo on the package
//! cargo build --message-format=json | cargo run -q --example build_watch -- -
//! ```
//!
//! Without an argument it reads standard input, if that is no terminal and has at least one byte before it ends; else it
//! replays a real build that was captured in `examples/data`.
//!
//! The stream may hold anything. What is no event is reported on standard error with the number of its line, and the next
//! line is read: lines that are not UTF-8, not JSON, without a `reason`, of the wrong shape, or longer than 16 MiB. A
//! `reason` that nobody here knows is reported too, and goes to the handlers of any event. Lines after `build-finished`
//! are not cargo's, as `cargo run` goes on with the output of the program; they are counted and not looked at.
//!
//! The exit code is the build's, for a script that pipes cargo's output through here: 0 when it succeeded; 1 when it
//! failed, or when the stream ended before it did. 2 says that this program could not do its work: a wrong argument,
//! input that cannot be read, output that cannot be written. Damaged lines do not change it, since tools that cargo runs
//! may print between its lines.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, BufRead, Write as _};
use std::process::ExitCode;

use events::{Lifespan, dispatch_named};

#[path = "build_watch/input.rs"]
mod input;
#[path = "build_watch/lines.rs"]
mod lines;
#[path = "build_watch/stream.rs"]
mod stream;
#[path = "build_watch/summary.rs"]
mod summary;
#[path = "build_watch/tally.rs"]
mod tally;

use input::{Input, Request, Source, USAGE};
use lines::{BadLine, Lines};
use tally::Build;

const FAILED_BUILD: u8 = 1;
const FAILED_WATCH: u8 = 2;

// Reading a line blocks the main thread, which is no worker of this runtime: whatever the handlers have dispatched runs
// meanwhile.
#[tokio::main(flavor = "multi_thread")]
async fn main() -> ExitCode {
    let done = match Request::parse(std::env::args_os().skip(1)) {
        Ok(Request::Help) => write!(io::stdout(), "{USAGE}").map(|()| ExitCode::SUCCESS).map_err(Into::into),
        Ok(Request::Watch(source)) => run(source).await,
        Err(mistake) => Err(format!("{mistake}\n\n{USAGE}").into()),
    };
    done.unwrap_or_else(|error| {
        tell(format_args!("error: {error}"));
        ExitCode::from(FAILED_WATCH)
    })
}

async fn run(source: Source) -> Result<ExitCode, Box<dyn Error>> {
    let mut input = Input::open(source)?;
    let build = Build::new(input.is_live());
    let app = Lifespan::builder().state(build.clone()).start().await?;
    let reading = watch(&app, &build, &mut input.stream).await;
    let cargo = input.close()?;
    // The summary is an event that a handler returned: the scopes have not waited for it, and the shutdown does.
    let report = app.shutdown().await?;

    print_end(&build, &reading)?;
    if build.success().is_none() {
        tell("the stream ended without `build-finished`: whether the build succeeded is not known");
        if let Some(status) = cargo.filter(|status| !status.success()) {
            tell(format_args!("cargo ended with {status}"));
        }
    }
    if report.failed > 0 {
        return Err(format!("handlers failed {} times, so that numbers or output are missing", report.failed).into());
    }
    Ok(match (reading.broke_off, build.success()) {
        (true, _) => ExitCode::from(FAILED_WATCH),
        (false, Some(true)) => ExitCode::SUCCESS,
        (false, _) => ExitCode::from(FAILED_BUILD),
    })
}

/// What became of the lines of a stream.
#[derive(Default)]
struct Reading {
    lines: u64,
    damaged: u64,
    unknown: u64,
    /// Those behind the end of the build.
    behind: u64,
    broke_off: bool,
}

async fn watch(app: &Lifespan, build: &Build, stream: impl BufRead) -> Reading {
    let mut reading = Reading::default();
    let mut lines = Lines::new(stream);
    loop {
        match lines.read() {
            Ok(None) => return reading,
            Ok(Some(_)) if build.success().is_some() => reading.behind += 1,
            Ok(Some(line)) => reading.count(line.number, hand_in(app, line.text).await),
            Err(error) => {
                reading.broke_off = true;
                tell(format_args!("the stream cannot be read after line {}: {error}", lines.number()));
                return reading;
            }
        }
    }
}

/// What a line was.
enum Handed {
    Blank,
    Event,
    /// An event of a name that no type here has.
    Unknown(String),
}

/// Dispatches a line as the event that it names, and waits for the handlers, so that the next line finds their work done.
async fn hand_in(app: &Lifespan, line: Result<&str, BadLine>) -> Result<Handed, BadLine> {
    let line = line?;
    if line.is_empty() {
        return Ok(Handed::Blank);
    }
    let reason = lines::reason(line)?;
    app.scope(async { dispatch_named(&reason, line) }).await?;
    let is_known = events::catalog().events().any(|event| event.name() == reason);
    Ok(if is_known { Handed::Event } else { Handed::Unknown(reason.into_owned()) })
}

impl Reading {
    fn count(&mut self, number: u64, outcome: Result<Handed, BadLine>) {
        self.lines += 1;
        match outcome {
            Ok(Handed::Blank | Handed::Event) => {}
            Ok(Handed::Unknown(reason)) => {
                self.unknown += 1;
                tell(format_args!("line {number}: unknown reason `{reason}`"));
            }
            Err(bad) => {
                self.damaged += 1;
                tell(format_args!("line {number}: {bad}"));
            }
        }
    }
}

fn print_end(build: &Build, reading: &Reading) -> io::Result<()> {
    let Reading { lines, damaged, unknown, behind, .. } = reading;
    let mut out = io::stdout();
    writeln!(out, "lines: {lines} read, {damaged} of them damaged, {unknown} of unknown reason")?;
    if *behind > 0 {
        writeln!(out, "       {behind} after the end of the build, not looked at")?;
    }
    writeln!(out, "events delivered:")?;
    build.tally().events.iter().try_for_each(|(name, count)| writeln!(out, "  {count:>5} {name}"))
}

/// Writes a line to standard error. Where that fails, nobody is left to be told.
fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
