//! One request, from its body to its answer.

use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{HeaderMap, HeaderName};
use http::{HeaderValue, StatusCode};
use tokio::time::timeout;

use super::intake::Settings;
use super::outcome::{Outcome, Taken};
use super::problem::{Indexed, Problem, Refusal, json};
use super::request::Kind;
use super::{batch, headers, prefer};
use crate::any::AnyEvent;
use crate::delivery::{Bundle, Delivery, Handover, schedule};
use crate::dispatch::Arrival;
use crate::envelope::Envelope;
use crate::format::{CloudEvents, Format as _, FormatError, Message, media};
use crate::lifespan::Work;
use crate::registry::Registry;
use crate::source::{Arrived, Mark, Settlement};
use crate::telemetry::Meters;
use crate::values::OwnedValues;
use crate::wire::shown;

/// When a lifespan that is full or ends may take events again, or another process in its place.
const RETRY_AFTER: Duration = Duration::from_secs(5);

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The events of a request, once they have been accepted.
struct Accepted {
    ids: Vec<String>,
    now: Delivery,
    events: Vec<AnyEvent>,
    work: Work,
    values: OwnedValues,
    mark: Mark,
}

impl Settings {
    /// Takes the events of a request. `name` is that of the only one, where the path says it.
    pub(super) async fn take(&self, name: Option<&str>, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        // Before the body is read: nobody need send what will not be taken.
        self.open().map_err(|closed| turned_away(closed, [name]))?;
        let kind = Kind::of(&head.headers, name.is_some())?;
        let body = self.bounds.read(body).await?;
        let stated = head.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let message = Message { content_type: stated.map(Into::into), headers: headers::read(&head.headers)?, body };
        let accepted = match (kind, name) {
            (Kind::Batch, _) => self.batch(message)?,
            (_, name) => self.single(kind, name, message)?,
        };
        Ok(self.answer(accepted, &head.headers).await)
    }

    /// Whether events from outside are taken at all.
    fn open(&self) -> Result<(), Closed> {
        // What would be dropped is better sent again.
        if self.lifespan.is_dispatch_disabled() {
            return Err(Closed::Disabled);
        }
        if self.lifespan.is_open() { Ok(()) } else { Err(Closed::Ended) }
    }

    fn single(&self, kind: Kind, name: Option<&str>, message: Message) -> Result<Accepted, Problem> {
        let envelope = match name {
            Some(name) => {
                let body = if message.body.is_empty() { b"null".to_vec() } else { message.body.clone() };
                // Made here, so that the sender can be told.
                let envelope = Envelope::new(name, body).with_id(&self.lifespan.core().next_id().to_string());
                match message.header("traceparent") {
                    Some(parent) => envelope.with_trace(parent, message.header("tracestate")),
                    None => envelope,
                }
            }
            None => CloudEvents::binary().decode(&message).map_err(|error| malformed(&error))?,
        };
        if kind != Kind::Structured {
            // Of the other ways, JSON is what the body has to be.
            let checked = serde_json::from_slice::<serde::de::IgnoredAny>(envelope.payload());
            checked
                .map_err(|error| Refusal::malformed(format!("the body is not JSON: {}", shown(&error.to_string()))))?;
        }
        let arrival = self.check(&envelope)?;
        self.accept(vec![envelope.id().to_string()], vec![arrival], message)
    }

    fn batch(&self, message: Message) -> Result<Accepted, Problem> {
        let limit = self.batch_limit.min(self.lifespan.core().limits.max_pending);
        let envelopes = batch::read(&message, limit)?;
        let count = envelopes.len();
        let (mut ids, mut arrivals, mut wrong) = (Vec::with_capacity(count), Vec::with_capacity(count), Vec::new());
        for (index, envelope) in envelopes.iter().enumerate() {
            let checked = envelope.as_ref().map_err(malformed);
            match checked.and_then(|envelope| Ok((envelope.id().to_string(), self.check(envelope)?))) {
                Ok((id, arrival)) => {
                    ids.push(id);
                    arrivals.push(arrival);
                }
                Err(refusal) => wrong.push(Indexed(index, refusal)),
            }
        }
        if wrong.is_empty() { self.accept(ids, arrivals, message) } else { Err(Problem::of_batch(wrong, count)) }
    }

    /// Checks one event, and does nothing else with it.
    fn check(&self, envelope: &Envelope) -> Result<Arrival, Refusal> {
        let name = envelope.name();
        let known = Registry::get().real_name(name);
        if !self.takes(known.unwrap_or(name)) || (known.is_none() && !self.takes_unknown) {
            return Err(Refusal::unknown(name));
        }
        if !media::is_json(envelope.content_type()) && envelope.content_type() != media::UNKNOWN {
            let detail = format!("the payload is `{}`: send JSON", shown(envelope.content_type()));
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail));
        }
        Arrival::check(&self.lifespan, envelope).map_err(|error| Refusal::of(&error, name))
    }

    fn accept(&self, ids: Vec<String>, arrivals: Vec<Arrival>, message: Message) -> Result<Accepted, Problem> {
        let refused = |closed, arrivals: &[Arrival]| turned_away(closed, arrivals.iter().map(|one| Some(one.name())));
        let Some(work) = self.lifespan.begin(false) else { return Err(refused(Closed::Ended, &arrivals)) };
        let arrived = Arrived::new(message.into(), None);
        let (mark, values) = (arrived.mark().clone(), OwnedValues::Message(arrived));
        let accepted = Arrival::accept_all(arrivals, work.lifespan(), values.borrow());
        let (now, events) = accepted.map_err(|arrivals| refused(Closed::Full, &arrivals))?;
        Ok(Accepted { ids, now, events, work, values, mark })
    }

    async fn answer(&self, accepted: Accepted, headers: &HeaderMap) -> Response {
        let Accepted { ids, now, events, work, values, mark } = accepted;
        let bundle = (!events.is_empty()).then(|| Bundle::of_request(work, events, values));
        let wait = prefer::wait(headers).map(|wait| wait.min(self.max_wait)).filter(|wait| !wait.is_zero());
        let Some(wait) = wait else {
            if let Some(bundle) = bundle {
                schedule(bundle);
            }
            return json(StatusCode::ACCEPTED, &Taken { ids, outcome: None });
        };
        let delivered = match bundle {
            // Past the time, the lifespan finishes it.
            Some(bundle) => timeout(wait, Handover::new(bundle)).await.ok(),
            None => Some(Delivery::default()),
        };
        let mut response = match delivered {
            None => json(StatusCode::ACCEPTED, &Taken { ids, outcome: None }),
            Some(delivery) => {
                let mut all = now;
                all.join(delivery);
                settled(ids, &all, mark.get(), self.tells_errors)
            }
        };
        let applied = HeaderValue::from_str(&format!("wait={}", wait.as_secs()));
        response.headers_mut().extend(applied.ok().map(|applied| (PREFERENCE_APPLIED, applied)));
        response
    }
}

/// The answer when all handlers have ended: what a source would be told, in the words of HTTP.
fn settled(ids: Vec<String>, delivery: &Delivery, mark: Option<Settlement>, tells_errors: bool) -> Response {
    let taken = Taken { ids, outcome: Some(Outcome::new(delivery, tells_errors)) };
    let settlement = mark.unwrap_or(if delivery.is_ok() { Settlement::Ack } else { Settlement::Requeue });
    let (status, code, detail) = match settlement {
        Settlement::Ack => return json(StatusCode::OK, &taken),
        Settlement::Requeue => (StatusCode::INTERNAL_SERVER_ERROR, "failed", "not all handlers have done their work"),
        Settlement::Reject => (StatusCode::UNPROCESSABLE_ENTITY, "rejected", "a handler has refused it for good"),
    };
    Problem::from(Refusal::new(status, code, detail)).with(taken).into_response()
}

/// Why events are not taken that another time, or another process, would.
#[derive(Clone, Copy)]
enum Closed {
    Disabled,
    Ended,
    Full,
}

/// Counts what is turned away, by the names that it came by, and answers it.
fn turned_away<'a>(closed: Closed, names: impl IntoIterator<Item = Option<&'a str>>) -> Problem {
    let (code, detail) = match closed {
        Closed::Disabled => ("disabled", "dispatch is disabled here"),
        Closed::Ended => ("closed", "no events are taken any more"),
        Closed::Full => ("full", "as many events wait for their handlers as there may be"),
    };
    for name in names {
        Meters::turned_away(name, code);
    }
    Problem::busy(code, detail, RETRY_AFTER)
}

fn malformed(error: &FormatError) -> Refusal {
    Refusal::malformed(error.to_string())
}
