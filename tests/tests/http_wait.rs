//! Clients that prefer to wait for the outcome.

mod http_support;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use events::Lifespan;
use events::http::Intake;
use http::Request;
use http_support::{Done, answer, ask, batch, body, fed, open_gate, plain, start, structured, told, with};
use serde_json::{Value, json};
use tokio::time::Instant;

async fn intake() -> (Lifespan, Router, Done) {
    let (app, done) = start().await;
    let router = Intake::new(&app).router();
    (app, router, done)
}

fn waiting(request: Request<Body>, seconds: u32) -> Request<Body> {
    with(request, "prefer", &format!("wait={seconds}"))
}

#[tokio::test(start_paused = true)]
async fn the_outcome_is_told() {
    let (_app, router, done) = intake().await;
    let response = ask(&router, waiting(structured(&told("1", "sit")), 10)).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["preference-applied"]),
        (200, &"wait=10".parse().expect("a value"))
    );
    assert_eq!(body(response).await, json!({"ids": ["1"], "handlers": 2, "failures": []}));
    assert_eq!(done.lines().len(), 2);
    let (status, outcome) = answer(&router, waiting(batch(&[fed("2", 1), told("3", "sit")]), 10)).await;
    assert_eq!((status, outcome), (200, json!({"ids": ["2", "3"], "handlers": 3, "failures": []})));
    assert_eq!(
        answer(&router, waiting(batch(&[]), 10)).await,
        (200, json!({"ids": [], "handlers": 0, "failures": []}))
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_without_its_words() {
    let (_app, router, _) = intake().await;
    for (to, kind) in [("fail", "error"), ("panic", "panic")] {
        let (status, problem) = answer(&router, waiting(structured(&told("1", to)), 10)).await;
        let expected = json!({
            "title": "Internal Server Error", "status": 500, "code": "failed", "detail": "not all handlers have done their work",
            "ids": ["1"], "handlers": 2, "failures": [{"event": "1", "handler": "http_wait::http_support::obey", "kind": kind}],
        });
        assert_eq!((status, problem), (500, expected));
    }
    let (status, problem) =
        answer(&router, waiting(batch(&[told("1", "sit"), told("2", "fail"), told("3", "sit")]), 10)).await;
    assert_eq!(
        (status, &problem["handlers"], &problem["failures"][0]["event"]),
        (500, &json!(6), &json!("2")),
        "{problem}"
    );
}

#[tokio::test(start_paused = true)]
async fn its_words_are_told_where_that_is_asked_for() {
    let (app, _) = start().await;
    let router = Intake::new(&app).tell_errors().router();
    let problem = answer(&router, waiting(structured(&told("1", "fail")), 10)).await.1;
    assert_eq!(problem["failures"][0]["error"], "the password is swordfish");
}

#[tokio::test(start_paused = true)]
async fn marks_decide_the_status() {
    let (_app, router, _) = intake().await;
    for (to, status, code) in
        [("reject", 422, json!("rejected")), ("requeue", 500, json!("failed")), ("fail, but accept", 200, Value::Null)]
    {
        let (told, outcome) = answer(&router, waiting(structured(&told("1", to)), 10)).await;
        assert_eq!((told, &outcome["code"], &outcome["handlers"]), (status, &code, &json!(2)), "{to}: {outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn past_the_time_it_is_accepted() {
    let (app, router, done) = intake().await;
    for (seconds, applied) in [(7, 7), (3600, 30)] {
        let begun = Instant::now();
        let response = ask(&router, waiting(structured(&told("1", "hang")), seconds)).await;
        assert_eq!(begun.elapsed().as_secs(), applied, "no longer than the server allows");
        let expected = format!("wait={applied}").parse().expect("a value");
        assert_eq!((response.status().as_u16(), &response.headers()["preference-applied"]), (202, &expected));
        assert_eq!(body(response).await, json!({"ids": ["1"]}));
        open_gate(&app);
    }
    app.shutdown().await.expect("from outside");
    assert_eq!(done.lines().iter().filter(|line| *line == "told to hang").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_who_has_not_asked_or_may_not() {
    let (app, _) = start().await;
    let patient: Router = Intake::new(&app).router();
    let hasty: Router = Intake::new(&app).max_wait(Duration::from_millis(900)).router();
    for (router, prefer) in
        [(&patient, "wait=0"), (&patient, "respond-async"), (&patient, "wait=soon"), (&hasty, "wait=10")]
    {
        let response = ask(router, with(structured(&told("1", "hang")), "prefer", prefer)).await;
        assert_eq!((response.status().as_u16(), response.headers().get("preference-applied")), (202, None), "{prefer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_while_it_waits_loses_nothing() {
    let (app, router, done) = intake().await;
    let asked = tokio::time::timeout(Duration::from_secs(1), ask(&router, waiting(structured(&told("1", "hang")), 20)));
    assert!(asked.await.is_err(), "it still waits");
    open_gate(&app);
    assert_eq!(done.wait(2).await.len(), 2);
    assert!(app.shutdown().await.expect("from outside").is_clean());
    assert_eq!(answer(&router, plain("cat-fed", "{}")).await.0, 503);
}
