//! `worker` empties its queues, and says what it did.

// What another package's tests start, too.
#[allow(dead_code, reason = "those need more of it")]
#[path = "../../tests/tests/amqp/broker.rs"]
mod broker;
mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use support::Running;

fn worker() -> Command {
    support::program("worker")
}

/// How many batches there were, of all that was in the queues.
fn batches(done: &str, stderr: &str) -> usize {
    let batches = done
        .strip_prefix("990 orders in ")
        .and_then(|rest| rest.strip_suffix(" batches, 29500 cents, 10 messages that are no orders"));
    let batches = batches.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{done}\n{stderr}"));
    assert!((10..=990).contains(&batches), "full ones hold a hundred: {done}");
    let invalid = stderr.lines().filter(|line| line.contains("`order-placed` is invalid: `pieces`")).count();
    assert_eq!(invalid, 10, "{stderr}");
    batches
}

#[test]
fn it_drains_its_queues_and_ends() {
    let output = worker().output().expect("the example runs");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let [open, done, put] = stdout.lines().collect::<Vec<_>>()[..] else { panic!("{stdout}") };
    assert_eq!(open, "open");
    assert_eq!(put, format!("{} results, 5 payments refused", batches(done, &stderr)));
}

/// How many messages of a queue are not settled, those that somebody has already among them.
fn messages(broker: &broker::Broker, queue: &str) -> Option<u32> {
    let listed = broker.ask(&["list_queues", "--quiet", "--no-table-headers", "name", "messages"]);
    listed.iter().find_map(|line| line.strip_prefix(queue)?.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_drains_the_queues_of_rabbitmq_until_it_is_told_to_end() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    tokio::task::block_in_place(|| {
        let mut command = worker();
        command.args(["--amqp", &broker.url(), "--fill"]);
        let running = Running::start(command);
        let begun = Instant::now();
        // Results come first: before there are any, the queues may be empty because nobody has filled them.
        while messages(broker, "results").is_none_or(|results| results < 10)
            || ["orders", "payments"].iter().any(|queue| messages(broker, queue) != Some(0))
        {
            assert!(begun.elapsed() < Duration::from_mins(3), "the queues are not empty within three minutes");
        }
        let (code, stdout, stderr) = running.end();
        let [open, done] = stdout.lines().collect::<Vec<_>>()[..] else { panic!("{stdout}\n{stderr}") };
        assert_eq!((code, open), (Some(0), "open"), "{stdout}\n{stderr}");
        let batches = batches(done, &stderr);
        assert_eq!(messages(broker, "results"), u32::try_from(batches).ok(), "each batch has a result");
    });
}

#[test]
fn what_it_does_not_understand_is_told() {
    for (arguments, told) in [
        (&["--fill"][..], "`--fill` goes with `--amqp`: the queues inside of the process are filled already"),
        (&["--amqp"], "`--amqp` needs a value"),
        (&["--amqp", "http://salmon"], "the URL of the broker cannot be read"),
        (&["--amqp", "amqp://cat:salmon@127.0.0.1:1"], "cannot connect to `127.0.0.1:1`: "),
        (&["fill"], "unknown argument `fill`"),
    ] {
        let stderr = support::refused(worker(), arguments);
        assert!(stderr.starts_with(&format!("error: {told}")) && !stderr.contains("salmon"), "{stderr}");
    }
}
