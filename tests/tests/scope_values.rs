//! Values that a scope brings to the handlers of its events: from code, from a layer, from the request.

mod support;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use events::tower::EventsLayer;
use events::{Event, Lifespan, Scope, ScopeValue, State, dispatch, on};
use support::Log;
use tower::ServiceExt as _;

#[derive(Debug)]
struct User(String);

struct Locale(&'static str);

#[derive(Event)]
struct OrderPlaced;

#[derive(Event)]
struct OrderPacked;

#[on(order = 1)]
fn bill(_: &OrderPlaced, user: ScopeValue<User>, log: State<Log>) -> OrderPacked {
    log.write(format!("bill {}", user.0));
    OrderPacked
}

#[on(order = 2)]
fn thank(_: &OrderPlaced, locale: Option<ScopeValue<Locale>>, user: Option<ScopeValue<User>>, log: State<Log>) {
    log.write(format!("thank {} in {}", user.map_or("?".into(), |user| user.0.clone()), locale.map_or("?", |it| it.0)));
}

#[on]
fn packed(_: &OrderPacked, user: Option<ScopeValue<User>>, log: State<Log>) {
    log.write(format!("packed for {user:?}"));
}

async fn start() -> (Lifespan, State<Log>) {
    support::start_with(Lifespan::builder()).await
}

#[tokio::test]
async fn a_scope_brings_its_value_to_its_events() {
    let (app, log) = start().await;
    app.scope(async { dispatch(OrderPlaced) }).value(User("Tom".into())).await.expect("accepted");
    assert_eq!(app.shutdown().await.expect("from outside").failed, 0);
    assert_eq!(log.take(), ["bill Tom", "thank Tom in ?", "packed for None"], "what is chained is in no scope");
}

#[tokio::test]
async fn what_is_missing_is_a_failure_or_none() {
    let (app, log) = start().await;
    for dispatched in ["in a scope without it", "outside"] {
        let delivery = match dispatched {
            "outside" => app.deliver(OrderPlaced).await,
            _ => app.scope(app.deliver(OrderPlaced)).value(Locale("en")).await,
        };
        let delivery = delivery.expect("accepted");
        let [failure] = delivery.failures() else { panic!("{delivery:?}") };
        assert_eq!(failure.handler(), "scope_values::bill");
        assert_eq!(
            failure.cause().to_string(),
            "the event was not dispatched in a scope with a value of type `scope_values::User`"
        );
    }
    assert_eq!(log.take(), ["thank ? in ?", "thank ? in ?"], "`deliver` asks for no scope");
}

async fn order() -> &'static str {
    dispatch(OrderPlaced).expect("accepted");
    "thank you"
}

async fn authenticate(request: Request, next: Next) -> axum::response::Response {
    if let (Some(scope), Some(user)) = (Scope::current(), request.headers().get("user")) {
        scope.insert(User(user.to_str().expect("text").to_owned()));
    }
    next.run(request).await
}

async fn requested(
    layer: impl FnOnce(EventsLayer) -> EventsLayer,
    request: axum::http::request::Builder,
) -> Vec<String> {
    let (app, log) = start().await;
    let layer = layer(EventsLayer::new(app.clone()));
    let router: Router = Router::new().route("/", post(order)).layer(from_fn(authenticate)).layer(layer);
    let response = router.oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible");
    assert!(response.status().is_success());
    drop(response);
    app.shutdown().await.expect("from outside");
    log.take()
}

#[tokio::test]
async fn a_layer_gives_values_of_the_head_and_layers_inside_of_it_give_theirs() {
    let request = Request::post("/").header("user", "Tom").header("accept-language", "de");
    let locale = |layer: EventsLayer| {
        layer
            .value(|head| head.headers.contains_key("accept-language").then_some(Locale("en")))
            .value(|head| head.headers.get("accept-language").filter(|it| *it == "de").map(|_| Locale("de")))
    };
    assert_eq!(requested(locale, request).await, ["bill Tom", "thank Tom in de", "packed for None"]);
    let request = Request::post("/").header("user", "Tom").header("accept-language", "fr");
    assert_eq!(requested(locale, request).await, ["bill Tom", "thank Tom in en", "packed for None"]);
    let request = Request::post("/").header("user", "Tom");
    assert_eq!(requested(locale, request).await, ["bill Tom", "thank Tom in ?", "packed for None"]);
}
