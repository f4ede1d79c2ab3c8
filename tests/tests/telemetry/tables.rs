//! The tables of `docs::telemetry` say what there is: no more, no less.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use events::{Lifespan, Memory, Settlement, SinkExt as _, SourceExt as _, dispatch};
use metrics::Unit;
use tracing::span::{Attributes, Id};
use tracing::{Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, filter::LevelFilter, registry::LookupSpan};

use crate::measured::Metrics;
use crate::traced::message;
use crate::{CatFed, DishBroken, DishWashed};

const PAGE: &str = include_str!("../../../events/src/docs/telemetry.md");

/// The rows of the table with such a head, cell by cell.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let (_, rest) = PAGE.split_once(head).expect("there is such a table");
    let rows = rest.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// What stands between backticks.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Something of everything: what is delivered, refused, fails, is sent, received, lost.
async fn all_of_it() {
    let memory = Memory::new();
    memory.bind("shelf", "dish-*");
    memory.put("plates", message("dish-broken", r#"{"how":"error"}"#)).expect("there is room");
    let plates = memory.source("plates").on_failure(Settlement::Reject);
    let app = Lifespan::builder().source(plates).sink("dish-washed", memory.sink().only()).start().await;
    let app = app.expect("it starts");
    let scope = app.scope(async {
        dispatch(CatFed { fish: 9 }).expect("it is taken");
        dispatch(CatFed { fish: 11 }).expect_err("it is too much");
        dispatch(DishBroken { how: "error".into() }).expect("it is taken");
        (0..2).try_for_each(|dish| dispatch(DishWashed(dish))).expect("they are taken");
    });
    scope.await;
    while memory.take_rejected("plates").is_empty() {
        tokio::task::yield_now().await;
    }
    app.shutdown().await.expect("it ends");
    let batches = Lifespan::builder().start().await.expect("it starts");
    batches.scope(async { (0..3).try_for_each(|dish| dispatch(DishWashed(dish))) }).await.expect("they are taken");
    batches.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn every_metric_is_documented_with_its_kind_unit_and_labels() {
    let metrics = Metrics::start();
    all_of_it().await;
    let labels = |cell: &str| code(cell).into_iter().map(ToOwned::to_owned).collect::<BTreeSet<_>>();
    let documented: BTreeMap<_, _> = table("| name | kind | unit | labels | |\n")
        .iter()
        .map(|row| (code(row[0])[0].to_owned(), (row[1].to_owned(), row[2].to_owned(), labels(row[3]))))
        .collect();
    assert_eq!(documented.len(), 16);
    let series = metrics.labels();
    let described = metrics.described();
    assert_eq!(described.keys().collect::<Vec<_>>(), documented.keys().collect::<Vec<_>>());
    for (name, (kind, unit, labels)) in &documented {
        let (known_kind, known_unit, text) = &described[name];
        assert_eq!(known_kind, kind, "{name}");
        assert_eq!(*known_unit == Some(Unit::Seconds), unit == "seconds", "{name}");
        assert_eq!(*known_unit == Some(Unit::Count), unit != "seconds", "{name}");
        assert!(!text.is_empty(), "{name}");
        let known = series.get(name).unwrap_or_else(|| panic!("{name} has no series in {:?}", series.keys()));
        assert_eq!(*known, BTreeSet::from([labels.clone()]), "{name}");
    }
    assert_eq!(series.keys().collect::<Vec<_>>(), documented.keys().collect::<Vec<_>>());
}

/// Levels and fields of spans, by their names.
type Spans = BTreeMap<&'static str, (Level, Vec<&'static str>)>;

/// The spans that were begun.
#[derive(Clone, Default)]
struct Begun(Arc<Mutex<Spans>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Begun {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        if metadata.target() == "events" {
            let fields = metadata.fields().iter().map(|field| field.name());
            let own = fields.filter(|name| !name.starts_with("otel.") && *name != "error.type").collect();
            self.0.lock().expect("nobody panics").insert(metadata.name(), (*metadata.level(), own));
        }
    }
}

#[tokio::test]
async fn every_span_is_documented_with_its_level_and_fields() {
    let begun = Begun::default();
    // With traces, as `create` is there for them alone.
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let tracer = opentelemetry::trace::TracerProvider::tracer(&provider, "events");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_filter(LevelFilter::DEBUG);
    let _guard = crate::support::asked::here(tracing_subscriber::registry().with(begun.clone()).with(layer));
    all_of_it().await;
    let mut begun = begun.0.lock().expect("nobody panics").clone();
    let receive = ["source", "messages", "outcome"];
    // The tests of Amazon SQS see it.
    assert!(begun.insert("receive", (Level::DEBUG, receive.to_vec())).is_none());
    let mut documented = BTreeMap::new();
    for row in table("| span | level | from, to | fields |\n") {
        documented.insert(code(row[0])[0], (row[1].parse::<Level>().expect("a level"), code(row[3])));
    }
    for (name, (level, fields)) in &mut begun {
        let (said_level, said) = documented.remove(name).unwrap_or_else(|| panic!("`{name}` is not documented"));
        let mut said: Vec<_> = said;
        said.sort_unstable();
        fields.sort_unstable();
        assert_eq!((said_level, said), (*level, fields.clone()), "{name}");
    }
    assert!(documented.is_empty(), "{documented:?}");
}
