//! `worker` empties its queues, and says what it did.

use std::process::Command;

#[test]
fn it_drains_its_queues_and_ends() {
    let test = std::env::current_exe().expect("the path of the test");
    let profile = test.ancestors().nth(2).expect("the folder of the profile");
    let program = profile.join("examples").join(format!("worker{}", std::env::consts::EXE_SUFFIX));
    // Where the shell disables dispatch, nobody would work.
    let output = Command::new(program).env_remove("EVENTS_DISABLE_DISPATCH").output().expect("the example runs");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let [open, done, put] = stdout.lines().collect::<Vec<_>>()[..] else { panic!("{stdout}") };
    assert_eq!(open, "open");
    let batches = done
        .strip_prefix("990 orders in ")
        .and_then(|rest| rest.strip_suffix(" batches, 29500 cents, 10 messages that are no orders"));
    let batches: usize = batches.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{done}"));
    assert!((10..=990).contains(&batches), "full ones hold a hundred: {done}");
    assert_eq!(put, format!("{batches} results, 5 payments refused"));
    assert_eq!(
        stderr.lines().filter(|line| line.contains("`order-placed` is invalid: `pieces`")).count(),
        10,
        "{stderr}"
    );
}
