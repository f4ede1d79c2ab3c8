//! `pubsub` publishes, reads, and ends.

// What another package's tests start, too.
#[allow(dead_code, reason = "those need more of it")]
#[path = "../../tests/tests/pubsub/service/mod.rs"]
mod service;
mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use service::{Options, Service};
use support::Running;

fn program() -> Command {
    let mut program = support::program("pubsub");
    // Where the shell names an emulator, something else would happen.
    program.env_remove("PUBSUB_EMULATOR_HOST");
    program
}

/// How many measurements were noted, all of them in order.
fn noted(stdout: &str) -> usize {
    let each = |line: &str| {
        let (freezer, rest) = line.split_once(": ").expect(line);
        let (measured, rest) = rest.split_once(" measurements, 0 of them out of order, ").expect(line);
        assert!(["cellar", "kitchen", "yard"].contains(&freezer) && rest.ends_with(" °C at the most"), "{line}");
        measured.parse::<usize>().expect(line)
    };
    stdout.lines().map(each).sum()
}

#[test]
fn it_empties_its_own_queue_and_ends() {
    let output = program().output().expect("the example runs");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{stdout}");
    let freezers = [("cellar", -20), ("kitchen", -17), ("yard", -24)];
    let line =
        |(freezer, warmest)| format!("{freezer}: 10 measurements, 0 of them out of order, {warmest} °C at the most\n");
    assert_eq!(stdout, freezers.map(line).concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_end_it_has_acknowledged_what_it_noted_and_nothing_else() {
    let service = Service::start().await;
    service.make("freezers", Options { is_ordered: true, ..Options::default() });
    let place = format!("{}/freezers/freezers", service::PROJECT);
    let endpoint = format!("http://{}", service.address());
    tokio::task::block_in_place(|| {
        let mut command = program();
        command.args(["--pubsub", &place, "--endpoint", &endpoint]);
        let running = Running::start(command);
        let begun = Instant::now();
        while service.calls("Acknowledge").is_empty() || service.backlog("freezers") > 24 {
            assert!(begun.elapsed() < Duration::from_mins(3), "little is noted within three minutes");
            std::thread::sleep(Duration::from_millis(5));
        }
        let (code, stdout, stderr) = running.end();
        assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
        assert!(noted(&stdout) >= 6, "{stdout}");
        assert_eq!(noted(&stdout) + service.backlog("freezers"), 30, "{stdout}");
    });
}

#[test]
fn what_it_does_not_understand_is_told() {
    for (arguments, told) in [
        (&["--endpoint", "http://here:1"][..], "`--endpoint` goes with `--pubsub`"),
        (&["--pubsub"], "`--pubsub` needs a value"),
        (&["--pubsub", "freezers"], "`--pubsub` is given a project, a topic and a subscription: "),
        (&["--pubsub", "a b/freezers/store"], "the project has no name, or one that no project has: "),
        (&["--pubsub", "cafe/freezers/store", "--endpoint", "here"], "the endpoint cannot be read: "),
        (&["--pubsub", "cafe/freezers/store", "--endpoint", "http://here"], "the address of the emulator cannot be "),
        (&["freezers"], "unknown argument `freezers`"),
    ] {
        let stderr = support::refused(program(), arguments);
        assert!(stderr.starts_with(&format!("error: {told}")), "{stderr}");
    }
}
