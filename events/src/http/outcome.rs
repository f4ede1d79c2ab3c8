//! What is told of events that were taken.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::delivery::Delivery;
use crate::failure::{Failure, FailureCause};

/// What has become of the events of a request, where somebody has waited for it.
#[derive(Debug)]
pub(super) struct Outcome {
    handlers: usize,
    failures: Vec<Failed>,
}

/// A handler, or a sink, that failed.
#[derive(Debug)]
struct Failed {
    /// The identity of the event that it was about.
    event: Option<String>,
    handler: String,
    kind: &'static str,
    /// What went wrong, where that may be told.
    error: Option<String>,
}

impl Outcome {
    pub(super) fn new(delivery: &Delivery, tells_errors: bool) -> Self {
        let failed = |failure: &Failure| Failed {
            event: failure.event().map(|event| event.id().to_string()),
            handler: failure.handler(),
            kind: kind(failure.cause()),
            error: tells_errors.then(|| failure.cause().to_string()),
        };
        Self { handlers: delivery.handlers(), failures: delivery.failures().iter().map(failed).collect() }
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("handlers", &self.handlers)?;
        map.serialize_entry("failures", &self.failures)
    }
}

fn kind(cause: &FailureCause) -> &'static str {
    match cause {
        FailureCause::Error(_) => "error",
        FailureCause::Panic(_) => "panic",
        FailureCause::Timeout(_) => "timeout",
        FailureCause::InBatch(_) => "batch",
        FailureCause::Aborted => "aborted",
    }
}

impl Serialize for Failed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(event) = &self.event {
            map.serialize_entry("event", event)?;
        }
        map.serialize_entry("handler", &self.handler)?;
        map.serialize_entry("kind", self.kind)?;
        if let Some(error) = &self.error {
            map.serialize_entry("error", error)?;
        }
        map.end()
    }
}

/// The events of a request that was taken, and what has become of them, where that is known.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) ids: Vec<String>,
    pub(super) outcome: Option<Outcome>,
}

impl Taken {
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("ids", &self.ids)?;
        self.outcome.as_ref().map_or(Ok(()), |outcome| outcome.write(map))
    }
}

impl Serialize for Taken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}
