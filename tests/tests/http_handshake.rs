//! The handshake of webhooks.

mod http_support;

use axum::Router;
use axum::body::Body;
use events::http::{Handshake, Intake};
use http::{Request, Response};
use http_support::{ask, start, with};

async fn router() -> Router {
    let (app, _) = start().await;
    let intake = Intake::new(&app).handshake(|asked| match asked.origin.as_str() {
        "cafe.example" if asked.callback.is_none() => Handshake::Allow { rate: asked.rate.map(|rate| rate.min(120)) },
        _ => Handshake::Withhold,
    });
    intake.router()
}

fn options(path: &str, headers: &[(&'static str, &str)]) -> Request<Body> {
    let request = Request::options(path).body(Body::empty()).expect("a request");
    headers.iter().fold(request, |request, (name, value)| with(request, name, value))
}

fn told(response: &Response<Body>) -> (u16, [Option<&str>; 3]) {
    let header = |name| response.headers().get(name).map(|value| value.to_str().expect("text"));
    (response.status().as_u16(), ["webhook-allowed-origin", "webhook-allowed-rate", "allow"].map(header))
}

#[tokio::test]
async fn a_sender_is_answered_as_the_user_decides() {
    let router = router().await;
    let origin = ("WebHook-Request-Origin", "cafe.example");
    let allow = Some("POST, OPTIONS");
    let none = [None, None, allow];
    for (headers, status, answered) in [
        (vec![("webhook-request-origin", origin.1)], 200, [Some("cafe.example"), Some("*"), allow]),
        (
            vec![("webhook-request-origin", origin.1), ("webhook-request-rate", "1000")],
            200,
            [Some("cafe.example"), Some("120"), allow],
        ),
        (vec![("webhook-request-origin", "dogs.example")], 403, none),
        (vec![("webhook-request-origin", origin.1), ("webhook-request-callback", "http://localhost/")], 403, none),
        (vec![("webhook-request-origin", origin.1), ("webhook-request-rate", "0")], 400, none),
        (vec![("webhook-request-origin", origin.1), ("webhook-request-rate", "many")], 400, none),
        (vec![("webhook-request-origin", "")], 400, none),
        (vec![("origin", "https://browser.example")], 405, none),
    ] {
        for path in ["/", "/events/cat-fed"] {
            assert_eq!(told(&ask(&router, options(path, &headers)).await), (status, answered), "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn without_a_decision_nobody_agrees() {
    let (app, _) = start().await;
    let router: Router = Intake::new(&app).router();
    let response = ask(&router, options("/", &[("webhook-request-origin", "cafe.example")])).await;
    assert_eq!(told(&response), (405, [None, None, Some("POST")]));
}
