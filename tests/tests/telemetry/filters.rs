//! Which spans a filter leaves in, as `docs::telemetry` says.

use events::{Lifespan, Memory, dispatch};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::recorder::Recorder;
use crate::{CatFed, DishWashed};

/// The spans, sorted, of a request with two events, of which one sends another one out.
async fn seen(directives: &str) -> Vec<String> {
    told(directives).await.0
}

/// The same, and the lines of handlers.
async fn told(directives: &str) -> (Vec<String>, Vec<String>) {
    let recorder = Recorder::default();
    let filter: EnvFilter = directives.parse().expect("directives");
    let _guard = crate::support::asked::here(tracing_subscriber::registry().with(recorder.clone()).with(filter));
    let memory = Memory::new();
    memory.bind("cats", "*");
    let app = Lifespan::builder().sink("cat-slept", memory.sink()).start().await.expect("it starts");
    let scope = app.scope(async { dispatch(CatFed { fish: 9 }).and_then(|()| dispatch(DishWashed(1))) });
    scope.await.expect("they are dispatched");
    app.shutdown().await.expect("it ends");
    let mut seen: Vec<_> = recorder.names().into_iter().map(ToOwned::to_owned).collect();
    for span in recorder.spans("delivery") {
        seen.push(format!("delivery of {}", span.get("event").expect("it has one")));
    }
    seen.sort();
    (seen, recorder.lines().into_iter().map(|line| line.text).collect())
}

#[tokio::test(start_paused = true)]
async fn spans_are_chosen_by_target_name_and_field() {
    assert_eq!(seen("warn").await, [""; 0]);
    assert_eq!(seen("info,events=warn").await, [""; 0]);
    let all = seen("info").await;
    assert_eq!(all, seen("events=info").await);
    for name in ["scope", "dispatch", "delivery", "handler", "send"] {
        assert!(all.iter().any(|seen| seen == name), "{name} in {all:?}");
    }
    let deliveries = ["delivery", "delivery", "delivery"];
    let of = ["delivery of cat-fed", "delivery of cat-slept", "delivery of dish-washed"];
    let followed = seen("warn,events[delivery]=info").await;
    assert_eq!(followed[..6], [&deliveries[..], &of].concat(), "and what stands in them, as filters have it");
    assert!(followed[6..].iter().all(|name| name == "dispatch" || name == "handler"), "{followed:?}");
    assert_eq!(seen("warn,[delivery]=info").await.iter().filter(|name| *name == "delivery").count(), 3);
    let handlers = seen("off,events[handler]=info").await;
    assert!(handlers.contains(&"handler".into()) && !handlers.contains(&"delivery".into()), "{handlers:?}");
}

#[tokio::test(start_paused = true)]
async fn lines_are_chosen_by_the_values_of_the_spans_around_them() {
    let (seen, lines) = told("warn,events[delivery{event=cat-slept}]=info").await;
    assert_eq!(lines, ["dreaming"]);
    assert_eq!(
        seen.iter().filter(|name| *name == "delivery").count(),
        3,
        "a filter sees the values of those that there are"
    );
    let (_, lines) = told("warn,events[delivery]=info").await;
    assert_eq!(lines, ["digesting", "dreaming"], "a batch stands in no delivery");
}
