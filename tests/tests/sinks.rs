//! Where events go when they leave the process, and what happens when the other side does not want them.

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use events::{
    CloudEvents, Echo, Envelope, Event, FailureCause, Format, Lifespan, LifespanBuilder, Null, Pair, Sink, SinkError,
    SinkExt as _, State, dispatch, on,
};
use serde::Serialize;
use support::Log;
use tokio::time::Instant;

#[derive(Debug, Event, Serialize)]
struct CatFed {
    fish: u32,
}

#[derive(Debug, Event, Serialize)]
struct CatPurred;

#[on]
fn purr(event: &CatFed, log: State<Log>) -> Option<CatPurred> {
    log.write(format!("fed {}", event.fish));
    (event.fish == 1).then_some(CatPurred)
}

/// What a sink was given, and what it answers.
#[derive(Clone, Default)]
struct Double {
    batches: Arc<Mutex<Vec<String>>>,
    /// How often each payload is refused before it is taken.
    refuse: u32,
    permanent: bool,
    /// How many seconds it wants to be left alone where it has refused.
    rest: Option<u64>,
    max_batch: usize,
    closed: Arc<Mutex<u32>>,
}

impl Double {
    fn new() -> Self {
        Self { max_batch: 100, ..Self::default() }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.batches.lock().expect("nobody panics"))
    }
}

impl Sink for Double {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        self.send_many(std::slice::from_ref(envelope)).await.remove(0)
    }

    async fn send_many(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        tokio::task::yield_now().await;
        let texts = envelopes.iter().map(|envelope| String::from_utf8_lossy(envelope.payload()).into_owned());
        let batch = texts.collect::<Vec<_>>().join(" ");
        let mut batches = self.batches.lock().expect("nobody panics");
        batches.push(batch);
        let seen = |envelope: &Envelope| {
            let text = String::from_utf8_lossy(envelope.payload());
            batches.iter().filter(|batch| batch.contains(&*text)).count()
        };
        let answer = |envelope: &Envelope| match (seen(envelope) > self.refuse as usize, self.permanent) {
            (true, _) => Ok(()),
            (false, true) => Err(SinkError::permanent("too large")),
            (false, false) => Err(match self.rest {
                Some(seconds) => SinkError::new("busy").with_retry_after(Duration::from_secs(seconds)),
                None => SinkError::new("busy"),
            }),
        };
        envelopes.iter().map(answer).collect()
    }

    fn max_batch(&self) -> usize {
        self.max_batch
    }

    async fn close(&self) -> Result<(), SinkError> {
        *self.closed.lock().expect("nobody panics") += 1;
        Ok(())
    }
}

async fn start(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder).await
}

async fn feed(app: &Lifespan, numbers: impl IntoIterator<Item = u32>) {
    let feeding = async {
        for fish in numbers {
            dispatch(CatFed { fish }).expect("accepted");
        }
    };
    app.scope(feeding).await;
}

fn payloads(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|fish| format!(r#"{{"fish":{fish}}}"#)).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_scope_is_a_batch_in_order_and_cut_to_the_limit() {
    let double = Double { max_batch: 10, ..Double::new() };
    let (app, log) = start(Lifespan::builder().sink("cat-fed", double.clone())).await;
    feed(&app, 2..=24).await;
    assert_eq!(double.take(), [payloads(2..=11), payloads(12..=21), payloads(22..=24)]);
    assert_eq!(log.take().len(), 23, "handlers get them as well");
    feed(&app, []).await;
    assert!(double.take().is_empty(), "a sink is never called without events");
}

#[tokio::test]
async fn settings_cut_further_and_not_less() {
    let (small, large) = (Double { max_batch: 10, ..Double::new() }, Double { max_batch: 2, ..Double::new() });
    let builder =
        Lifespan::builder().sink("cat-fed", small.clone().batch(2)).sink("cat-fed", large.clone().batch(1000));
    let (app, _) = start(builder).await;
    feed(&app, 2..=4).await;
    assert_eq!(small.take(), [payloads(2..=3), payloads(4..=4)]);
    assert_eq!(large.take(), [payloads(2..=3), payloads(4..=4)]);
}

#[tokio::test]
async fn patterns_decide_and_what_is_chained_leaves_too() {
    let (fed, all) = (Double::new(), Double::new());
    let (app, _) = start(Lifespan::builder().sink("cat-f*", fed.clone()).sink("[cd]*", all.clone())).await;
    feed(&app, [1]).await;
    app.dispatch_named("dog-fed", r#"{"bones":1}"#).expect("any name");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(fed.take(), [payloads(1..=1)]);
    let mut all = all.take();
    all.sort();
    assert_eq!(all, ["null".to_owned(), r#"{"bones":1}"#.to_owned(), payloads(1..=1)]);
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn only_means_nobody_handles_it_here() {
    let elsewhere = Double::new();
    let (app, log) = start(Lifespan::builder().sink("cat-fed", elsewhere.clone().only())).await;
    feed(&app, [1]).await;
    app.shutdown().await.expect("from outside");
    assert_eq!((elsewhere.take(), log.take()), (vec![payloads(1..=1)], vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_alone() {
    let double = Double { refuse: 1, ..Double::new() };
    double.batches.lock().expect("nobody panics").push(payloads(3..=3));
    let (app, _) = start(Lifespan::builder().sink("cat-fed", double.clone())).await;
    feed(&app, 2..=4).await;
    let again = format!("{} {}", payloads(2..=2), payloads(4..=4));
    assert_eq!(double.take(), [payloads(3..=3), payloads(2..=4), again], "3 was taken at once");
    assert_eq!(app.shutdown().await.expect("from outside").failed, 0);
}

#[tokio::test(start_paused = true)]
async fn past_the_attempts_it_is_a_failure_that_names_the_sink() {
    let double = Double { refuse: 99, ..Double::new() };
    let (app, log) = start(Lifespan::builder().sink("cat-fed", double.clone().attempts(3))).await;
    let begun = Instant::now();
    let delivery = app.deliver(CatFed { fish: 2 }).await.expect("accepted");
    // 100 ms and 200 ms, each with as much jitter at most.
    assert!((300..=600).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    let [failure] = delivery.failures() else { panic!("{delivery:?}") };
    assert_eq!((failure.cause().to_string().as_str(), failure.attempt()), ("busy", 3));
    let text = failure.to_string();
    assert!(text.starts_with("`sink` (tests/tests/sinks.rs:"), "{text}");
    assert!(text.ends_with("failed on `cat-fed`: busy"), "{text}");
    assert_eq!((double.take().len(), log.take().len(), delivery.handlers()), (3, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_told_of_each_attempt_that_failed() {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&attempts);
    let double = Double { refuse: 2, ..Double::new() };
    let sink = double.clone().on_attempt(move |error, attempt| {
        told.lock().expect("nobody panics").push(format!("{attempt} {error}"));
        assert!(attempt < 2, "a panic of the closure is its own");
    });
    let (app, _) = start(Lifespan::builder().sink("cat-fed", sink)).await;
    feed(&app, 2..=4).await;
    assert_eq!(double.take().len(), 3);
    let expected = ["1 busy", "2 busy"];
    assert_eq!(*attempts.lock().expect("it panicked elsewhere"), expected, "once, however many events failed");
    assert_eq!(app.shutdown().await.expect("from outside").failed, 0);
}

#[tokio::test(start_paused = true)]
async fn the_pauses_grow_between_bounds_that_can_be_chosen() {
    let bounds = |first, longest| Duration::from_secs(first)..=Duration::from_secs(longest);
    // Five pauses: the first is 1 s to 2 s, the others are 2 s to 4 s.
    for (range, together) in [(bounds(1, 4), bounds(9, 18)), (bounds(60, 60), bounds(300, 301))] {
        let double = Double { refuse: 99, ..Double::new() };
        let (app, _) = start(Lifespan::builder().sink("cat-fed", double.clone().attempts(6).backoff(range))).await;
        let begun = Instant::now();
        let delivery = app.deliver(CatFed { fish: 2 }).await.expect("accepted");
        assert_eq!((delivery.failures()[0].attempt(), double.take().len()), (6, 6));
        assert!(together.contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_to_be_left_alone_is_for_a_while() {
    // Of an hour, five minutes count; and what is shorter than a pause makes none shorter.
    for (rest, waited) in [(60, 60..=60), (3600, 300..=300), (1, 10..=10)] {
        let double = Double { refuse: 1, rest: Some(rest), ..Double::new() };
        let pause = Duration::from_secs(10)..=Duration::from_secs(10);
        let (app, _) = start(Lifespan::builder().sink("cat-fed", double.clone().backoff(pause))).await;
        let begun = Instant::now();
        assert!(app.deliver(CatFed { fish: 2 }).await.expect("accepted").is_ok());
        assert!(waited.contains(&begun.elapsed().as_secs()), "{rest}: {:?}", begun.elapsed());
        assert_eq!(double.take().len(), 2);
    }
}

#[tokio::test]
async fn a_permanent_error_is_not_tried_again() {
    let double = Double { refuse: 99, permanent: true, ..Double::new() };
    let (app, _) = start(Lifespan::builder().sink("cat-fed", double.clone())).await;
    let delivery = app.deliver(CatFed { fish: 2 }).await.expect("accepted");
    assert_eq!((delivery.failures()[0].attempt(), double.take().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_sink_delays_no_handler_and_no_other_sink() {
    let quick = Double::new();
    let hanging = |_: Envelope| std::future::pending::<Result<(), std::io::Error>>();
    let builder = Lifespan::builder()
        .sink("cat-fed", hanging.attempts(1).timeout(Duration::from_mins(1)))
        .sink("cat-fed", quick.clone());
    let (app, log) = start(builder).await;
    let delivery = tokio::spawn({
        let app = app.clone();
        async move { app.deliver(CatFed { fish: 2 }).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((log.take().len(), quick.take().len()), (1, 1));
    assert!(!delivery.is_finished(), "a delivery is over when all has been sent");
    let delivery = delivery.await.expect("no panic").expect("accepted");
    assert_eq!(delivery.failures()[0].cause().to_string(), "it took longer than its time-out of 60s");
}

#[tokio::test]
async fn a_sink_that_panics_or_forgets_to_answer_has_failed() {
    struct Odd(bool);
    impl Sink for Odd {
        async fn send(&self, _: &Envelope) -> Result<(), SinkError> {
            Ok(())
        }

        async fn send_many(&self, _: &[Envelope]) -> Vec<Result<(), SinkError>> {
            assert!(!self.0, "out of ink");
            Vec::new()
        }
    }
    let (app, log) = start(Lifespan::builder().sink("cat-fed", Odd(true)).sink("cat-fed", Odd(false))).await;
    let delivery = app.deliver(CatFed { fish: 2 }).await.expect("accepted");
    let causes: Vec<_> = delivery.failures().iter().map(|failure| failure.cause().to_string()).collect();
    assert_eq!(causes, ["it panicked: out of ink", "the sink has not answered for this event"]);
    assert_eq!(log.take().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_forced_end_aborts_what_is_not_sent() {
    let double = Double { refuse: 99, ..Double::new() };
    let (app, _) = start(Lifespan::builder().sink("cat-fed", double.clone().attempts(u32::MAX))).await;
    app.dispatch(CatFed { fish: 2 }).expect("accepted");
    app.dispatch(CatFed { fish: 3 }).expect("accepted");
    let report = app.shutdown_within(Duration::from_secs(20)).await.expect("from outside");
    assert_eq!((report.delivered, report.aborted, report.aborted_handlers.len()), (0, 2, 2), "{report}");
    assert!(report.aborted_handlers[0].starts_with("`sink` on `cat-fed`"), "{report}");
    assert_eq!(*double.closed.lock().expect("nobody panics"), 1, "it is closed all the same");
}

#[derive(Event)]
#[event(name = "silent.opaque")]
struct Opaque;

#[tokio::test]
async fn an_event_without_json_cannot_leave() {
    let builder = Lifespan::builder().without_all().sink("silent.*", Null);
    let error = builder.start().await.expect_err("it cannot be sent").to_string();
    let expected = "the sink of `silent.*` would get `silent.opaque`, which has no JSON: derive `serde::Serialize` for `sinks::Opaque`";
    assert!(error.contains(expected), "{error}");
    assert_eq!(error.matches("sinks.rs:").count(), 2, "both places: {error}");
}

#[tokio::test]
async fn an_origin_that_no_message_can_have_is_told_at_the_start() {
    for (origin, expected) in [
        ("my shop", "the origin `my shop` is no URI reference"),
        ("", "the origin is empty: leave it out, or say where the events come from"),
    ] {
        let error = Lifespan::builder().origin(origin).start().await.expect_err(origin).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_echo_is_a_line_for_each_event() {
    let paper = Paper::default();
    let (app, _) = start(Lifespan::builder().sink("cat-*", Echo::new(paper.clone()))).await;
    feed(&app, [2]).await;
    let text = String::from_utf8(paper.0.lock().expect("nobody panics").clone()).expect("text");
    let words: Vec<_> = text.trim_end().split(' ').collect();
    assert!(words[0].ends_with('Z') && words[0].len() == "2026-11-22T05:40:00.123456Z".len(), "{text}");
    assert!(words[1].ends_with("-1"), "{text}");
    assert_eq!(words[2..], ["cat-fed", r#"{"fish":2}"#]);
}

/// A message may say any time.
#[tokio::test]
async fn an_echo_writes_times_before_1970_and_years_of_five_digits() {
    let paper = Paper::default();
    let echo = Echo::new(paper.clone());
    for time in [UNIX_EPOCH - Duration::from_nanos(1), UNIX_EPOCH + Duration::from_secs(1 << 40)] {
        echo.send(&Envelope::new("cat-fed", "1").with_id("17").with_time(time)).await.expect("sent");
    }
    let text = String::from_utf8(paper.0.lock().expect("nobody panics").clone()).expect("text");
    assert_eq!(text, "1969-12-31T23:59:59.999999Z 17 cat-fed 1\n? 17 cat-fed 1\n");
}

#[tokio::test(start_paused = true)]
async fn an_envelope_tells_what_travels_beside_the_payload() {
    let (sender, mut envelopes) = tokio::sync::mpsc::unbounded_channel();
    let keep = move |envelope: Envelope| {
        let kept = sender.send(envelope);
        async move { kept }
    };
    let (app, _) = start(Lifespan::builder().origin("/kitchen").sink("cat-*", keep)).await;
    feed(&app, [1]).await;
    let fed = envelopes.recv().await.expect("sent");
    let purred = envelopes.recv().await.expect("sent");
    assert_eq!(
        (fed.name(), fed.origin(), fed.version(), fed.content_type()),
        ("cat-fed", "/kitchen", Some(1), "application/json")
    );
    assert_eq!((purred.name(), purred.causation(), purred.correlation()), ("cat-purred", Some(fed.id()), fed.id()));
    assert_eq!((fed.hops(), purred.hops(), purred.payload()), (0, 1, &b"null"[..]));
    let (app, _) = start(Lifespan::builder().sink("cat-purred", |_: Envelope| async { Err("no") })).await;
    let delivery = app.deliver(CatPurred).await.expect("accepted");
    assert!(matches!(delivery.failures()[0].cause(), FailureCause::Error(_)));
}

#[tokio::test]
async fn an_envelope_travels_in_every_format_and_is_the_same_event_there() {
    let (sender, mut envelopes) = tokio::sync::mpsc::unbounded_channel();
    let keep = move |envelope: Envelope| {
        let kept = sender.send(envelope);
        async move { kept }
    };
    let (app, _) = start(Lifespan::builder().sink("cat-*", keep)).await;
    feed(&app, [1]).await;
    app.shutdown().await.expect("from outside");
    let formats: [Box<dyn Format>; 3] =
        [Box::new(CloudEvents::structured()), Box::new(CloudEvents::binary()), Box::new(Pair)];
    let (fed, purred) = (envelopes.recv().await.expect("sent"), envelopes.recv().await.expect("sent"));
    for format in formats {
        let there = |envelope| format.decode(&format.encode(envelope).expect("written")).expect("read");
        let (fed_there, purred_there) = (there(&fed), there(&purred));
        assert_eq!(purred_there.causation(), Some(fed.id()), "an identity is the same on both sides");
        assert_eq!((fed_there.id(), purred_there.correlation()), (fed.id(), fed_there.id()));
        assert_eq!((purred_there.hops(), purred_there.time(), purred_there.origin()), (1, purred.time(), fed.origin()));
        assert_eq!((fed_there.payload(), fed_there.version()), (fed.payload(), Some(1)));
    }
}
