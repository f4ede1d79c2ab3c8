//! What a start finds out about providers, and what they can do and ask for while it goes on.

mod support;

use std::sync::Mutex;

use events::{
    Context, Event, FromContext, Lifespan, LifespanBuilder, Metadata, MissingState, Signature, StartError, State, on,
    provide,
};
use support::Log;
use support::script::{Value, place, rest};

struct Config {
    url: String,
}

/// A type that handlers and providers take, which needs state.
struct Url(String);

impl FromContext for Url {
    type Error = MissingState;

    fn from_context(context: &Context<'_>) -> Result<Self, MissingState> {
        State::<Config>::from_context(context).map(|config| Self(config.url.clone()))
    }

    fn declare(signature: &mut Signature) {
        State::<Config>::declare(signature);
    }
}

struct Pool(String);
struct Session(String);

#[provide(lifespan)]
fn pool(Url(url): Url) -> Pool {
    Pool(format!("pool at {url}"))
}

#[provide]
fn session(#[depends(pool)] pool: &Pool, url: Url, config: State<Config>) -> Session {
    Session(format!("session of {} for {}", pool.0, if url.0 == config.url { url.0 } else { "nobody".into() }))
}

#[derive(Event)]
struct Asked;

#[on]
fn work(_: &Asked, #[depends(session)] session: &Session, log: State<Log>) {
    log.write(session.0.clone());
}

fn builder() -> LifespanBuilder {
    Lifespan::builder().without_all()
}

async fn failed(builder: LifespanBuilder) -> StartError {
    builder.state(Log::default()).start().await.expect_err("something is wrong")
}

fn only(error: &StartError) -> String {
    let [finding] = error.findings() else { panic!("{error}") };
    finding.to_string()
}

#[tokio::test]
async fn state_that_a_provider_misses_is_a_finding() {
    let error = failed(builder().with(work)).await;
    let missing = |provider| {
        format!(
            "\n  - provider `providers_start::{provider}` asks for `State<providers_start::Config>`, which the lifespan \
             does not have: give it to `Lifespan::builder().state(..)` ({})",
            place(&format!("providers_start::{provider}"))
        )
    };
    assert_eq!(error.to_string(), format!("the lifespan cannot start:{}{}", missing("pool"), missing("session")));
}

#[tokio::test]
async fn state_is_not_missed_where_nobody_asks_for_it() {
    let (app, log) = support::start_with(builder().with(work).replace::<session>(Session("fake".into()))).await;
    app.deliver(Asked).await.expect("accepted");
    assert_eq!(log.take(), ["fake"]);
    support::start_with(builder()).await;
}

#[tokio::test]
async fn providers_take_what_handlers_take() {
    let (app, log) = support::start_with(builder().with(work).state(Config { url: "home".into() })).await;
    app.deliver(Asked).await.expect("accepted");
    // A value of the scope is seen by what is made for a call, and not by what is made before all of them.
    app.scope(async { events::dispatch(Asked) }).value(Config { url: "away".into() }).await.expect("accepted");
    assert_eq!(log.take(), ["session of pool at home for home", "session of pool at home for away"]);
}

struct Number(u32);
struct Twice;

#[provide]
fn number() -> Number {
    Number(7)
}

#[provide]
fn twice(#[depends(number)] Number(_): Number) -> Twice {
    Twice
}

#[on]
fn takes_in_two_ways(_: &Asked, #[depends(twice)] _: &Twice, #[depends(number)] _: &Number) {}

#[on]
fn takes_twice(_: &Asked, #[depends(number)] Number(_): Number, #[depends(number)] Number(_): Number) {}

#[on(startup)]
fn hook_takes_twice(#[depends(number)] Number(_): Number, #[depends(number)] _: &Number) {}

#[on]
fn takes_once(_: &Asked, #[depends(number)] Number(number): Number, log: State<Log>) {
    log.write(format!("number {number}"));
}

#[on]
fn lends(_: &Asked, #[depends(number)] number: &Number, log: State<Log>) {
    log.write(format!("number {}", number.0));
}

#[tokio::test]
async fn what_two_take_by_value_is_a_finding() {
    let text = |function: &str| {
        let place = place(&format!("providers_start::{function}"));
        format!(
            "a call of `providers_start::{function}` takes what `providers_start::number` makes by value, which is asked \
             for twice in the call: take a reference everywhere ({place})"
        )
    };
    assert_eq!(only(&failed(builder().with(takes_in_two_ways)).await), text("takes_in_two_ways"));
    assert_eq!(only(&failed(builder().with(takes_twice)).await), text("takes_twice"));
    assert_eq!(only(&failed(builder().with(hook_takes_twice)).await), text("hook_takes_twice"));
}

#[tokio::test]
async fn what_a_replaced_provider_takes_is_not_taken() {
    let (app, _) = support::start_with(builder().with(takes_in_two_ways).replace::<twice>(Twice)).await;
    assert!(app.deliver(Asked).await.expect("accepted").is_ok());
}

/// Each call has its own value, so that one may take it and the other borrow it.
#[tokio::test]
async fn calls_of_one_event_take_a_value_each() {
    let (app, log) = support::start_with(builder().with(takes_once).with(lends)).await;
    assert!(app.deliver(Asked).await.expect("accepted").is_ok());
    assert_eq!(log.take(), ["number 7", "number 7"]);
}

struct Name(String);
struct Root;

#[provide]
fn name(metadata: Metadata) -> Name {
    Name(format!("{}, {}", metadata.name(), metadata.causation().is_some()))
}

#[provide(lifespan)]
fn root(metadata: Metadata) -> Root {
    drop(metadata);
    Root
}

#[on]
fn reads(_: &Asked, #[depends(name)] name: &Name, log: State<Log>) {
    log.write(name.0.clone());
}

#[on(startup)]
fn hook_reads(#[depends(name)] _: &Name) {}

#[on]
fn stands(_: &Asked, #[depends(root)] _: &Root) {}

#[tokio::test]
async fn metadata_is_that_of_the_call_and_missed_where_there_is_no_event() {
    let (app, log) = support::start_with(builder().with(reads)).await;
    app.deliver(Asked).await.expect("accepted");
    assert_eq!(log.take(), ["asked, false"]);

    let place = |path| place(&format!("providers_start::{path}"));
    let text = "provider `providers_start::root` failed: there is no event here";
    assert_eq!(only(&failed(builder().with(stands)).await), format!("{text} ({})", place("root")));
    let text = "startup hook `providers_start::hook_reads` failed: provider `providers_start::name` failed: there is no \
                event here";
    assert_eq!(only(&failed(builder().with(hook_reads)).await), format!("{text} ({})", place("hook_reads")));
}

/// A value that has the lifespan that it belongs to.
struct Server {
    app: Lifespan,
    _value: Value,
}

#[provide(lifespan)]
fn server(app: Lifespan, log: State<Log>) -> Server {
    Server { app, _value: Value::new("server", &log) }
}

#[on]
fn serves(_: &Asked, #[depends(server)] server: &Server, app: Lifespan, log: State<Log>) {
    assert_eq!(format!("{:?}", server.app), format!("{app:?}"));
    log.write("serve");
}

#[derive(Default)]
struct Kept {
    app: Mutex<Option<Lifespan>>,
}

#[on(startup)]
fn keeps(app: Lifespan, kept: State<Kept>) {
    *kept.app.lock().expect("no panic") = Some(app);
}

#[on(shutdown)]
fn stops(log: State<Log>) {
    log.write("stop");
}

/// A handle that a function was given does not keep the lifespan from ending.
#[tokio::test(start_paused = true)]
async fn a_value_that_holds_its_lifespan_does_not_keep_it() {
    let (app, log) = support::start_with(builder().with(serves).with(stops)).await;
    app.deliver(Asked).await.expect("accepted");
    drop(app);
    rest().await;
    assert_eq!(log.take(), ["make server", "serve", "stop", "drop server"]);
}

#[tokio::test(start_paused = true)]
async fn a_startup_hook_that_keeps_its_lifespan_does_not_keep_it_alive() {
    let (app, log) = support::start_with(builder().with(keeps).with(stops).state(Kept::default())).await;
    drop(app);
    rest().await;
    assert_eq!(log.take(), ["stop"]);
}
