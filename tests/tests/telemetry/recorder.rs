//! A subscriber that remembers spans, and which span each line of the log stood in.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, filter::LevelFilter};

use crate::support::asked;

/// A span, once it has ended.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) level: Level,
    /// The names of those around it, the outermost first.
    pub(crate) around: Vec<&'static str>,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl Span {
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }
}

/// A line of the log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) level: Level,
    pub(crate) text: String,
    pub(crate) around: Vec<&'static str>,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    lines: Vec<Line>,
}

#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Kept>>);

impl Recorder {
    /// A recorder, and a guard while which this thread tells it what is of a level or above.
    pub(crate) fn start(level: LevelFilter) -> (Self, tracing::subscriber::DefaultGuard) {
        let recorder = Self::default();
        let guard = asked::here(Registry::default().with(recorder.clone().with_filter(level)));
        (recorder, guard)
    }

    /// The spans of `events` that have ended, by their name.
    pub(crate) fn spans(&self, name: &str) -> Vec<Span> {
        let kept = self.0.lock().expect("nobody panics");
        kept.spans.iter().filter(|span| span.name == name).cloned().collect()
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.lock().expect("nobody panics").spans.iter().map(|span| span.name).collect()
    }

    /// Whatever was said in spans and lines.
    pub(crate) fn everything(&self) -> Vec<String> {
        let kept = self.0.lock().expect("nobody panics");
        let fields = kept.spans.iter().map(|span| &span.fields).chain(kept.lines.iter().map(|line| &line.fields));
        let texts = kept.lines.iter().map(|line| line.text.clone());
        texts.chain(fields.flat_map(BTreeMap::values).cloned()).collect()
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.0.lock().expect("nobody panics").lines.clone()
    }
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.into());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).expect("it is new");
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).expect("it is there");
        let mut extensions = span.extensions_mut();
        values.record(&mut Fields(extensions.get_mut().expect("it was put there")));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        let around = context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root);
        let line = Line {
            level: *event.metadata().level(),
            text: fields.remove("message").unwrap_or_default(),
            around: around.map(|span| span.name()).collect(),
            fields,
        };
        self.0.lock().expect("nobody panics").lines.push(line);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).expect("it is still there");
        let metadata = span.metadata();
        let mut around: Vec<_> = span.scope().from_root().map(|span| span.name()).collect();
        around.pop();
        let fields = span.extensions_mut().remove().unwrap_or_default();
        let ended = Span { name: metadata.name(), target: metadata.target(), level: *metadata.level(), around, fields };
        self.0.lock().expect("nobody panics").spans.push(ended);
    }
}
