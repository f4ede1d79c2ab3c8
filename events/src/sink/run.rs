//! Sends the events of a delivery, and tries again what failed.

use std::pin::pin;

use futures_util::future::{Either, join_all, select};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{Instrument as _, Span};

use super::SinkError;
use super::outlet::{Outlet, Outlets};
use crate::any::AnyEvent;
use crate::call::{caught, isolated};
use crate::envelope::{Entry, Envelope};
use crate::error::{BoxError, text_of};
use crate::failure::{Failure, FailureCause};
use crate::lifespan::Lifespan;
use crate::place::Site;
use crate::telemetry::{Stopwatch, sending, spans};

/// What became of the events that a sink got.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) failures: Vec<Failure>,
    /// How many were not sent because the lifespan was forced to end.
    pub(crate) aborted: usize,
}

/// An event that was not sent.
struct Unsent {
    envelope: Envelope,
    error: SinkError,
}

impl Outlets {
    /// Sends each sink its share, to all sinks at once.
    pub(crate) async fn send_all(&self, shares: Vec<Vec<&AnyEvent>>, entry: Entry<'_>, lifespan: &Lifespan) -> Sent {
        let sends = self.0.iter().zip(shares).map(|(outlet, share)| outlet.send(share, entry, lifespan));
        let mut all = Sent::default();
        for sent in join_all(sends).await {
            all.failures.extend(sent.failures);
            all.aborted = all.aborted.max(sent.aborted);
        }
        all
    }

    /// Closes every sink, and answers what failed.
    pub(crate) async fn close(&self, end: Instant) -> Vec<String> {
        let closed = join_all(self.0.iter().map(|outlet| async move {
            let error: BoxError = match timeout_at(end, caught(outlet.sink.close())).await {
                Ok(Ok(Ok(()))) => return None,
                Ok(Ok(Err(error))) => error.into_inner(),
                Ok(Err(panic)) => panic.to_string().into(),
                Err(_) => "it took longer than the end may take".into(),
            };
            let error = text_of(&error);
            tracing::error!(target: "events", sink = %outlet.site, error, "a sink could not be closed");
            Some(format!("{} could not be closed: {error}", outlet.site))
        }));
        closed.await.into_iter().flatten().collect()
    }
}

impl Outlet {
    async fn send(&self, events: Vec<&AnyEvent>, entry: Entry<'_>, lifespan: &Lifespan) -> Sent {
        let begun = Instant::now();
        let mut sent = Sent::default();
        let mut envelopes = Vec::with_capacity(events.len());
        for event in events {
            // Here is what the payload's own `Serialize` and the key's `Display` do.
            let made = isolated(|| {
                let mut envelope = Envelope::of(event, &lifespan.core().origin, entry)?;
                if self.settings.also_back {
                    envelope.forget_source();
                }
                envelopes.push(envelope);
                Ok(())
            });
            if let Err(cause) = made {
                sent.fail(self.site, Some(event), cause, 1, begun);
            }
        }
        let mut envelopes = envelopes.into_iter();
        while envelopes.len() > 0 {
            let batch = envelopes.by_ref().take(self.batch()).collect();
            self.send_batch(batch, lifespan, begun, &mut sent).await;
        }
        for failure in &sent.failures {
            lifespan.report(failure);
        }
        sent
    }

    async fn send_batch(&self, mut left: Vec<Envelope>, lifespan: &Lifespan, begun: Instant, sent: &mut Sent) {
        let force = &lifespan.core().force;
        let mut pauses = self.settings.backoff.pauses();
        for attempt in 1.. {
            let span = sending(&self.label, |envelope| self.sink.destination(envelope), &mut left, attempt);
            let tried = match select(pin!(self.attempt(&left, &span)), pin!(force.wait())).await {
                Either::Left((tried, _)) if !force.is_forced() => tried,
                _ => return sent.abort(self.site, &left, attempt, begun),
            };
            if let Some(unsent) = tried.first() {
                self.settings.on_attempt.tell(&unsent.error, attempt, self.site);
            }
            let (lost, again): (Vec<_>, Vec<_>) =
                tried.into_iter().partition(|unsent| unsent.error.is_permanent() || attempt >= self.settings.attempts);
            for Unsent { envelope, error } in lost {
                sent.fail(self.site, envelope.event(), FailureCause::Error(error.into_inner()), attempt, begun);
            }
            let asked = again.iter().filter_map(|unsent| unsent.error.retry_after()).max().unwrap_or_default();
            left = again.into_iter().map(|unsent| unsent.envelope).collect();
            if left.is_empty() {
                return;
            }
            if let Either::Right(_) = select(pin!(pauses.pause_of(asked)), pin!(force.wait())).await {
                return sent.abort(self.site, &left, attempt, begun);
            }
        }
    }

    /// Tries to send, and answers what was not sent.
    async fn attempt(&self, envelopes: &[Envelope], span: &Span) -> Vec<Unsent> {
        let (limit, attempt) = (self.settings.timeout, Attempt::begin(self, envelopes.len(), span));
        let sent = timeout(limit, caught(self.sink.send_many(envelopes))).instrument(span.clone()).await;
        let interrupted = match &sent {
            Ok(Ok(_)) => None,
            Ok(Err(panic)) => Some(panic.kind()),
            Err(_) => Some(spans::TIMEOUT),
        };
        let answers = match sent {
            Ok(Ok(answers)) => answers,
            Ok(Err(panic)) => refused(envelopes, || SinkError::permanent(panic.to_string())),
            Err(_) => refused(envelopes, || SinkError::new(FailureCause::Timeout(limit).to_string())),
        };
        let silent = envelopes.len().saturating_sub(answers.len());
        let unanswered = || SinkError::permanent("the sink has not answered for this event");
        let answers = answers.into_iter().chain((0..silent).map(|_| Err(unanswered())));
        let unsent = envelopes
            .iter()
            .zip(answers)
            .filter_map(|(envelope, answer)| answer.err().map(|error| Unsent { envelope: envelope.clone(), error }));
        let unsent: Vec<_> = unsent.collect();
        match unsent.first() {
            Some(Unsent { error, .. }) => {
                let outcome = interrupted.unwrap_or_else(|| spans::failed(error.is_permanent()));
                attempt.failed(unsent.len(), outcome, text_of(error));
            }
            None => attempt.succeeded(),
        }
        unsent
    }
}

/// An attempt that has not ended. One that is dropped was cut off.
struct Attempt<'a> {
    outlet: &'a Outlet,
    events: usize,
    span: &'a Span,
    begun: Stopwatch,
    has_ended: bool,
}

impl<'a> Attempt<'a> {
    fn begin(outlet: &'a Outlet, events: usize, span: &'a Span) -> Self {
        Self { outlet, events, span, begun: Stopwatch::start(), has_ended: false }
    }

    fn succeeded(mut self) {
        self.end(0, spans::OK);
        self.outlet.attempts.succeeded();
    }

    fn failed(mut self, events: usize, outcome: &'static str, error: String) {
        self.end(events, outcome);
        self.outlet.attempts.failed(error);
    }

    fn end(&mut self, failed: usize, outcome: &'static str) {
        self.has_ended = true;
        spans::ended(self.span, outcome);
        self.outlet.meters.tried(self.events, failed, self.begun);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.end(self.events, spans::ABORTED);
            self.outlet.attempts.failed(FailureCause::Aborted.to_string());
        }
    }
}

fn refused(envelopes: &[Envelope], error: impl Fn() -> SinkError) -> Vec<Result<(), SinkError>> {
    envelopes.iter().map(|_| Err(error())).collect()
}

impl Sent {
    fn fail(&mut self, site: Site, event: Option<&AnyEvent>, cause: FailureCause, attempt: u32, begun: Instant) {
        self.failures.push(Failure::of_sink(event, site, cause, attempt, begun.elapsed()));
    }

    fn abort(&mut self, site: Site, left: &[Envelope], attempt: u32, begun: Instant) {
        self.aborted += left.len();
        for envelope in left {
            self.fail(site, envelope.event(), FailureCause::Aborted, attempt, begun);
        }
    }
}
