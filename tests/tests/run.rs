//! A program that `run` runs: what it answers to signals. Each test starts this very binary as a child and sends it signals.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio, Termination as _};

use events::{Event, Lifespan, State, dispatch, on};

/// Says to the child what to do; unset in the tests themselves.
const PLAN: &str = "EVENTS_TEST_PLAN";

struct Plan(String);

#[derive(Event)]
struct Worked;

#[on(startup)]
async fn begin(plan: State<Plan>, app: Lifespan) -> Result<Worked, &'static str> {
    match plan.0.0.as_str() {
        "hang" => {
            std::thread::spawn(move || {
                while app.spawn(async {}).is_ok() {
                    std::thread::yield_now();
                }
                println!("draining");
            });
            Ok(Worked)
        }
        "fail" => Err("no bowl"),
        "hang-at-start" => {
            println!("starting");
            std::future::pending().await
        }
        _ => Ok(Worked),
    }
}

#[on]
async fn work(_: &Worked, plan: State<Plan>) {
    println!("working");
    if plan.0.0 == "hang" {
        std::future::pending::<()>().await;
    }
}

#[on(shutdown)]
fn end() {
    println!("ending");
}

/// The child's program, which is a test of no interest where it is no child.
#[test]
fn child() {
    let Ok(plan) = std::env::var(PLAN) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let exit = runtime.block_on(events::run(Lifespan::builder().state(Plan(plan))));
    let code = exit.code();
    let _printed = exit.report();
    std::process::exit(code.into());
}

struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(plan: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("it runs"))
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(PLAN, plan)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, output }
    }

    /// Reads what the child prints, up to a line.
    fn wait_for(&mut self, text: &str) {
        let mut line = String::new();
        while !line.trim_end().ends_with(text) {
            line.clear();
            assert!(self.output.read_line(&mut line).expect("it prints text") > 0, "it ended without `{text}`");
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("there is `kill`").success());
    }

    /// The exit code, and what was printed on standard error.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        self.child.stderr.take().expect("it is piped").read_to_string(&mut errors).expect("it prints text");
        let status: ExitStatus = self.child.wait().expect("it ends");
        (status.code(), errors)
    }
}

#[test]
fn a_signal_shuts_down() {
    for signal in ["INT", "TERM"] {
        let mut running = Running::start("work");
        running.wait_for("working");
        running.signal(signal);
        running.wait_for("ending");
        assert_eq!(running.ended(), (Some(0), String::new()));
    }
}

#[test]
fn a_second_signal_forces_the_end() {
    for (second, code) in [("INT", 130), ("TERM", 143)] {
        let mut running = Running::start("hang");
        running.wait_for("working");
        running.signal("TERM");
        running.wait_for("draining");
        running.signal(second);
        let (exit, errors) = running.ended();
        assert!(exit == Some(code), "{exit:?}: {errors}");
        assert!(errors.contains("forced the end") && errors.contains("`run::work` on `worked`"), "{errors}");
    }
}

#[test]
fn a_start_that_fails_is_told() {
    let (code, errors) = Running::start("fail").ended();
    assert_eq!(code, Some(1));
    assert!(errors.contains("startup hook `run::begin` failed: no bowl"), "{errors}");
}

#[test]
fn a_signal_during_the_start_ends_it() {
    let mut running = Running::start("hang-at-start");
    running.wait_for("starting");
    running.signal("TERM");
    assert_eq!(running.ended().0, Some(143));
}

#[test]
fn outside_of_children_dispatch_is_refused() {
    assert!(dispatch(Worked).is_err());
}
