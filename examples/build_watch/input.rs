//! Where the stream comes from.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::tell;

pub(crate) const USAGE: &str = "\
Watches a build through the events of `cargo build --message-format=json`, and sums it up.

usage: build_watch [- | path/to/Cargo.toml | --help]

  -                   reads the stream from standard input
  path/to/Cargo.toml  runs `cargo build` on that manifest and reads what it prints
  (nothing)           reads standard input where that is no terminal and not empty,
                      and otherwise replays the captured build in examples/data

exit code: 0 when the build succeeded; 1 when it failed, or the stream ended before the
build did; 2 when this program could not do its work. Damaged lines and unknown reasons
are reported with their line numbers and do not change the exit code.
";

/// A real stream, captured once, in which only the paths of the machine were replaced.
const CAPTURED: &[u8] = include_bytes!("../data/cargo-build.jsonl");

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    Help,
    Watch(Source),
}

#[derive(Debug)]
pub(crate) enum Source {
    Stdin,
    Cargo(PathBuf),
    StdinOrCaptured,
}

impl Request {
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let Some(arg) = args.next() else { return Ok(Self::Watch(Source::StdinOrCaptured)) };
        if args.next().is_some() {
            return Err("more than one argument".into());
        }
        match arg.to_str() {
            Some("-") => Ok(Self::Watch(Source::Stdin)),
            Some("-h" | "--help") => Ok(Self::Help),
            _ => manifest(Path::new(&arg)).map(|path| Self::Watch(Source::Cargo(path))),
        }
    }
}

fn manifest(path: &Path) -> Result<PathBuf, String> {
    if path.file_name() != Some(OsStr::new("Cargo.toml")) {
        return Err(format!(
            "`{0}` is not a Cargo.toml; `build_watch - < file` reads a captured stream",
            path.display()
        ));
    }
    if !path.is_file() {
        return Err(format!("there is no file `{}`", path.display()));
    }
    Ok(path.to_owned())
}

/// An open stream.
pub(crate) struct Input {
    pub(crate) stream: Box<dyn BufRead>,
    cargo: Option<Child>,
}

impl Input {
    pub(crate) fn open(source: Source) -> io::Result<Self> {
        match source {
            Source::Stdin => Ok(Self::of(io::stdin().lock())),
            Source::Cargo(manifest) => Self::run_cargo(&manifest),
            Source::StdinOrCaptured => Self::stdin_or_captured(),
        }
    }

    fn of(stream: impl BufRead + 'static) -> Self {
        Self { stream: Box::new(stream), cargo: None }
    }

    fn stdin_or_captured() -> io::Result<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            // A pipe that stays open and silent would look like a program that hangs.
            tell("reading standard input");
            let mut stdin = stdin.lock();
            if !stdin.fill_buf()?.is_empty() {
                return Ok(Self::of(stdin));
            }
        }
        tell("no stream on standard input: replaying the captured build");
        Ok(Self::of(CAPTURED))
    }

    fn run_cargo(manifest: &Path) -> io::Result<Self> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(&cargo);
        command.args(["build", "--message-format=json", "--manifest-path"]).arg(manifest);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("`{}` could not be started: {error}", cargo.display()))
        })?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("cargo's output was not piped"))?;
        Ok(Self { stream: Box::new(BufReader::new(stdout)), cargo: Some(child) })
    }

    /// Whether the lines come as the build goes on, which cannot be told of standard input.
    pub(crate) fn is_live(&self) -> bool {
        self.cargo.is_some()
    }

    /// Closes the stream and waits for the cargo that wrote it, if this program has started one.
    pub(crate) fn close(self) -> io::Result<Option<ExitStatus>> {
        drop(self.stream);
        self.cargo.map(|mut cargo| cargo.wait()).transpose()
    }
}
