//! How events flow through one lifespan: what it has of the declared, and what it was given beside it.

use std::sync::Arc;

use events::{
    AnyEvent, Echo, Event, Flow, Lifespan, LifespanBuilder, Memory, Null, SinkExt as _, SourceExt as _, on, provide,
};
use serde::{Deserialize, Serialize};

mod flow_support;

use flow_support::Picture;
use flow_support::at::At;

#[derive(Event, Serialize, Deserialize)]
#[event(alias = "fed")]
struct CatFed;

#[derive(Event, Serialize, Deserialize)]
struct CatPurred;

#[derive(Event, Serialize, Deserialize)]
#[event(prefix = "dog-")]
enum Dog {
    Barked,
    Ran,
    Slept,
    Woke,
}

struct Pool;

#[provide(lifespan)]
fn pool() -> Pool {
    Pool
}

#[provide]
fn session(#[depends(pool)] _: &Pool) -> u8 {
    0
}

#[provide]
fn of_dogs() -> u8 {
    0
}

#[on]
fn purr(_: &CatFed, #[depends(session)] _: &u8) -> CatPurred {
    CatPurred
}

#[on(group = "dogs", order = 2)]
fn walk(_: Arc<Dog>, #[depends(of_dogs)] _: &u8) {}

fn cats() -> LifespanBuilder {
    Lifespan::builder().without_group("dogs")
}

fn lines(flow: &Flow) -> Vec<String> {
    let picture = Picture::mermaid(&flow.mermaid());
    assert_eq!(picture, Picture::dot(&flow.dot()), "both languages draw the same");
    picture.lines()
}

fn here(line: u32) -> String {
    format!("{}:{line}", file!())
}

#[test]
fn what_is_left_out_is_not_drawn_and_nothing_that_it_alone_stands_on() {
    let flow = cats().flow();
    assert_eq!(lines(&flow), ["cat-fed -> purr", "purr -> cat-purred", "session ..> purr", "pool ..> session"]);
    assert!(!flow.mermaid().contains("walk") && !flow.mermaid().contains("of_dogs"));
    assert!(flow.unhandled().eq(["cat-purred", "dog-barked", "dog-ran", "dog-slept", "dog-woke"]));
}

#[test]
fn what_something_stands_in_for_depends_on_nothing() {
    let flow = cats().replace::<session>(1).flow();
    assert_eq!(lines(&flow), ["cat-fed -> purr", "purr -> cat-purred", "session, replaced ..> purr"]);
}

#[tokio::test]
async fn closures_sources_and_sinks_are_drawn_before_and_after_the_start() {
    let memory = Memory::default();
    let builder = cats()
        .on(|_: Arc<CatPurred>| async { Some(CatFed) })
        .on_pattern("dog-[bw]*", |_: AnyEvent| async {})
        .source(memory.source("cats").named("fed"))
        .source(At("all"))
        .source(At("milk").named("milk-spilt"))
        .sink("*-purred", Echo::stderr())
        .sink("*", Null.only());
    let before = builder.flow();
    let first = line!() - 10;
    // What a sink alone gets, no handler does.
    assert_eq!(
        lines(&before),
        [
            "purr -> cat-purred".to_owned(),
            format!("closure ({}) -> cat-fed", here(first + 2)),
            "session ..> purr".to_owned(),
            "pool ..> session".to_owned(),
            format!("cat-purred -> Echo ({})", here(first + 7)),
            "memory/cats -> cat-fed".to_owned(),
            "milk -> milk-spilt".to_owned(),
            format!("dog-[bw]* -> closure ({})", here(first + 3)),
            format!("* -> Null ({}) (only)", here(first + 8)),
            "all -> *".to_owned(),
        ]
    );
    let idle: Vec<_> = before.idle().map(|node| (node.path().to_owned(), node.place().line())).collect();
    assert_eq!(idle.len(), 3, "{idle:?}");
    assert!(before.cycles().is_empty(), "the sink breaks it");
    assert_eq!(before.unhandled().count(), 0);
    let after = cats().on(|_: Arc<CatPurred>| async { Some(CatFed) }).source(memory.source("cats")).start().await;
    let after = after.expect("nothing is wrong");
    let flow = after.flow();
    let [cycle] = flow.cycles() else { panic!("not one: {flow}") };
    assert!(cycle.to_string().ends_with(&format!("closure ({}) -> cat-fed", here(line!() - 4))), "{cycle}");
    assert!(lines(&flow).contains(&"memory/cats -> *".to_owned()));
    after.shutdown().await.expect("it ends");
}

#[test]
fn many_events_are_drawn_as_one_pattern() {
    let names = |flow: &Flow| lines(flow).into_iter().filter(|line| line.contains("closure")).collect::<Vec<_>>();
    let closure = |line: u32| format!("closure ({})", here(line));
    let four = cats().on_pattern("dog-*", |_: AnyEvent| async {}).flow();
    assert_eq!(names(&four).len(), 4);
    let six =
        cats().on_pattern("*", |_: AnyEvent| async {}).on_pattern("*", |_: AnyEvent| async { Some(CatFed) }).flow();
    let (at, drawn) = (closure(line!() - 1), names(&six));
    let expected = [
        format!("cat-fed => {at}"),
        format!("cat-purred => {at}"),
        format!("{at} => cat-fed"),
        format!("* -> {at}"),
        format!("* -> {at}"),
    ];
    assert_eq!(drawn, expected, "what is in a cycle is drawn all the same");
    assert_eq!(six.cycles().len(), 1, "{six}");
}

#[test]
fn a_secret_is_in_no_picture() {
    let flow = cats()
        .source(At("amqp://tom:hunter2@broker:5672/shop/orders"))
        .source(At("https://host/feed?token=hunter2").named("cat-fed"))
        .flow();
    let (mermaid, dot) = (flow.mermaid(), flow.dot());
    for picture in [&mermaid, &dot, &flow.to_string()] {
        assert!(!picture.contains("hunter2") && !picture.contains("tom"), "{picture}");
    }
    let picture = Picture::mermaid(&mermaid);
    for address in ["amqp://broker:5672/shop/orders", "https://host/feed?.."] {
        assert!(picture.nodes.values().any(|node| node.label == address), "{address} is not in {mermaid}");
    }
}

#[test]
fn two_runs_draw_one_picture() {
    let draw = || cats().source(Memory::default().source("cats")).sink("*", Null).flow();
    assert_eq!((draw().mermaid(), draw().dot()), (draw().mermaid(), draw().dot()));
}
