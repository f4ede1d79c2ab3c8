//! What stands in for providers, and providers in the test kit.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use events::testing::TestLifespan;
use events::{Event, Lifespan, LifespanBuilder, State, on, provide};
use support::Log;
use support::script::{Value, place};

struct Address(#[expect(dead_code, reason = "it is dropped")] Value);
struct Database {
    name: String,
    _value: Option<Value>,
}
struct Session {
    name: String,
    _value: Option<Value>,
}
struct Mail(String);

impl Database {
    fn fake(name: &str) -> Self {
        Self { name: name.into(), _value: None }
    }
}

impl Session {
    fn fake(name: &str) -> Self {
        Self { name: name.into(), _value: None }
    }
}

#[provide(lifespan)]
fn address(log: State<Log>) -> Address {
    Address(Value::new("address", &log))
}

#[provide(lifespan)]
async fn database(#[depends(address)] _: &Address, log: State<Log>) -> Database {
    Database { name: "database".into(), _value: Some(Value::new("database", &log)) }
}

#[provide]
async fn session(#[depends(database)] database: &Database, log: State<Log>) -> Session {
    Session { name: format!("session of {}", database.name), _value: Some(Value::new("session", &log)) }
}

#[provide]
fn mail(#[depends(session)] session: &Session) -> Mail {
    Mail(format!("mail of {}", session.name))
}

#[derive(Event)]
struct Asked;

#[derive(Debug, Event, PartialEq)]
struct Answered(String);

#[on]
async fn answer(_: &Asked, #[depends(mail)] mail: &Mail, #[depends(session)] session: &Session) -> Answered {
    Answered(format!("{}, {}", mail.0, session.name))
}

/// It takes what is made for the call.
#[on]
fn take(_: &Asked, #[depends(mail)] Mail(mail): Mail) -> Answered {
    Answered(mail)
}

#[on(now)]
fn at_once(_: &Asked, #[depends(database)] database: &Database) -> Answered {
    Answered(database.name.clone())
}

fn builder() -> LifespanBuilder {
    Lifespan::builder().without_all().with(answer).state(Log::default())
}

/// What the handler answers to two events, and what was made meanwhile.
async fn answers(builder: LifespanBuilder) -> (Vec<String>, Vec<String>) {
    let app = builder.start_test().await;
    let log: State<Log> = app.state().expect("it was given one");
    for _ in 0..2 {
        app.deliver(Asked).await.expect("accepted");
    }
    app.shutdown().await.expect("from outside");
    app.assert_no_failures();
    let text = |event: &events::AnyEvent| event.downcast_ref::<Answered>().map(|answered| answered.0.clone());
    (app.chained().iter().filter_map(text).collect(), log.take())
}

#[tokio::test]
async fn a_value_stands_in_for_a_lifespan_provider_and_what_it_depends_on_is_not_made() {
    let (answers, log) = answers(builder().replace::<database>(Database::fake("fake"))).await;
    assert_eq!(answers, ["mail of session of fake, session of fake"; 2]);
    assert_eq!(log, ["make session", "drop session", "make session", "drop session"]);
}

#[tokio::test]
async fn a_closure_stands_in_for_a_lifespan_provider_and_is_called_once() {
    let calls = AtomicU32::new(0);
    let fake = move || Database::fake(&format!("fake {}", calls.fetch_add(1, Ordering::Relaxed)));
    let (answers, log) = answers(builder().replace_with::<database>(fake)).await;
    assert_eq!(answers, ["mail of session of fake 0, session of fake 0"; 2]);
    assert_eq!(log.len(), 4, "{log:?}");
}

#[tokio::test]
async fn a_value_stands_in_for_a_provider_of_calls_and_all_calls_share_it() {
    let (answers, log) = answers(builder().replace::<session>(Session::fake("fake"))).await;
    assert_eq!(answers, ["mail of fake, fake"; 2]);
    assert!(log.is_empty(), "the database is not needed: {log:?}");
}

#[tokio::test]
async fn a_closure_stands_in_for_a_provider_of_calls_and_is_called_once_for_each() {
    let calls = AtomicU32::new(0);
    let fake = move || Session::fake(&format!("fake {}", calls.fetch_add(1, Ordering::Relaxed)));
    let (answers, log) = answers(builder().replace_with::<session>(fake)).await;
    assert_eq!(answers, ["mail of fake 0, fake 0", "mail of fake 1, fake 1"]);
    assert!(log.is_empty(), "the database is not needed: {log:?}");
}

#[tokio::test]
async fn the_later_one_wins() {
    let first = builder().replace_with::<session>(|| Session::fake("first"));
    let (answers, _) = answers(first.replace::<session>(Session::fake("second"))).await;
    assert_eq!(answers, ["mail of second, second"; 2]);
}

#[tokio::test]
async fn a_value_stands_in_for_one_call_alone_where_it_is_taken() {
    let builder = || Lifespan::builder().without_all().with(take).state(Log::default());
    let error = builder().replace::<mail>(Mail("fake".into())).start().await.expect_err("it cannot be taken twice");
    let place = place("providers_replaced::take");
    assert_eq!(
        error.to_string(),
        format!(
            "the lifespan cannot start:\n  - a call of `providers_replaced::take` takes what `providers_replaced::mail` \
             makes by value, which one value stands in for: use `replace_with` ({place})"
        )
    );
    let (answers, log) = answers(builder().replace_with::<mail>(|| Mail("fake".into()))).await;
    assert_eq!((answers, log.len()), (vec!["fake".to_owned(); 2], 0));
}

#[tokio::test]
async fn a_closure_that_panics_is_a_provider_that_failed() {
    let broken = || -> Session { panic!("there is none") };
    let app = builder().replace_with::<session>(broken).start_test().await;
    let delivery = app.deliver(Asked).await.expect("accepted");
    let cause = "provider `providers_replaced::session` failed: it panicked: there is none";
    assert_eq!(delivery.failures()[0].cause().to_string(), cause);

    let broken = || -> Database { panic!("there is none") };
    let error = builder().replace_with::<database>(broken).start().await.expect_err("it panics");
    let place = place("providers_replaced::database");
    let cause = "provider `providers_replaced::database` failed: it panicked: there is none";
    assert_eq!(error.to_string(), format!("the lifespan cannot start:\n  - {cause} ({place})"));
}

#[tokio::test]
async fn a_handler_that_a_test_calls_has_its_providers() {
    let app = builder().start_test().await;
    let log: State<Log> = app.state().expect("it was given one");
    for _ in 0..2 {
        let called = app.call(answer, Asked).await.expect("accepted");
        let expected = Answered("mail of session of database, session of database".into());
        assert_eq!(called.emitted_of::<Answered>(), [&expected]);
    }
    let called = app.call(at_once, Asked).await.expect("accepted");
    assert_eq!(called.emitted_of::<Answered>(), [&Answered("database".into())]);
    let calls = ["make session", "drop session", "make session", "drop session"];
    assert_eq!(log.take(), [&["make address", "make database"], &calls[..]].concat());
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["drop database", "drop address"]);
}

#[tokio::test]
async fn a_handler_that_a_test_calls_has_what_stands_in_for_them() {
    let app = builder().replace_with::<mail>(|| Mail("fake".into())).start_test().await;
    let called = app.call(take, Asked).await.expect("accepted");
    assert_eq!(called.emitted_of::<Answered>(), [&Answered("fake".into())]);
}

/// The start has made what the chosen functions need, and nothing else.
#[tokio::test]
async fn a_called_handler_may_need_what_the_lifespan_has_not_made() {
    let app: TestLifespan = Lifespan::builder().without_all().start_test().await;
    let called = app.call(at_once, Asked).await.expect("accepted");
    let failure = called.failure().expect("there is no database");
    assert_eq!(
        failure.cause().to_string(),
        "lifespan provider `providers_replaced::database` has made nothing: no function that the lifespan was started \
         with depends on it"
    );
}
