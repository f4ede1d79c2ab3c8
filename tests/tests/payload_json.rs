//! JSON on demand: nobody asks, nothing is serialised; many ask, and it is serialised once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use events::{AnyEvent, Event, Failure, Lifespan, Metadata, State, View, dispatch, dispatch_named, on};
use serde::{Deserialize, Serialize, Serializer, ser};

/// Counts how often it is serialised, in all of its clones.
#[derive(Clone, Debug, Default)]
struct Counted {
    serialised: Arc<AtomicUsize>,
    fails: bool,
}

impl Counted {
    fn count(&self) -> usize {
        self.serialised.load(Ordering::SeqCst)
    }
}

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialised.fetch_add(1, Ordering::SeqCst);
        // Whoever asks at the same time has time enough to begin as well.
        std::thread::yield_now();
        if self.fails { Err(ser::Error::custom("no fish left")) } else { serializer.serialize_u32(7) }
    }
}

/// The handlers of one event that meet before they ask for its JSON.
const BLOCKING: usize = 4;

struct Shared {
    meeting: Barrier,
    kept: Mutex<Vec<AnyEvent>>,
}

async fn start() -> Lifespan {
    let shared = Shared { meeting: Barrier::new(BLOCKING), kept: Mutex::default() };
    Lifespan::builder().state(shared).start().await.expect("a lifespan")
}

#[derive(Clone, Debug, Event, Serialize)]
struct Unasked(Counted);

#[on]
fn unasked_borrowed(_: &Unasked) {}

#[on(now)]
fn unasked_now(_: &Unasked) {}

#[on(blocking)]
fn unasked_shared(_: Arc<Unasked>, _: Metadata) {}

#[on]
async fn unasked_owned(_: Unasked) -> Result<(), &'static str> {
    Err("its failure needs no JSON")
}

#[on("unasked")]
fn unasked_any(event: &AnyEvent) {
    assert!(format!("{event:?}").contains(&event.id().to_string()));
    assert_eq!((event.name(), event.hops(), event.causation()), ("unasked", 0, None));
    assert_eq!(event.downcast_ref::<Unasked>().map(|event| event.0.count()), Some(0));
}

#[on(failure)]
fn hear(failure: &Failure) {
    assert!(!format!("{failure:?} {failure}").is_empty());
}

#[tokio::test]
async fn what_nobody_asks_for_is_never_serialised() {
    let app = start().await;
    let event = Unasked(Counted::default());
    app.scope(async { dispatch(event.clone()) }).await.expect("accepted");
    assert_eq!(app.deliver(event.clone()).await.expect("accepted").handlers(), 5);
    app.shutdown().await.expect("from outside");
    assert_eq!(event.0.count(), 0);
}

#[derive(Clone, Debug, Event, Serialize)]
struct Asked(Counted);

fn ask(event: &AnyEvent) {
    assert_eq!(event.json().to_string(), if fails(event) { FAILED } else { "7" });
}

fn fails(event: &AnyEvent) -> bool {
    event.downcast_ref::<Asked>().is_some_and(|event| event.0.fails)
}

const FAILED: &str = "<`Asked` could not be serialised: no fish left>";

macro_rules! askers {
    ($($in_place:ident $waiting:ident $viewing:ident;)*) => {$(
        #[on("asked")]
        fn $in_place(event: &AnyEvent) {
            ask(event);
        }

        #[on("asked")]
        async fn $waiting(event: AnyEvent) {
            tokio::task::yield_now().await;
            ask(&event);
        }

        #[on("asked")]
        async fn $viewing(event: View<u32>) {
            assert_eq!(event.0, 7);
        }
    )*};
}

macro_rules! blocking_askers {
    ($($any:ident)*) => {$(
        #[on("asked", blocking)]
        fn $any(event: &AnyEvent, shared: State<Shared>) {
            shared.meeting.wait();
            ask(event);
        }
    )*};
}

askers! { a b c; d e f; }
blocking_askers! { g h i j }

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ten_handlers_ask_for_is_serialised_once() {
    let app = start().await;
    for round in 0..50 {
        let event = Asked(Counted::default());
        let delivery = app.deliver(event.clone()).await.expect("accepted");
        assert_eq!((delivery.handlers(), delivery.failures().len()), (10, 0), "{delivery:?}");
        assert_eq!(event.0.count(), 1, "round {round}");
    }
}

#[tokio::test]
async fn a_failing_serialize_is_asked_once_as_well() {
    let app = start().await;
    let event = Asked(Counted { fails: true, ..Counted::default() });
    let delivery = app.deliver(event.clone()).await.expect("accepted");
    let failed: Vec<_> = delivery.failures().iter().map(|failure| failure.cause().to_string()).collect();
    assert_eq!(failed, ["`Asked` could not be serialised: no fish left"; 2], "the views alone");
    assert_eq!(event.0.count(), 1);
}

#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
struct Kept(String);

#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
struct KeptTwice(String);

#[on("kept*")]
fn keep(event: AnyEvent, shared: State<Shared>) {
    shared.kept.lock().expect("no handler panics while it keeps").push(event);
}

/// Makes its lifespan store the payload as an `Arc`.
#[on]
fn keep_twice(_: Arc<KeptTwice>) {}

fn kept(app: &Lifespan) -> AnyEvent {
    let shared = app.state::<Shared>().expect("it was given one");
    shared.kept.lock().expect("no handler panics while it keeps").pop().expect("a handler has kept it")
}

#[tokio::test]
async fn an_event_that_was_kept_is_whole() {
    let app = start().await;
    let before = std::time::SystemTime::now();
    app.scope(async { dispatch(Kept("fish".into())) }).await.expect("accepted");
    let event = kept(&app);
    assert!((before..=std::time::SystemTime::now()).contains(&event.time()));
    assert_eq!((event.name(), event.hops(), event.causation(), event.correlation()), ("kept", 0, None, event.id()));
    let clone = event.clone();
    let (text, again) = (event.json().get().expect("it has JSON"), clone.json().get().expect("it has JSON"));
    assert_eq!((text, text.as_ptr()), (r#""fish""#, again.as_ptr()), "the clones share the text");
    assert_eq!(clone.id(), event.id());
    app.scope(async { dispatch(Kept("fish".into())) }).await.expect("accepted");
    assert_ne!(kept(&app).id(), event.id(), "equal payloads are not the same event");
}

#[tokio::test]
async fn a_payload_is_taken_out_by_its_last_owner() {
    let app = start().await;
    app.scope(async { dispatch(Kept("fish".into())) }).await.expect("accepted");
    let event = kept(&app);
    let id = event.id().clone();
    let event = event.try_into_inner::<KeptTwice>().expect_err("it has another type");
    let clone = event.clone();
    let event = event.try_into_inner::<Kept>().expect_err("there are two");
    assert_eq!((event.id(), event.downcast_ref()), (&id, Some(&Kept("fish".into()))));
    drop(clone);
    assert_eq!(event.try_into_inner::<Kept>().expect("it is the last"), Kept("fish".into()));
}

#[tokio::test]
async fn a_payload_that_is_shared_is_taken_out_by_its_last_owner() {
    let app = start().await;
    app.scope(async { dispatch_named("kept-twice", r#""fish""#) }).await.expect("it fits");
    let event = kept(&app);
    let id = event.id().clone();
    let clone = event.clone();
    let event = event.try_into_inner::<KeptTwice>().expect_err("there are two");
    drop(clone);
    let event = event.try_into_inner::<Kept>().expect_err("it has another type");
    assert_eq!((event.id(), event.json().to_string()), (&id, r#""fish""#.into()));
    assert_eq!(event.try_into_inner::<KeptTwice>().expect("it is the last"), KeptTwice("fish".into()));
}

#[tokio::test]
async fn an_event_of_no_type_has_its_text_alone() {
    let app = start().await;
    app.scope(async { dispatch_named("kept-nowhere", " [ 1 ] ") }).await.expect("it is JSON");
    let event = kept(&app);
    assert_eq!((event.name(), event.json().to_string().trim()), ("kept-nowhere", "[ 1 ]"));
    assert_eq!(event.downcast_ref::<Kept>(), None);
    let event = event.try_into_inner::<Kept>().expect_err("it has no type");
    assert_eq!(event.name(), "kept-nowhere");
}

#[derive(Event)]
struct First;

#[derive(Event)]
struct Second;

#[derive(Event)]
struct KeptThird;

#[on]
fn first(_: &First) -> Second {
    Second
}

#[on("second")]
fn second(event: AnyEvent, shared: State<Shared>) -> KeptThird {
    shared.kept.lock().expect("no handler panics while it keeps").push(event);
    KeptThird
}

#[tokio::test]
async fn a_chain_is_told_by_its_events() {
    let app = start().await;
    app.scope(async { dispatch(First) }).await.expect("accepted");
    app.shutdown().await.expect("from outside");
    let (third, second) = (kept(&app), kept(&app));
    assert_eq!((second.hops(), third.hops()), (1, 2));
    assert_eq!(second.causation(), Some(second.correlation()), "the first one");
    assert_eq!(third.causation(), Some(second.id()));
    assert_eq!(third.correlation(), second.correlation());
}
