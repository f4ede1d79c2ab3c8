//! All that is logged, to look for what must not be there.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

/// What is logged, by whomever, until it is taken.
#[derive(Clone)]
pub(crate) struct Logged {
    text: Arc<Mutex<Option<String>>>,
    /// Whose lines of the level `TRACE` are left out.
    quiet: &'static str,
}

impl Logged {
    /// Begins for all threads of the program, where nobody else has.
    pub(crate) fn start(quiet: &'static str) -> Self {
        let logged = Self { text: Arc::new(Mutex::new(Some(String::new()))), quiet };
        tracing::subscriber::set_global_default(logged.clone()).expect("it is the first");
        logged
    }

    /// Begins for this thread alone, until the guard is dropped.
    pub(crate) fn here() -> (Self, tracing::subscriber::DefaultGuard) {
        let logged = Self { text: Arc::new(Mutex::new(Some(String::new()))), quiet: "" };
        let guard = super::asked::here(logged.clone());
        (logged, guard)
    }

    pub(crate) fn take(&self) -> String {
        self.text.lock().expect("nobody panics").take().expect("nobody else takes it")
    }

    fn write(&self, record: impl FnOnce(&mut dyn FnMut(&tracing::field::Field, &dyn Debug))) {
        let mut text = self.text.lock().expect("nobody panics");
        let Some(text) = &mut *text else { return };
        record(&mut |field, value| {
            let _ = writeln!(text, "{field} {value:?}");
        });
    }
}

impl tracing::Subscriber for Logged {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        let is_quiet = !self.quiet.is_empty() && metadata.target().starts_with(self.quiet);
        *metadata.level() < tracing::Level::TRACE || !is_quiet
    }

    fn event(&self, event: &tracing::Event<'_>) {
        self.write(|mut write| event.record(&mut write));
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        self.write(|mut write| span.record(&mut write));
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        self.write(|mut write| values.record(&mut write));
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}
