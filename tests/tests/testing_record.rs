//! What the record of a test has, and what its assertions print.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use events::testing::TestLifespan;
use events::{AnyEvent, DispatchError, Emit, Event, Lifespan, OnError, Scope, State, deliver, dispatch, on};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use validator::Validate;

#[derive(Debug, Event, Serialize, Deserialize)]
struct CatAsked {
    cat: String,
    fish: u32,
}

#[derive(Debug, Event, Serialize, Validate)]
struct CatFed {
    #[validate(range(min = 1))]
    fish: u32,
}

#[derive(Debug, Event, Serialize)]
#[event(prefix = "cat-")]
enum Mood {
    Purred,
    Slept { hours: u32 },
}

/// One that no handler takes, and that has no JSON.
#[derive(Event)]
struct DogBarked;

#[on]
async fn feed(event: &CatAsked, emit: Emit<CatFed>) -> Result<Vec<Mood>, String> {
    match event.fish {
        9 => Err("too many\nfar too many".into()),
        fish => {
            emit.dispatch(CatFed { fish }).map_err(|error| error.to_string())?;
            Ok(vec![Mood::Slept { hours: fish }])
        }
    }
}

#[on(now)]
fn note(_: &CatAsked) {}

#[on]
async fn purr(_: &CatFed) -> Mood {
    Mood::Purred
}

#[on]
async fn wait(_: &Mood, places: State<Semaphore>) {
    places.acquire().await.expect("it stays open").forget();
}

fn builder() -> events::LifespanBuilder {
    Lifespan::builder().state(Semaphore::new(1000))
}

fn asked(fish: u32) -> CatAsked {
    CatAsked { cat: "Tom".into(), fish }
}

/// What a failing assertion says.
fn said(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("the assertion holds");
    *panic.downcast::<String>().expect("a text")
}

fn names(events: &[AnyEvent]) -> Vec<&str> {
    events.iter().map(AnyEvent::name).collect()
}

/// Where a handler of this file stands.
fn place(path: &str) -> String {
    let handler = events::catalog().handlers().find(|handler| handler.path() == path).expect("it is declared");
    handler.place().to_string()
}

#[tokio::test]
async fn what_is_dispatched_chained_delivered_and_failed_is_recorded() {
    let app = builder().start_test().await;
    app.dispatch(asked(2)).expect("accepted");
    app.dispatch(asked(9)).expect("accepted");
    app.dispatch(DogBarked).expect("accepted");
    assert_eq!(names(&app.dispatched()), ["cat-asked", "cat-asked", "dog-barked"]);
    assert_eq!(names(&app.delivered()), ["dog-barked"], "it has no handler");
    app.settled().await;
    let dispatched = app.dispatched();
    assert_eq!(names(&dispatched[3..]), ["cat-fed", "cat-slept", "cat-purred"]);
    assert_eq!(names(&app.chained()), ["cat-fed", "cat-slept", "cat-purred"]);
    assert_eq!(names(&app.delivered()).len(), 6);
    assert_eq!(dispatched[3].causation(), Some(dispatched[0].id()));
    let [failure] = &app.failures()[..] else { panic!("{app}") };
    assert_eq!(failure.event().map(AnyEvent::id), Some(dispatched[1].id()));
}

#[tokio::test]
async fn the_record_is_a_tree_of_causes() {
    let app = builder().start_test().await;
    assert_eq!(app.to_string(), "nothing has happened");
    app.scope(async {
        dispatch(asked(2)).expect("accepted");
        dispatch(asked(9)).expect("accepted");
        dispatch(asked(0)).expect("accepted");
        dispatch(CatFed { fish: 0 }).expect_err("too few");
        dispatch(DogBarked).expect("accepted");
    })
    .await;
    app.settled().await;
    let feed = place("testing_record::feed");
    let expected = format!(
        r#"what has happened:
  `cat-asked` {{"cat":"Tom","fish":2}}: 2 handlers
    `cat-fed` {{"fish":2}}: 1 handler
      `cat-purred` null: 1 handler
    `cat-slept` {{"hours":2}}: 1 handler
  `cat-asked` {{"cat":"Tom","fish":9}}: 2 handlers, 1 failed
    `testing_record::feed` ({feed}) failed on `cat-asked`: too many
      far too many
  `cat-asked` {{"cat":"Tom","fish":0}}: 2 handlers, 1 failed
    refused: `cat-fed` is invalid: `fish`: must be at least 1, got 0 (range)
    `testing_record::feed` ({feed}) failed on `cat-asked`: `cat-fed` is invalid: `fish`: must be at least 1, got 0 (range)
  refused: `cat-fed` is invalid: `fish`: must be at least 1, got 0 (range)
  `dog-barked` <`DogBarked` has no JSON: derive `serde::Serialize` for it>: no handler"#
    );
    assert_eq!(app.to_string(), expected);
    let said = said(|| app.assert_nothing_dispatched());
    assert_eq!(said, format!("expected no event; 7 were dispatched\n\n{expected}"));
}

#[tokio::test]
async fn an_assertion_says_what_it_expected() {
    let app = builder().start_test().await;
    app.dispatch(asked(2)).expect("accepted");
    app.dispatch(asked(9)).expect("accepted");
    app.settled().await;
    let first = |assertion: &dyn Fn()| said(assertion).lines().next().expect("a line").to_owned();

    app.assert_dispatched::<CatAsked>(|event| event.fish == 9);
    assert_eq!(
        first(&|| app.assert_dispatched::<CatAsked>(|event| event.fish == 3)),
        "expected `cat-asked` that the closure accepts; 2 were dispatched, and it accepts none of them"
    );
    assert_eq!(
        first(&|| app.assert_dispatched::<DogBarked>(|_| true)),
        "expected `dog-barked` that the closure accepts; none was dispatched"
    );
    app.assert_count::<Mood>(2);
    app.assert_count::<DogBarked>(0);
    assert_eq!(first(&|| app.assert_count::<Mood>(1)), "expected 1 of `cat-purred` or `cat-slept`; 2 were dispatched");
    app.assert_not_dispatched::<DogBarked>();
    assert_eq!(first(&|| app.assert_not_dispatched::<CatFed>()), "expected no `cat-fed`; 1 was dispatched");
    assert_eq!(first(&|| app.assert_nothing_dispatched()), "expected no event; 5 were dispatched");
    app.assert_failed("feed");
    app.assert_failed("too many");
    assert_eq!(first(&|| app.assert_failed("no bowl")), "expected a failure that says `no bowl`; none of 1 does");
    assert_eq!(first(&|| app.assert_no_failures()), "expected no failure; there was 1");
}

#[tokio::test]
async fn order_and_chain_are_told_apart() {
    let app = builder().start_test().await;
    app.dispatch(DogBarked).expect("accepted");
    app.dispatch(asked(2)).expect("accepted");
    app.settled().await;
    app.dispatch(DogBarked).expect("accepted");
    let first = |assertion: &dyn Fn()| said(assertion).lines().next().expect("a line").to_owned();

    app.assert_order(["dog-barked", "cat-asked", "cat-purred", "dog-barked"]);
    app.assert_order(vec![String::from("cat-asked"), String::from("cat-slept")]);
    assert_eq!(
        first(&|| app.assert_order(["cat-fed", "cat-asked"])),
        "expected `cat-fed`, `cat-asked`, in this order; no `cat-asked` was dispatched after `cat-fed`"
    );
    assert_eq!(
        first(&|| app.assert_order(["cat-fed", "cat-fed"])),
        "expected `cat-fed`, `cat-fed`, in this order; no `cat-fed` was dispatched after `cat-fed`"
    );
    assert_eq!(
        first(&|| app.assert_order(["dog-fed"])),
        "expected `dog-fed`, in this order; no `dog-fed` was dispatched"
    );
    app.assert_chain(["cat-asked", "cat-fed", "cat-purred"]);
    app.assert_chain(["cat-fed", "cat-purred"]);
    assert_eq!(
        first(&|| app.assert_chain(["dog-barked", "cat-asked"])),
        "expected `dog-barked`, `cat-asked`, each by a handler of the one before; no `cat-asked` was dispatched by a handler of \
         `dog-barked`"
    );
    assert_eq!(
        first(&|| app.assert_chain(["cat-asked", "cat-purred"])),
        "expected `cat-asked`, `cat-purred`, each by a handler of the one before; no `cat-purred` was dispatched by a handler of \
         `cat-asked`"
    );
}

#[tokio::test]
async fn a_failing_assertion_says_that_work_goes_on() {
    let app = builder().state(Semaphore::new(0)).start_test().await;
    app.dispatch(Mood::Purred).expect("accepted");
    assert_eq!(
        said(|| app.assert_count::<Mood>(2)),
        "expected 2 of `cat-purred` or `cat-slept`; 1 was dispatched\n\
         (the lifespan is still at work: `settled().await` waits for it)\n\n\
         what has happened:\n  `cat-purred` null: not delivered"
    );
    app.state::<Semaphore>().expect("it was given one").add_permits(1);
    app.settled().await;
    assert_eq!(app.to_string(), "what has happened:\n  `cat-purred` null: 1 handler");
}

#[tokio::test]
async fn an_assertion_points_at_its_caller() {
    let app = builder().start_test().await;
    let (seen, panics) = std::sync::mpsc::channel();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.location().is_some_and(|location| location.file() == file!()) {
            let _ = seen.send(panic.location().map(std::panic::Location::line));
        }
        before(panic);
    }));
    let line = line!() + 1;
    let _ = said(|| app.assert_count::<Mood>(77));
    assert!(panics.try_iter().any(|seen| seen == Some(line)));
}

#[tokio::test]
async fn what_is_delivered_at_once_and_what_is_discarded_is_recorded() {
    let app = builder().start_test().await;
    let delivery = app.scope(async { deliver(asked(1)).await }).await.expect("accepted");
    assert_eq!(delivery.handlers(), 2);
    let refused: Result<(), DispatchError> = app
        .scope(async {
            dispatch(CatFed { fish: 7 })?;
            dispatch(CatFed { fish: 0 })
        })
        .on_error(OnError::Discard)
        .await;
    refused.expect_err("no fish");
    app.scope(async {
        dispatch(CatFed { fish: 8 }).expect("accepted");
        assert_eq!(Scope::current().expect("there is one").discard(), 1);
    })
    .await;
    app.settled().await;
    app.assert_count::<CatFed>(3);
    assert_eq!(app.delivered().iter().filter(|event| event.name() == "cat-fed").count(), 1);
    assert!(app.to_string().contains(r#"`cat-fed` {"fish":7}: not delivered"#), "{app}");
}

#[tokio::test]
async fn named_and_unknown_events_are_recorded() {
    let app = builder().start_test().await;
    app.dispatch_named("cat-asked", r#"{"cat":"Kit","fish":1}"#).expect("accepted");
    app.dispatch_named("nobody-knows-it", "[1]").expect("accepted");
    app.dispatch_named("cat-asked", "[1]").expect_err("it does not fit");
    app.dispatch_named("no name", "[1]").expect_err("it has white space");
    app.settled().await;
    app.assert_dispatched::<CatAsked>(|event| event.cat == "Kit");
    app.assert_order(["cat-asked", "nobody-knows-it"]);
    let record = app.to_string();
    assert!(record.contains("`nobody-knows-it` [1]: no handler"), "{record}");
    assert_eq!(record.matches("refused: ").count(), 2, "{record}");
}

#[tokio::test]
async fn long_payloads_are_cut() {
    let app = Lifespan::builder().without_all().start_test().await;
    app.dispatch(CatAsked { cat: "ö".repeat(500), fish: 1 }).expect("accepted");
    let record = app.to_string();
    let shown = format!("what has happened:\n  `cat-asked` {{\"cat\":\"{}..: no handler", "ö".repeat(96));
    assert_eq!(record, shown);
}

#[tokio::test]
async fn a_full_record_says_so() {
    let app = Lifespan::builder().without_all().start_test().await;
    for _ in 0..65_536 {
        app.dispatch(CatFed { fish: 1 }).expect("accepted");
    }
    app.assert_count::<CatFed>(65_536);
    assert!(app.to_string().ends_with("\n  and 64536 more lines"), "all but a thousand");
    app.dispatch(CatFed { fish: 1 }).expect("accepted");
    let text = "the record is full: it holds 65536 entries, and cannot tell of what came after them";
    assert!(said(|| app.assert_count::<CatFed>(65_537)).starts_with(text));
    assert!(said(|| app.assert_not_dispatched::<DogBarked>()).starts_with(text));
    assert!(app.to_string().ends_with("\n  and more than the record holds, which is 65536 entries"));
    assert_eq!(app.dispatched().len(), 65_536);
}

#[tokio::test(flavor = "multi_thread")]
async fn lifespans_side_by_side_do_not_see_each_other() {
    let tests = (1..=20).map(|number| {
        tokio::spawn(async move {
            let app = builder().start_test().await;
            for _ in 0..number {
                app.dispatch(asked(number)).expect("accepted");
                tokio::task::yield_now().await;
            }
            app.settled().await;
            let times = usize::try_from(number).expect("it is small");
            app.assert_count::<CatAsked>(times);
            app.assert_count::<Mood>(if number == 9 { 0 } else { 2 * times });
            assert!(
                app.dispatched()
                    .iter()
                    .filter_map(|event| event.downcast_ref())
                    .all(|event: &CatFed| event.fish == number)
            );
        })
    });
    for test in tests.collect::<Vec<_>>() {
        test.await.expect("no panic");
    }
}

#[tokio::test]
async fn a_lifespan_ends_with_its_test() {
    let app = builder().state(Semaphore::new(0)).start_test().await;
    let handle = Lifespan::clone(&app);
    app.dispatch(Mood::Purred).expect("accepted");
    tokio::task::yield_now().await;
    drop(app);
    let report = handle.shutdown().await.expect("from outside");
    assert_eq!(report.aborted, 1);
    assert!(matches!(handle.dispatch(DogBarked), Err(DispatchError::Closed { .. })));
}

#[tokio::test]
async fn the_record_is_read_after_the_end() {
    let app = builder().start_test().await;
    app.dispatch(asked(2)).expect("accepted");
    let report = app.shutdown().await.expect("from outside");
    assert!(report.is_clean());
    app.settled().await;
    app.assert_chain(["cat-asked", "cat-fed", "cat-purred"]);
    app.dispatch(DogBarked).expect_err("it has ended");
    assert!(
        app.to_string().ends_with("\n  refused: `dog-barked` came after the lifespan's end: it has been shut down")
    );
}

#[tokio::test]
async fn a_lifespan_that_cannot_start_fails_the_test() {
    let starting = tokio::spawn(async {
        let line = line!() + 1;
        let app = TestLifespan::start();
        (line, catch(app).await)
    });
    let (line, text) = starting.await.expect("it is caught");
    assert!(text.starts_with(&format!("{}:{line}:", file!())), "where it was asked for: {text}");
    assert!(text.contains(": the lifespan cannot start:\n  - handler `testing_record::wait`"), "{text}");
}

/// The text of a future that panics.
async fn catch<T>(future: impl Future<Output = T> + Send + 'static) -> String
where
    T: Send + 'static,
{
    let panic = tokio::spawn(async move { drop(future.await) }).await.expect_err("it panics").into_panic();
    *panic.downcast::<String>().expect("a text")
}

#[tokio::test]
async fn a_failing_assertion_says_that_dispatch_is_disabled() {
    let app = builder().disable_dispatch(true).start_test().await;
    app.dispatch(asked(2)).expect("dropped");
    assert_eq!(
        said(|| app.assert_count::<CatAsked>(1)),
        "expected 1 of `cat-asked`; none was dispatched\n\
         (dispatch is disabled: events are checked and dropped, and leave nothing in the record)\n\n\
         nothing has happened"
    );
    let called = app.call(purr, CatFed { fish: 1 }).await.expect("accepted");
    assert_eq!(called.emitted_of::<Mood>().len(), 1, "a single handler is called all the same");
}

#[tokio::test]
async fn closures_take_part() {
    let app = Lifespan::builder().without_all().on(|_: Arc<CatFed>| async { Mood::Purred }).start_test().await;
    app.dispatch(CatFed { fish: 1 }).expect("accepted");
    app.settled().await;
    app.assert_chain(["cat-fed", "cat-purred"]);
}
