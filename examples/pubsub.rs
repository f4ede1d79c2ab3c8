//! Freezers that measure their temperature, and a store that keeps an eye on them, with Google Cloud Pub/Sub between them: what one
//! freezer has measured comes in its order, and a signal ends the work without a measurement being lost.
//!
//! ```console
//! $ cargo run --example pubsub            # with a queue inside of the process
//! $ gcloud pubsub topics create freezers
//! $ gcloud pubsub subscriptions create store --topic freezers --enable-message-ordering
//! $ cargo run --example pubsub -- --pubsub cafe-123456/freezers/store
//! ```
//!
//! With Google's, the program works until SIGINT or SIGTERM: it finishes and acknowledges what it has begun, gives the rest back,
//! and says how far it has come.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{ExitCode, Termination as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::pubsub::PubSub;
use events::{
    Envelope, Event, Exit, Failure, Lifespan, Memory, Sink, SinkExt as _, SourceExt as _, State, dispatch, every, on,
};
use serde::{Deserialize, Serialize};
use validator::Validate;

const USAGE: &str = "\
Publishes what freezers measure, and reads it.

usage: pubsub [--pubsub PROJECT/TOPIC/SUBSCRIPTION [--endpoint URL]] [--help]

  --pubsub PROJECT/TOPIC/SUBSCRIPTION
                  a topic of Google Cloud Pub/Sub and a subscription to it, which are worked
                  on until a signal comes; credentials are those of the environment; without
                  it, a queue inside of the process, until it is empty
  --endpoint URL  another place for the service: `https://..` for one of Google's, and
                  `http://HOST:PORT` for an emulator

exit code: 0 when nothing was lost; 1 when the work did not begin; 2 when its end was not
clean; 130 or 143 when a second SIGINT or SIGTERM forced it.
";

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
struct TemperatureMeasured {
    #[validate(length(min = 1))]
    freezer: String,
    number: u32,
    #[validate(range(min = -273, max = 100))]
    celsius: i32,
}

/// What the store knows of each freezer.
#[derive(Debug, Default)]
struct Store(Mutex<BTreeMap<String, Freezer>>);

impl Store {
    fn freezers(&self) -> MutexGuard<'_, BTreeMap<String, Freezer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Freezer {
    measured: u32,
    warmest: i32,
    /// The number of the last measurement.
    last: Option<u32>,
    out_of_order: u32,
}

#[on(group = "store")]
async fn note(event: &TemperatureMeasured, store: State<Store>) {
    tokio::time::sleep(Duration::from_millis(20)).await; // whatever it is noted in
    let mut freezers = store.freezers();
    let freezer = freezers.entry(event.freezer.clone()).or_default();
    freezer.warmest = if freezer.measured == 0 { event.celsius } else { freezer.warmest.max(event.celsius) };
    freezer.measured += 1;
    freezer.out_of_order += u32::from(freezer.last >= Some(event.number));
    freezer.last = Some(event.number);
}

#[on(failure)]
fn tell(failure: &Failure) {
    eprintln!("{failure}");
}

#[on(shutdown, group = "store")]
fn sum_up(store: State<Store>) {
    let freezers = store.freezers();
    for (name, Freezer { measured, warmest, out_of_order, .. }) in &*freezers {
        println!("{name}: {measured} measurements, {out_of_order} of them out of order, {warmest} °C at the most");
    }
}

/// Ends the store when the queue inside of the process is empty, since nobody fills it any more.
#[every("50ms", group = "store")]
async fn look(memory: Option<State<Memory>>, app: Lifespan) {
    if memory.is_some_and(|memory| memory.len("freezers") == 0) {
        tokio::spawn(async move { app.shutdown().await });
    }
}

fn measurements() -> impl Iterator<Item = TemperatureMeasured> {
    let freezer = |name: &str, at_first: i32, number: u32| TemperatureMeasured {
        freezer: name.into(),
        number,
        celsius: at_first + i32::from(number % 4 == 3),
    };
    let freezers = move |number| {
        [("cellar", -21), ("kitchen", -18), ("yard", -25)].map(|(name, at_first)| freezer(name, at_first, number))
    };
    (0..10).flat_map(freezers)
}

/// Publishes all measurements, or says that it could not.
async fn measure(sink: impl Sink) -> Result<(), Box<dyn Error>> {
    let freezers = Lifespan::builder().origin("/freezers").without_group("store");
    let freezers = freezers.sink("temperature-measured", sink.only()).start().await?;
    let published = freezers.scope(async { measurements().try_for_each(dispatch) }).await;
    let report = freezers.shutdown().await?;
    published?;
    if report.is_clean() { Ok(()) } else { Err("not all measurements could be published".into()) }
}

async fn in_process() -> Result<Exit, Box<dyn Error>> {
    let memory = Memory::new();
    memory.bind("freezers", "temperature-measured");
    measure(memory.sink()).await?;
    let store = Lifespan::builder().state(Store::default()).state(memory.clone());
    // One at a time: this queue knows no keys, which would let several go on beside each other.
    Ok(events::run(store.source(memory.source("freezers").concurrency(1))).await)
}

async fn on_pubsub(place: &str, endpoint: Option<&str>) -> Result<Exit, Box<dyn Error>> {
    let [project, topic, subscription] = place.split('/').collect::<Vec<_>>()[..] else {
        return Err("`--pubsub` is given a project, a topic and a subscription: `cafe-123456/freezers/store`".into());
    };
    let pubsub = match endpoint.map(|url| (url, url.strip_prefix("http://"))) {
        None => PubSub::new(project)?,
        Some((_, Some(emulator))) => PubSub::emulator(project, emulator.trim_end_matches('/'))?,
        Some((url, None)) => PubSub::new(project)?.endpoint(url)?,
    };
    measure(pubsub.sink(topic).ordered_by(freezer)).await?;
    let source = pubsub.source(subscription).ack_deadline(Duration::from_secs(30));
    let store = Lifespan::builder().origin("/store").state(Store::default());
    Ok(events::run(store.source(source.prefetch(50).concurrency(10))).await)
}

/// What comes in the order in which it was published: the measurements of one freezer.
fn freezer(envelope: &Envelope) -> String {
    let event = envelope.event().and_then(|event| event.downcast_ref::<TemperatureMeasured>());
    event.map_or_else(String::new, |event| event.freezer.clone())
}

/// What the command line asks for.
#[derive(Default)]
struct Request {
    place: Option<String>,
    endpoint: Option<String>,
    is_help: bool,
}

impl Request {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut request = Self::default();
        while let Some(arg) = args.next() {
            let value = match &*arg {
                "-h" | "--help" => return Ok(Self { is_help: true, ..request }),
                "--pubsub" => &mut request.place,
                "--endpoint" => &mut request.endpoint,
                _ => return Err(format!("unknown argument `{arg}`")),
            };
            *value = Some(args.next().ok_or_else(|| format!("`{arg}` needs a value"))?);
        }
        if request.place.is_none() && request.endpoint.is_some() {
            return Err("`--endpoint` goes with `--pubsub`: the queue inside of the process has none".into());
        }
        Ok(request)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let done = match Request::parse(args) {
        Ok(Request { is_help: true, .. }) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(Request { place: Some(place), endpoint, .. }) => {
            on_pubsub(&place, endpoint.as_deref()).await.map(Exit::report)
        }
        Ok(_) => in_process().await.map(Exit::report),
        Err(mistake) => Err(format!("{mistake}\n\n{USAGE}").into()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
