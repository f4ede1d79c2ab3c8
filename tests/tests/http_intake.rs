//! What is taken by HTTP, and what is answered.

mod http_support;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use events::http::Intake;
use events::{AnyEvent, Envelope, Event, Lifespan, on};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use http_body_util::Limited;
use http_support::{
    answer, ask, batch, body, fed, open_gate, plain, post, refusal, start, start_with, structured, told, with,
};
use serde_json::json;
use tokio::time::{Instant, sleep};

async fn intake() -> (Lifespan, Router, http_support::Done) {
    let (app, done) = start().await;
    let router = Intake::new(&app).router();
    (app, router, done)
}

#[tokio::test(start_paused = true)]
async fn events_come_in_four_ways() {
    let (app, router, done) = intake().await;
    let binary = post("/", "application/json", r#"{"fish":1}"#);
    let binary = with(
        with(with(with(binary, "ce-specversion", "1.0"), "ce-type", "cat-fed"), "ce-source", "/t"),
        "ce-id",
        "a%20b",
    );
    assert_eq!(answer(&router, binary).await, (202, json!({"ids": ["a b"]})));
    assert_eq!(answer(&router, structured(&fed("c", 2))).await, (202, json!({"ids": ["c"]})));
    assert_eq!(answer(&router, batch(&[fed("d", 3), fed("e", 4)])).await, (202, json!({"ids": ["d", "e"]})));
    let (status, taken) = answer(&router, plain("cat-fed", r#"{"fish":5}"#)).await;
    assert_eq!(status, 202);
    let own = taken["ids"][0].as_str().expect("it is given one").to_owned();
    assert_eq!(answer(&router, plain("cat-slept", "")).await.0, 202);
    assert_eq!(answer(&router, batch(&[])).await, (202, json!({"ids": []})));
    assert!(app.shutdown().await.expect("from outside").is_clean());
    let mut lines = done.lines();
    lines.sort();
    assert_eq!(lines, ["fed 1 a b", "fed 2 c", "fed 3 d", "fed 4 e", &format!("fed 5 {own}"), "slept"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_is_refused_by_status_and_code() {
    let (app, router, done) = intake().await;
    let json_body = |body: &str| post("/", "application/cloudevents+json", body.to_owned());
    let attributes =
        |request| with(with(with(request, "ce-specversion", "1.0"), "ce-source", "/t"), "ce-type", "cat-fed");
    let fish = r#"{"fish":1}"#;
    let text = json!({"specversion": "1.0", "type": "cat-fed", "source": "/t", "id": "1", "datacontenttype": "text/plain", "data": "x"});
    let deep = json!({"specversion": "1.0", "type": "cat-fed", "source": "/t", "id": "1", "eventhops": 65, "data": {"fish": 1}});
    let newer = json!({"specversion": "1.0", "type": "cat-fed", "source": "/t", "id": "1", "eventversion": 2, "data": {"fish": 1}});
    for (request, status, code) in [
        (post("/", "application/json", fish), 415, "unsupported-media-type"),
        (post("/", "application/cloudevents+avro", fish), 415, "unsupported-media-type"),
        (post("/", "application/cloudevents-batch+avro", fish), 415, "unsupported-media-type"),
        (attributes(post("/", "text/plain", fish)), 415, "unsupported-media-type"),
        (post("/events/cat-fed", "text/plain", fish), 415, "unsupported-media-type"),
        (with(plain("cat-fed", fish), "content-encoding", "gzip"), 415, "unsupported-media-type"),
        (structured(&text), 415, "unsupported-media-type"),
        (with(plain("cat-fed", fish), "content-type", "application/json"), 400, "malformed"),
        (json_body("{"), 400, "malformed"),
        (json_body("[]"), 400, "malformed"),
        (json_body(r#"{"specversion":"1.0"}"#), 400, "malformed"),
        (json_body(&fed("1", 1).to_string().replace("1.0", "0.3")), 400, "malformed"),
        (attributes(post("/", "application/json", fish)), 400, "malformed"),
        (with(attributes(with(post("/", "application/json", fish), "ce-id", "1")), "ce-id", "2"), 400, "malformed"),
        (attributes(with(post("/", "application/json", fish), "ce-id", "%ff")), 400, "malformed"),
        (attributes(with(post("/", "application/json", "{"), "ce-id", "1")), 400, "malformed"),
        (plain("cat-fed", "{"), 400, "malformed"),
        (plain("%FF", fish), 400, "malformed"),
        (post("/", "application/cloudevents-batch+json", "{}"), 400, "malformed"),
        (post("/", "application/cloudevents-batch+json", "[1] 2"), 400, "malformed"),
        (plain("dog-fed", fish), 422, "unknown-event"),
        (plain("cat*", fish), 422, "unknown-event"),
        (plain("cat-fed", r#"{"fish":20}"#), 422, "invalid"),
        (plain("cat-fed", ""), 422, "invalid"),
        (structured(&deep), 422, "too-deep"),
        (structured(&newer), 422, "unknown-version"),
    ] {
        let asked = format!("{request:?}");
        assert_eq!(refusal(&router, request).await, (status, code.to_owned()), "{asked}");
    }
    assert_eq!(ask(&router, with(plain("cat-fed", fish), "content-encoding", "identity")).await.status(), 202);
    assert_eq!(app.shutdown().await.expect("from outside").delivered, 1);
    assert_eq!(done.lines().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_posted_and_is_sent_on_is_a_hop_further() {
    let (sender, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let keep = move |envelope: Envelope| {
        let kept = sender.send((envelope.hops(), envelope.came_from().map(str::to_owned)));
        async move { kept }
    };
    let (app, _done) = start_with(Lifespan::builder().sink("cat-fed", keep)).await;
    let router = Intake::new(&app).router();
    let mut posted = fed("a", 1);
    posted["eventhops"] = 3.into();
    assert_eq!(ask(&router, structured(&posted)).await.status(), 202);
    assert_eq!(sent.recv().await, Some((4, None)));
    app.shutdown().await.expect("from outside");
}

#[tokio::test(start_paused = true)]
async fn other_paths_and_methods_are_answered_as_ever() {
    let (_app, router, _) = intake().await;
    let empty = |method, path| http::Request::builder().method(method).uri(path).body(axum::body::Body::empty());
    for (method, path, status) in
        [("GET", "/", 405), ("OPTIONS", "/", 405), ("PUT", "/events/a", 405), ("POST", "/other", 404)]
    {
        let response = ask(&router, empty(method, path).expect("a request")).await;
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(response.headers().get("allow").is_some(), status == 405);
    }
}

#[tokio::test(start_paused = true)]
async fn broken_rules_are_told_field_by_field() {
    let (_app, router, _) = intake().await;
    let problem = answer(&router, plain("cat_fed", r#"{"fish":20}"#)).await.1;
    let expected = json!({
        "title": "Unprocessable Entity", "status": 422, "code": "invalid", "detail": "the payload of `cat-fed` is invalid",
        "errors": [{"path": "fish", "code": "range", "message": "must be from 1 to 10", "value": 20}],
    });
    assert_eq!(problem, expected);
    let problem = answer(
        &router,
        structured(&json!({
            "specversion": "1.0", "type": "cat-fed", "source": "/t", "id": "1", "data": {"fish": "two"}
        })),
    );
    let problem = problem.await.1;
    assert_eq!(
        (&problem["code"], &problem["errors"][0]["code"]),
        (&json!("invalid"), &json!("malformed")),
        "{problem}"
    );
    assert_eq!(problem["errors"][0]["path"], "fish");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let (app, router, done) = intake().await;
    let (status, problem) =
        answer(&router, batch(&[fed("1", 1), fed("2", 0), fed("3", 1), told("4", "x"), json!({}), fed("6", 99)])).await;
    // What is no CloudEvent weighs more than what is a wrong one.
    assert_eq!((status, &problem["code"]), (400, &json!("batch")), "{problem}");
    let events: Vec<_> = problem["events"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| {
            (
                event["index"].as_u64().expect("a number"),
                event["code"].as_str().expect("a text"),
                event["errors"][0]["path"].as_str(),
            )
        })
        .collect();
    assert_eq!(events, [(1, "invalid", Some("fish")), (4, "malformed", None), (5, "invalid", Some("fish"))]);

    let (status, problem) = answer(
        &router,
        batch(&[fed("1", 1), json!({"specversion": "1.0", "type": "dog-fed", "source": "/t", "id": "2"})]),
    )
    .await;
    assert_eq!(
        (status, &problem["events"][0]["index"], &problem["events"][0]["code"]),
        (422, &json!(1), &json!("unknown-event"))
    );
    let many: Vec<_> = (0..101).map(|number| fed(&number.to_string(), 1)).collect();
    assert_eq!(refusal(&router, batch(&many)).await, (413, "too-many-events".into()));
    assert_eq!(answer(&router, batch(&many[..100])).await.0, 202);
    assert_eq!(app.shutdown().await.expect("from outside").delivered, 100);
    let expected: Vec<_> = (0..100).map(|number| format!("fed 1 {number}")).collect();
    assert_eq!(done.lines(), expected, "in order, and of no other batch");
}

#[tokio::test(start_paused = true)]
async fn the_broken_rules_of_a_batch_are_bounded() {
    let (app, _) = start().await;
    let router = Intake::new(&app).batch_limit(1000).router();
    let wrong: Vec<_> = (0..300).map(|number| fed(&number.to_string(), 0)).collect();
    let problem = answer(&router, batch(&wrong)).await.1;
    let events = problem["events"].as_array().expect("a list");
    let told = events.iter().filter(|event| event.get("errors").is_some()).count();
    assert_eq!((events.len(), told), (300, 100));
}

#[tokio::test(start_paused = true)]
async fn a_batch_without_room_leaves_nothing_behind() {
    let (app, done) = start_with(Lifespan::builder().max_pending(3)).await;
    let router = Intake::new(&app).router();
    assert_eq!(answer(&router, batch(&[told("1", "hang"), told("2", "hang")])).await.0, 202);
    for _ in 0..3 {
        let response = ask(&router, batch(&[fed("3", 1), fed("4", 1)])).await;
        assert_eq!(
            (response.status(), &response.headers()["retry-after"]),
            (StatusCode::SERVICE_UNAVAILABLE, &"5".parse().expect("a value"))
        );
        assert_eq!(body(response).await["code"], "full");
    }
    // What has been tried takes no room: there is still a place, and no more than one.
    assert_eq!(answer(&router, structured(&told("5", "hang"))).await.0, 202);
    assert_eq!(refusal(&router, structured(&fed("6", 1))).await, (503, "full".into()));
    assert_eq!(
        refusal(&router, batch(&[fed("a", 1), fed("b", 1), fed("c", 1), fed("d", 1)])).await,
        (413, "too-many-events".into())
    );
    for _ in 0..3 {
        open_gate(&app);
    }
    done.wait(6).await;
    app.shutdown().await.expect("from outside");
    assert!(done.lines().iter().all(|line| !line.starts_with("fed")), "{:?}", done.lines());
}

#[tokio::test(start_paused = true)]
async fn a_lifespan_that_ends_or_takes_nothing_says_when_to_come_again() {
    let (app, router, _) = intake().await;
    app.disable_dispatch(true);
    assert_eq!(refusal(&router, structured(&fed("1", 1))).await, (503, "disabled".into()));
    app.disable_dispatch(false);
    assert_eq!(answer(&router, structured(&told("2", "hang"))).await.0, 202);
    let ending = tokio::spawn({
        let app = app.clone();
        async move { app.shutdown().await }
    });
    tokio::task::yield_now().await;
    let response = ask(&router, structured(&fed("3", 1))).await;
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"5".parse().expect("a value")));
    assert_eq!(body(response).await["code"], "closed");
    open_gate(&app);
    let report = ending.await.expect("no panic").expect("from outside");
    assert!(report.is_clean() && report.delivered == 1, "{report:?}");
    assert_eq!(refusal(&router, structured(&fed("4", 1))).await, (503, "closed".into()));
}

#[tokio::test(start_paused = true)]
async fn patterns_and_names_say_what_may_come_in() {
    let (app, _) = start().await;
    let closed: Router = Intake::new(&app).accept("cat-f*").accept("*-slept").router();
    let open: Router = Intake::new(&app).accept("cat-f*").accept_unknown().router();
    for (name, body, statuses) in [
        ("cat-fed", r#"{"fish":1}"#, [202, 202]),
        ("cat_fed", r#"{"fish":1}"#, [202, 202]),
        ("cat-slept", "null", [202, 422]),
        ("cat-told", r#"{"to":"x"}"#, [422, 422]),
        ("cat-fainted", "1", [422, 202]),
        ("dog-fed", "1", [422, 422]),
    ] {
        for (router, status) in [&closed, &open].into_iter().zip(statuses) {
            assert_eq!(ask(router, plain(name, body)).await.status(), status, "{name}");
        }
    }
    let problem = answer(&closed, plain("cat-told", r#"{"to":"x"}"#)).await.1;
    assert_eq!(problem["detail"], "`cat-told` is no event that is taken here", "{problem}");
}

/// An event that cannot be made of JSON.
#[derive(Event)]
struct InnerSecret;

#[on]
fn keep(_: &InnerSecret) {}

#[tokio::test(start_paused = true)]
async fn what_is_not_made_to_come_in_is_unknown() {
    let (_app, router, _) = intake().await;
    let problem = answer(&router, plain("inner-secret", "null")).await.1;
    assert_eq!(
        (&problem["code"], &problem["detail"]),
        (&json!("unknown-event"), &json!("`inner-secret` is no event that is taken here"))
    );
}

#[on("cat-fed")]
fn look(
    event: &AnyEvent,
    message: Option<events::ScopeValue<events::Message>>,
    done: events::State<http_support::Done>,
) {
    let Some(message) = message.filter(|message| message.header("x-look").is_some()) else { return };
    let names: Vec<_> = message.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
    done.write(format!("{} {:?} {}", event.name(), message.content_type, names.join(" ")));
    done.write(String::from_utf8_lossy(&message.body).into_owned());
}

#[tokio::test(start_paused = true)]
async fn handlers_may_ask_for_the_message_without_what_proves_the_sender() {
    let (app, router, done) = intake().await;
    let mut request = plain("cat-fed", r#"{"fish":1}"#);
    for (name, value) in [
        ("x-look", "1"),
        ("x-look", "2"),
        ("ce-note", "caf%C3%A9"),
        ("x-note", "50%25"),
        ("authorization", "Bearer swordfish"),
        ("proxy-authorization", "swordfish"),
        ("cookie", "id=swordfish"),
        ("x-key", "swordfish"),
    ] {
        request = with(request, name, value);
    }
    request.headers_mut().get_mut("x-key").expect("it has one").set_sensitive(true);
    request.headers_mut().append("x-bytes", http::HeaderValue::from_bytes(b"a\xffb").expect("a value"));
    assert_eq!(ask(&router, request).await.status(), 202);
    app.shutdown().await.expect("from outside");
    let mut lines = done.lines();
    lines.retain(|line| !line.starts_with("fed"));
    assert_eq!(
        lines,
        [
            "cat-fed Some(\"application/json\") x-look=1 x-look=2 ce-note=café x-note=50%25 x-bytes=a\u{fffd}b",
            r#"{"fish":1}"#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_a_layer_is_told_as_ours_is() {
    let (_app, router, _) = intake().await;
    let mut request = plain("cat-fed", r#"{"fish":1}"#);
    let body = std::mem::take(request.body_mut());
    *request.body_mut() = Body::new(Limited::new(body, 5));
    assert_eq!(refusal(&router, request).await, (413, "too-large".into()));
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_its_time_and_no_more() {
    let (_app, router, _) = intake().await;
    for (pause, expected) in [(9, (202, 27)), (11, (408, 30))] {
        // Three pieces, a pause before each.
        let pieces = stream::iter([r#"{"fi"#, r#"sh":"#, "1}"]).then(move |piece| async move {
            sleep(Duration::from_secs(pause)).await;
            Ok::<_, std::io::Error>(piece)
        });
        let begun = Instant::now();
        let response = ask(&router, post("/events/cat-fed", "application/json", Body::from_stream(pieces))).await;
        assert_eq!((response.status().as_u16(), begun.elapsed().as_secs()), expected);
    }
}
