//! Whether a lifespan is live, and whether it is ready.

use axum::Router;
use axum::body::Body;
use events::health::Probes;
use events::http::Webhook;
use events::{Envelope, Lifespan, Memory, Sink, SinkError, SourceExt as _, dispatch};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt as _;

use crate::DishWashed;

async fn ask(router: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("it answers");
    let status = response.status();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("a text"))
}

const OK: StatusCode = StatusCode::OK;
const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

#[tokio::test]
async fn a_source_that_is_down_turns_readiness_red() {
    let memory = Memory::new();
    let plates = memory.source("plates").backoff(Duration::from_millis(1)..=Duration::from_millis(1));
    let app = Lifespan::builder().source(plates).start().await.expect("it starts");
    let routes = Probes::new(&app).routes();
    let until = async |ready| {
        while app.health().is_ready() != ready {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    until(true).await;
    assert_eq!(ask(&routes, "/readyz").await, (OK, "ok".into()));
    assert_eq!(app.health().to_string(), "live, ready");

    memory.interrupt();
    until(false).await;
    assert_eq!(ask(&routes, "/readyz").await, (UNAVAILABLE, "unavailable".into()));
    assert_eq!(ask(&routes, "/livez").await, (OK, "ok".into()), "to start the process anew would not mend the broker");
    let health = app.health();
    let [source] = health.sources() else { panic!("one source") };
    assert_eq!((source.name(), source.is_connected()), ("memory/plates", false));
    assert!(source.last_error().is_some());
    assert!(health.to_string().starts_with("live, not ready: source `memory/plates` is not connected: "), "{health}");

    memory.restore();
    until(true).await;
    assert!(app.health().sources()[0].last_error().is_some(), "what was last wrong is still told");
    app.shutdown().await.expect("it ends");
}

#[tokio::test(start_paused = true)]
async fn a_lifespan_that_is_full_or_has_ended_is_not_ready() {
    let app = Lifespan::builder().max_pending(2).start().await.expect("it starts");
    let routes: Router = Probes::new(&app).routes();
    assert!(app.health().is_ready() && !app.health().is_full());
    let scope = app.scope(async {
        dispatch(DishWashed(1)).and_then(|()| dispatch(DishWashed(2))).expect("there is room");
        let health = app.health();
        assert_eq!((health.is_full(), health.is_ready(), health.pending()), (true, false, (2, 2)));
        assert_eq!(health.to_string(), "live, not ready: 2 events wait for their delivery, as many as may");
        assert_eq!(ask(&routes, "/readyz").await.0, UNAVAILABLE);
    });
    scope.await;
    assert!(app.health().is_ready(), "{}", app.health());

    app.shutdown().await.expect("it ends");
    assert_eq!(ask(&routes, "/livez").await, (UNAVAILABLE, "unavailable".into()));
    assert_eq!(app.health().to_string(), "not live: the lifespan has ended");
}

#[tokio::test]
async fn while_it_drains_it_is_live_and_not_ready() {
    let app = Lifespan::builder().start().await.expect("it starts");
    let (open, opened) = tokio::sync::oneshot::channel::<()>();
    let held = tokio::spawn({
        let app = app.clone();
        async move { app.scope(opened).await }
    });
    tokio::task::yield_now().await;
    let ending = tokio::spawn({
        let app = app.clone();
        async move { app.shutdown().await }
    });
    while !app.health().is_draining() {
        tokio::task::yield_now().await;
    }
    assert_eq!((app.health().is_live(), app.health().is_ready()), (true, false));
    let routes = Probes::new(&app).routes();
    assert_eq!(ask(&routes, "/readyz").await, (UNAVAILABLE, "unavailable".into()));
    assert_eq!(ask(&routes, "/livez").await, (OK, "ok".into()));
    assert_eq!(app.health().to_string(), "live, not ready: the lifespan is shutting down");
    open.send(()).expect("somebody waits");
    held.await.expect("it ends").expect("it is told");
    ending.await.expect("it runs").expect("it ends");
}

/// Takes no first dish.
struct Cupboard;

impl Sink for Cupboard {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        if envelope.payload() == b"1" { Err(SinkError::permanent("the cupboard is full")) } else { Ok(()) }
    }
}

#[tokio::test]
async fn what_was_last_wrong_with_a_sink_is_told_to_those_who_may_know() {
    let app = Lifespan::builder().sink("dish-washed", Cupboard).start().await.expect("it starts");
    let (routes, detailed) = (Probes::new(&app).routes(), Probes::new(&app).detailed().routes());
    app.scope(async { dispatch(DishWashed(1)) }).await.expect("it is dispatched");
    let health = app.health();
    let [sink] = health.sinks() else { panic!("one sink") };
    assert_eq!(
        (sink.failed_attempts(), sink.last_error().map(ToString::to_string)),
        (1, Some("the cupboard is full".into()))
    );
    assert!(health.is_ready(), "others would not do better");
    assert_eq!(ask(&routes, "/readyz").await, (OK, "ok".into()), "the world is not told");

    let (status, body) = ask(&detailed, "/readyz").await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &body["status"], &body["pending"]), (OK, &json!("ok"), &json!(0)));
    assert_eq!(body["sinks"][0]["last_error"]["error"], "the cupboard is full");
    assert_eq!(body["sinks"][0]["failed_attempts"], 1);
    assert_eq!(body["sources"], json!([]));

    app.scope(async { dispatch(DishWashed(2)) }).await.expect("it is dispatched");
    assert_eq!(app.health().sinks()[0].failed_attempts(), 0);
    app.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn one_of_two_sources_that_is_down_is_named() {
    let (up, down) = (Memory::new(), Memory::new());
    down.interrupt();
    let app = Lifespan::builder().source(up.source("plates")).source(down.source("plates"));
    let app = app.start().await.expect("it starts");
    let detailed = Probes::new(&app).detailed().routes();
    let sources = || app.health().sources().iter().map(events::SourceHealth::is_connected).collect::<Vec<_>>();
    while sources() != [true, false] || app.health().sources()[1].last_error().is_none() {
        tokio::task::yield_now().await;
    }
    let (status, body) = ask(&detailed, "/readyz").await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &body["status"]), (UNAVAILABLE, &json!("unavailable")));
    let [first, second] = body["sources"].as_array().expect("a list").as_slice() else { panic!("{body}") };
    assert_eq!(
        (&first["name"], &first["connected"], &first["last_error"]),
        (&json!("memory/plates"), &json!(true), &json!(null))
    );
    assert_eq!((&second["name"], &second["connected"]), (&json!("memory/plates"), &json!(false)));
    let error = &second["last_error"];
    assert!(error["error"].is_string() && error["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{body}");
    assert!(first["place"].as_str().is_some_and(|place| place.contains("health.rs:")), "{body}");
    assert!(body["summary"].as_str().is_some_and(|line| line.matches("memory/plates").count() == 1), "{body}");
    app.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn sinks_that_are_called_alike_have_two_places() {
    let hook = || Webhook::new("https://hooks.example/secret?key=hunter2").expect("a good URL");
    let cats = Lifespan::builder().sink("cat-*", hook());
    let app = cats.sink("dish-*", hook()).start().await.expect("it starts");
    let health = app.health();
    let [first, second] = health.sinks() else { panic!("two sinks") };
    assert_eq!((first.name(), second.name()), ("https://hooks.example", "https://hooks.example"));
    assert_eq!(first.place().line() + 1, second.place().line());
    app.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn probes_do_not_keep_a_lifespan_alive() {
    let app = Lifespan::builder().start().await.expect("it starts");
    let routes = Probes::new(&app).routes();
    drop(app);
    while ask(&routes, "/livez").await.0 == OK {
        tokio::task::yield_now().await;
    }
}
