//! What Python offers, in a process of its own that takes its turns by lines and times itself.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use super::{About, Contender, Kind, Prepared, Trait};
use crate::support::operation::Stage;

/// Runs with the other contenders for the whole of a comparison, without a thread of its own between its turns.
struct Interpreter {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Interpreter {
    /// The nanoseconds that so many events took, and what their handlers added up.
    fn ask(&mut self, module: &str, handlers: u64, times: u32) -> (Duration, u64) {
        writeln!(self.questions, "{module} {handlers} {times}").expect("the interpreter reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the interpreter answers");
        let mut numbers = answer.split_whitespace().map(str::parse::<u64>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(nanos)), Some(Ok(added))) => (Duration::from_nanos(nanos), added),
            _ => panic!("{module} answered {answer:?}; what went wrong is above"),
        }
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Python {
    interpreter: Rc<RefCell<Interpreter>>,
    module: &'static str,
    package: &'static str,
    name: &'static str,
    does: &'static [Trait],
    remark: &'static str,
}

impl Contender for Python {
    fn about(&self) -> About {
        let version = pinned(self.package);
        About { name: self.name, version, kind: Kind::Async, does: self.does, remark: self.remark }
    }

    fn prepare(&self, _: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        Some(Box::new(Turn { interpreter: Rc::clone(&self.interpreter), module: self.module, handlers }))
    }
}

struct Turn {
    interpreter: Rc<RefCell<Interpreter>>,
    module: &'static str,
    handlers: u64,
}

impl Prepared for Turn {
    fn time(&mut self, _: &Stage, times: u32) -> Duration {
        self.interpreter.borrow_mut().ask(self.module, self.handlers, times).0
    }

    fn added(&mut self, _: &Stage, times: u32) -> u64 {
        self.interpreter.borrow_mut().ask(self.module, self.handlers, times).1
    }
}

/// Both contenders, or why there are none.
pub(crate) fn all() -> Result<Vec<Box<dyn Contender>>, String> {
    let interpreter = Rc::new(RefCell::new(start()?));
    let python = |module, package, name, does, remark| -> Box<dyn Contender> {
        Box::new(Python { interpreter: Rc::clone(&interpreter), module, package, name, does, remark })
    };
    Ok(vec![
        python(
            "by_fastapi_events",
            "fastapi-events",
            "fastapi-events (Python)",
            &[Trait::Order, Trait::Validation, Trait::Patterns, Trait::AfterResponse],
            "its middleware around an empty request; a handler that fails keeps the next ones from running",
        ),
        python(
            "by_faststream",
            "faststream",
            "FastStream's test broker (Python)",
            &[Trait::Order, Trait::Validation, Trait::Patterns, Trait::Drain],
            "meant for tests; the broker is that of NATS, in memory",
        ),
    ])
}

const REQUIREMENTS: &str = include_str!("../../python/requirements.txt");

/// The version in the list of requirements.
fn pinned(package: &str) -> String {
    let version = REQUIREMENTS.lines().find_map(|line| {
        let (name, version) = line.split_once("==")?;
        name.split('[').next().filter(|name| *name == package).map(|_| version)
    });
    version.expect("what is compared is pinned").to_owned()
}

fn start() -> Result<Interpreter, String> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = environment(home)?;
    let mut command = Command::new(python);
    command.arg(home.join("python/serve.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("`python3` does not start: {error}"))?;
    let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("`python3` has no pipes".to_owned());
    };
    let mut interpreter = Interpreter { child, questions, answers: BufReader::new(answers) };
    let mut ready = String::new();
    match interpreter.answers.read_line(&mut ready) {
        Ok(_) if ready.trim() == "ready" => Ok(interpreter),
        _ => Err("`python/serve.py` does not start; what it says is above".to_owned()),
    }
}

/// The interpreter of a virtual environment with what is required, which is made anew where the list has changed.
fn environment(home: &Path) -> Result<PathBuf, String> {
    let place = home.join("target/python");
    let python = place.join("bin/python");
    let installed = place.join("installed.txt");
    if python.exists() && std::fs::read_to_string(&installed).is_ok_and(|text| text == REQUIREMENTS) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let list = home.join("python/requirements.txt");
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(list))?;
    std::fs::write(&installed, REQUIREMENTS).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{command:?}` ended with {status}")),
        Err(error) => Err(format!("`{command:?}` does not start: {error}")),
    }
}
