//! What `story` tells, with nothing set up but `tracing_subscriber::fmt::init()`.

mod support;

/// The lines without what differs from one run to the next: the time, the number of the lifespan, how long it took.
fn told() -> Vec<String> {
    let mut command = support::program("story");
    // What is seen by default hangs on a feature of `tracing-subscriber` that other packages of the workspace turn on.
    command.env("RUST_LOG", "info").env("NO_COLOR", "1");
    let output = command.output().expect("the example runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let story = String::from_utf8(output.stdout).expect("text");
    let lifespan = story.split("lifespan=").nth(1).and_then(|rest| rest.get(..16)).expect("it has a number").to_owned();
    let lines = story.lines().map(|line| {
        let (_time, line) = line.split_once("Z ").expect("a time");
        let line = line.trim_start().replace(&lifespan, "L");
        match line.split_once(" duration=") {
            Some((before, after)) => format!("{before} {}", after.split_once(' ').expect("more follows").1),
            None => line,
        }
    });
    lines.collect()
}

#[test]
fn each_line_says_where_it_belongs_and_a_failure_is_one_line() {
    let lines = told();
    let expected = [
        "INFO request{table=4}:scope{lifespan=L scope=1}: story: taking the order",
        "INFO story: answered status=202",
        r#"INFO request{table=4}:scope{lifespan=L scope=1}:delivery{event="order-placed" id=L-1}:handler{handler="story::cook"}: story: cooking"#,
        r#"INFO delivery{event="meal-cooked" id=L-2 cause=L-1}:handler{handler="story::serve"}: story: served table=4"#,
        "INFO request{table=13}:scope{lifespan=L scope=2}: story: taking the order",
        "INFO story: answered status=202",
        r#"INFO request{table=13}:scope{lifespan=L scope=2}:delivery{event="order-placed" id=L-3}:handler{handler="story::cook"}: story: cooking"#,
        r#"ERROR request{table=13}:scope{lifespan=L scope=2}:delivery{event="order-placed" id=L-3}: events: a handler failed event="order-placed" id=L-3 handler="story::ring" file="examples/story.rs" line=40 error=it panicked: there is no bell at table 13"#,
        r#"ERROR delivery{event="meal-cooked" id=L-4 cause=L-3}: events: a handler failed event="meal-cooked" id=L-4 handler="story::serve" file="examples/story.rs" line=46 error=it took longer than its time-out of 50ms"#,
        "INFO story: 4 events delivered, 2 failures, 0 aborted",
    ];
    assert_eq!(lines, expected);
}
