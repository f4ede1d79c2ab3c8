//! `bridge` passes on what is an order, to both of its sinks, whatever one of them thinks of it.

mod support;

#[test]
fn one_sink_that_fails_changes_nothing_for_the_other() {
    let mut command = support::program("bridge");
    // Where the shell has proxies, nothing would arrive.
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "TOKEN"] {
        command.env_remove(name);
    }
    let output = command.output().expect("the example runs");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert_eq!(stdout, "36 orders archived, 26 booked, 10 not booked, 4 refused\n", "{stderr}");
    let count = |text: &str| stderr.lines().filter(|line| line.contains(text)).count();
    assert_eq!(count("the ledger takes nothing from Kit"), 10, "each order once: {stderr}");
    assert_eq!(count("`order-placed` is invalid: `pieces`"), 4, "{stderr}");
}
