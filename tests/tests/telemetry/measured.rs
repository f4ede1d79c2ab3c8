//! Metrics as a recorder gets them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::registry::{AtomicStorage, Registry};

/// A recorder of this thread.
pub(crate) struct Metrics {
    kept: &'static Kept,
    _guard: metrics::LocalRecorderGuard<'static>,
}

pub(crate) struct Kept(Registry<Key, AtomicStorage>, Mutex<Described>);

/// The kind, the unit and the text of each metric.
type Described = BTreeMap<String, (&'static str, Option<Unit>, String)>;

impl Kept {
    fn describe(&self, kind: &'static str, name: &KeyName, unit: Option<Unit>, text: &SharedString) {
        let described = (kind, unit, text.clone().into_owned());
        self.1.lock().expect("nobody panics").insert(name.as_str().to_owned(), described);
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe("counter", &name, unit, &text);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe("gauge", &name, unit, &text);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe("histogram", &name, unit, &text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.0.get_or_create_counter(key, |counter| counter.clone().into())
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.0.get_or_create_gauge(key, |gauge| gauge.clone().into())
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.0.get_or_create_histogram(key, |histogram| histogram.clone().into())
    }
}

impl Metrics {
    pub(crate) fn start() -> Self {
        // As long as the program, which the guard asks for.
        let kept: &'static Kept = Box::leak(Box::new(Kept(Registry::new(AtomicStorage), Mutex::default())));
        Self { kept, _guard: metrics::set_default_local_recorder(kept) }
    }

    pub(crate) fn described(&self) -> Described {
        self.kept.1.lock().expect("nobody panics").clone()
    }

    /// The names of the labels that the series of each metric have.
    pub(crate) fn labels(&self) -> BTreeMap<String, BTreeSet<BTreeSet<String>>> {
        let mut known = BTreeMap::<_, BTreeSet<_>>::new();
        let mut keep = |key: &Key| {
            let labels = key.labels().map(|label| label.key().to_owned()).collect();
            known.entry(key.name().to_owned()).or_default().insert(labels);
        };
        self.kept.0.visit_counters(|key, _| keep(key));
        self.kept.0.visit_gauges(|key, _| keep(key));
        self.kept.0.visit_histograms(|key, _| keep(key));
        known
    }

    /// All series with their values.
    pub(crate) fn read(&self) -> BTreeMap<String, Value> {
        let name = |key: &Key| {
            let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            format!("{}{{{}}}", key.name(), labels.join(","))
        };
        let mut series = BTreeMap::new();
        #[expect(clippy::cast_precision_loss, reason = "they are small")]
        self.kept.0.visit_counters(|key, counter| {
            series.insert(name(key), Value::Number(counter.load(Ordering::Relaxed) as f64));
        });
        self.kept.0.visit_gauges(|key, gauge| {
            series.insert(name(key), Value::Number(f64::from_bits(gauge.load(Ordering::Relaxed))));
        });
        self.kept.0.visit_histograms(|key, histogram| {
            series.insert(name(key), Value::Measured(histogram.data()));
        });
        series
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Measured(Vec<f64>),
}

#[expect(clippy::cast_possible_truncation, reason = "they are whole, and small")]
pub(crate) fn number(series: &BTreeMap<String, Value>, name: &str) -> i64 {
    match series.get(name) {
        Some(Value::Number(number)) => *number as i64,
        other => panic!("{name} is {other:?} in {:?}", series.keys()),
    }
}

pub(crate) fn measured(series: &BTreeMap<String, Value>, name: &str) -> Vec<f64> {
    match series.get(name) {
        Some(Value::Measured(values)) => values.clone(),
        other => panic!("{name} is {other:?} in {:?}", series.keys()),
    }
}

pub(crate) fn assert_idle(series: &BTreeMap<String, Value>) {
    assert_eq!((number(series, "events_in_flight{}"), number(series, "events_pending{}")), (0, 0));
}
