//! Which of the declared functions a lifespan has, by their groups and by their paths.

mod support;

use events::{Event, Lifespan, LifespanBuilder, State, on};
use support::Log;

#[derive(Event)]
struct Grouped;

#[on(group = "billing")]
fn bill(_: &Grouped, log: State<Log>) {
    log.write("bill");
}

#[on(group = "mail")]
fn mail(_: &Grouped, log: State<Log>) {
    log.write("mail");
}

#[on]
fn always(_: &Grouped, log: State<Log>) {
    log.write("always");
}

type Choose = fn(LifespanBuilder) -> LifespanBuilder;

#[tokio::test]
async fn a_lifespan_chooses_groups_and_functions() {
    let cases: [(Choose, &[&str]); 5] = [
        (|builder| builder, &["bill", "mail", "always"]),
        (|builder| builder.without_group("mail"), &["bill", "always"]),
        (|builder| builder.only_groups(["mail"]), &["mail", "always"]),
        (|builder| builder.only_groups(Vec::<String>::new()), &["always"]),
        (|builder| builder.without("groups::always").without("groups::bill"), &["mail"]),
    ];
    for (choose, expected) in cases {
        let (app, log) = support::start_with(choose(Lifespan::builder())).await;
        let delivery = app.deliver(Grouped).await.expect("accepted");
        assert_eq!(delivery.handlers(), expected.len());
        assert_eq!(log.take(), expected);
    }
}

#[tokio::test]
async fn unknown_groups_and_functions_are_start_errors() {
    let builder = Lifespan::builder().state(Log::default());
    let builder = builder.without("groups::alwys").without_group("billling").only_groups(["mail", "post"]);
    let error = builder.start().await.expect_err("three names are unknown");
    let messages: Vec<_> = error.findings().iter().map(events::StartFinding::message).collect();
    let text = |what| format!("the builder names the {what}, which this binary does not have: see `events::catalog()`");
    assert_eq!(messages, [text("function `groups::alwys`"), text("group `billling`"), text("group `post`")]);
}
