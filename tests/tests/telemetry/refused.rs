//! What is refused is counted, whoever refuses it.

use axum::body::Body;
use events::http::Intake;
use events::{DispatchError, Lifespan, deliver, dispatch, dispatch_named, dispatch_unchecked};
use http::{Request, StatusCode};
use tower::ServiceExt as _;

use crate::measured::{Metrics, assert_idle, number};
use crate::{CatFed, DishWashed};

async fn post(app: &Lifespan, path: &str, media_type: &str, body: &str) -> StatusCode {
    let request = Request::post(path).header("content-type", media_type).body(Body::from(body.to_owned()));
    Intake::new(app).router::<()>().oneshot(request.expect("a request")).await.expect("it answers").status()
}

const JSON: &str = "application/json";
const BATCH: &str = "application/cloudevents-batch+json";

fn refused(metrics: &Metrics, event: &str, reason: &str) -> i64 {
    number(&metrics.read(), &format!("events_refused_total{{event={event},reason={reason}}}"))
}

#[tokio::test]
async fn what_a_lifespan_has_no_room_for_is_refused_by_http() {
    let metrics = Metrics::start();
    let app = Lifespan::builder().max_pending(2).start().await.expect("it starts");
    let held = app.scope(async {
        (0..2).try_for_each(|dish| dispatch(DishWashed(dish))).expect("there is room");
        assert_eq!(post(&app, "/events/cat-fed", JSON, r#"{"fish":1}"#).await, StatusCode::SERVICE_UNAVAILABLE);
        let one =
            |id: u32| format!(r#"{{"specversion":"1.0","type":"dish-washed","source":"/t","id":"{id}","data":1}}"#);
        let batch = format!("[{},{}]", one(1), one(2));
        assert_eq!(post(&app, "/", BATCH, &batch).await, StatusCode::SERVICE_UNAVAILABLE);
        events::Scope::current().expect("there is one").discard();
    });
    held.await;
    assert_eq!(refused(&metrics, "cat-fed", "full"), 1);
    assert_eq!(refused(&metrics, "dish-washed", "full"), 2);
    app.shutdown().await.expect("it ends");
    assert_idle(&metrics.read());
}

#[tokio::test]
async fn what_comes_by_http_to_a_lifespan_that_takes_nothing_is_refused() {
    let metrics = Metrics::start();
    let app = Lifespan::builder().start().await.expect("it starts");
    app.disable_dispatch(true);
    assert_eq!(post(&app, "/events/cat-fed", JSON, r#"{"fish":1}"#).await, StatusCode::SERVICE_UNAVAILABLE);
    app.disable_dispatch(false);
    app.shutdown().await.expect("it ends");
    assert_eq!(post(&app, "/events/cat-fed", JSON, r#"{"fish":1}"#).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(post(&app, "/events/unheard-of", JSON, "1").await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(post(&app, "/", BATCH, "[]").await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused(&metrics, "cat-fed", "disabled"), 1);
    assert_eq!(refused(&metrics, "cat-fed", "closed"), 1);
    assert_eq!(refused(&metrics, "_other", "closed"), 2, "what was not read has no name");
}

#[tokio::test]
async fn what_no_lifespan_is_there_for_is_refused() {
    let metrics = Metrics::start();
    let nobody = |error: &DispatchError| matches!(error, DispatchError::NoLifespan { .. });
    assert!(dispatch(CatFed { fish: 1 }).is_err_and(|error| nobody(&error)));
    assert!(dispatch_unchecked(CatFed { fish: 1 }).is_err_and(|error| nobody(&error)));
    assert!(deliver(CatFed { fish: 1 }).await.is_err_and(|error| nobody(&error)));
    assert!(dispatch_named("cat-fed", r#"{"fish":1}"#).is_err_and(|error| nobody(&error)));
    assert!(dispatch_named("unheard-of", "{}").is_err_and(|error| nobody(&error)));
    assert_eq!(refused(&metrics, "cat-fed", "no_lifespan"), 4);
    assert_eq!(refused(&metrics, "_other", "no_lifespan"), 1);
}
