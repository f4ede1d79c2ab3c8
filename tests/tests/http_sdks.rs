//! What the `CloudEvents` SDKs of Python and JavaScript send is taken, as far as its payload is JSON.

mod http_support;

use axum::Router;
use axum::body::Body;
use events::http::Intake;
use events::{AnyEvent, Lifespan, State, on};
use http::{HeaderName, HeaderValue, Request};
use http_support::{Done, answer, batch};
use serde_json::{Value, json};

const EVENTS: &str = include_str!("../data/cloudevents/events.json");
const ANSWERS: [&str; 2] =
    [include_str!("../data/cloudevents/python.json"), include_str!("../data/cloudevents/node.json")];

#[on("caf*", "cat-signed", "cat-spoke")]
fn keep(event: &AnyEvent, done: State<Done>) {
    done.write(format!("{} {} {} {}", event.name(), event.id(), event.hops(), event.json()));
}

/// The message of an SDK as a request.
fn request(message: &Value) -> Request<Body> {
    let body = match &message["body"] {
        Value::String(text) => text.clone().into_bytes(),
        list => serde_json::from_value(list.clone()).expect("a list of bytes"),
    };
    let mut request = Request::post("/").body(Body::from(body)).expect("a request");
    let content_type = message["content_type"].as_str().expect("a text");
    request.headers_mut().insert("content-type", content_type.parse().expect("a value"));
    for (name, value) in message["headers"].as_object().expect("headers") {
        let name: HeaderName = name.parse().expect("a name");
        let value = HeaderValue::from_str(value.as_str().expect("a text")).expect("a value");
        request.headers_mut().append(name, value);
    }
    request
}

/// What the handler says of an event of the list.
fn line(event: &Value) -> String {
    let hops = event.get("eventhops").cloned().unwrap_or(json!(0));
    format!(
        "{} {} {hops} {}",
        event["type"].as_str().expect("a name"),
        event["id"].as_str().expect("an id"),
        event["data"]
    )
}

#[tokio::test(start_paused = true)]
async fn what_they_send_is_taken() {
    let events: Vec<Value> = serde_json::from_str(EVENTS).expect("a list");
    let mut counted = (0, 0);
    for answers in ANSWERS {
        let answers: Value = serde_json::from_str(answers).expect("JSON");
        let spoken = |message: &&Value| {
            let how = message["how"].as_str().expect("a text").to_ascii_lowercase();
            how.starts_with("http.")
        };
        for message in answers["messages"].as_array().expect("a list").iter().filter(spoken) {
            let (app, done) = http_support::start_with(Lifespan::builder()).await;
            let router: Router = Intake::new(&app).accept("caf*").accept("cat-s*").accept_unknown().router();
            let event = &events[usize::try_from(message["event"].as_u64().expect("a number")).expect("small")];
            let (status, told) = answer(&router, request(message)).await;
            app.shutdown().await.expect("from outside");
            match (event["type"].as_str().expect("a name"), event.get("data")) {
                // Its name is that of an event of ours, which is no such one.
                ("cat-fed", _) => assert_eq!((status, &told["code"]), (422, &json!("unknown-event")), "{told}"),
                (_, Some(_)) => {
                    counted.0 += 1;
                    assert_eq!((status, &told["ids"][0]), (202, &event["id"]), "{told}");
                    let line = line(event);
                    assert_eq!(done.lines().iter().map(|said| normal(said)).collect::<Vec<_>>(), [normal(&line)]);
                }
                (_, None) => {
                    counted.1 += 1;
                    assert_eq!((status, &told["code"]), (415, &json!("unsupported-media-type")), "{told}");
                }
            }
        }
    }
    assert_eq!(counted, (4, 8), "two of each SDK with JSON, and four without");
}

/// Without white space, of which JSON may have some.
fn normal(line: &str) -> String {
    line.replace([' ', '\n'], "")
}

#[tokio::test(start_paused = true)]
async fn what_they_write_is_taken_together() {
    let node: Value = serde_json::from_str(ANSWERS[1]).expect("JSON");
    let is_taken = |message: &&Value| message["how"] == "HTTP.structured" && message["event"] == 2;
    let written = node["messages"].as_array().expect("a list").iter().filter(is_taken);
    let events: Vec<Value> =
        written.map(|message| serde_json::from_str(message["body"].as_str().expect("text")).expect("JSON")).collect();
    let (app, done) = http_support::start().await;
    let router: Router = Intake::new(&app).accept_unknown().router();
    assert_eq!(answer(&router, batch(&[events[0].clone(), events[0].clone()])).await.0, 202);
    app.shutdown().await.expect("from outside");
    assert_eq!(done.lines().len(), 2);
}
