//! What can be said about a source where it is given to a lifespan.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Settlement, Source, SourceError};
use crate::attempts::OnAttempt;
use crate::backoff::Backoff;
use crate::format::{CloudEvents, Format, Message};

/// How a lifespan uses a source.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(super) prefetch: usize,
    pub(super) concurrency: usize,
    pub(super) on_success: Settlement,
    pub(super) on_failure: Settlement,
    pub(super) on_invalid: Settlement,
    pub(super) name: Name,
    pub(super) format: Arc<dyn Format>,
    pub(super) continues_trace: bool,
    pub(super) backoff: Backoff,
    pub(super) requeue_backoff: Option<Backoff>,
    pub(super) on_attempt: OnAttempt<SourceError>,
}

/// Where the name of a message's event comes from.
#[derive(Clone)]
pub(super) enum Name {
    /// The format says it.
    Format,
    /// All messages are one event, and their bodies are payloads.
    Fixed(Arc<str>),
    /// A header says it, and the body is the payload.
    Header(Arc<str>),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prefetch: 100,
            concurrency: 100,
            on_success: Settlement::Ack,
            on_failure: Settlement::Requeue,
            on_invalid: Settlement::Reject,
            name: Name::Format,
            format: Arc::new(CloudEvents::binary()),
            continues_trace: false,
            backoff: Backoff::default(),
            requeue_backoff: Some(Backoff::default()),
            on_attempt: OnAttempt::default(),
        }
    }
}

impl Name {
    /// The name, where it does not come from the format.
    pub(super) fn of<'a>(&'a self, message: &'a Message) -> Option<Result<&'a str, String>> {
        match self {
            Self::Format => None,
            Self::Fixed(name) => Some(Ok(name)),
            Self::Header(header) => {
                let missing = || format!("the message has no header `{header}`, which says the event's name");
                Some(message.header(header).ok_or_else(missing))
            }
        }
    }
}

/// A source with settings: what [`SourceExt`] makes of one.
#[must_use = "it is given to `LifespanBuilder::source`"]
pub struct ConfiguredSource<S> {
    source: S,
    settings: Settings,
}

impl<S> ConfiguredSource<S> {
    pub(crate) fn split(self) -> (S, Settings) {
        (self.source, self.settings)
    }
}

impl<S> fmt::Debug for ConfiguredSource<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfiguredSource").finish_non_exhaustive()
    }
}

/// What [`LifespanBuilder::source`](crate::LifespanBuilder::source) takes: a [`Source`], with settings or without.
pub trait IntoSource {
    /// The source.
    type Source: Source;

    #[doc(hidden)]
    fn into_parts(self) -> ConfiguredSource<Self::Source>;
}

impl<S: Source> IntoSource for S {
    type Source = S;

    fn into_parts(self) -> ConfiguredSource<S> {
        let mut settings = Settings { format: self.default_format(), ..Settings::default() };
        if self.delays_requeued() {
            settings.requeue_backoff = None;
        }
        ConfiguredSource { source: self, settings }
    }
}

impl<S: Source> IntoSource for ConfiguredSource<S> {
    type Source = S;

    fn into_parts(self) -> Self {
        self
    }
}

/// Settings of a source, one after another: `source.prefetch(500).concurrency(20)`.
pub trait SourceExt: IntoSource + Sized {
    /// How many messages may be under way over one connection, handled or waiting; at least 1. The default is 100.
    fn prefetch(self, messages: usize) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.prefetch = messages.clamp(1, Semaphore::MAX_PERMITS))
    }

    /// How many messages are handled at a time, over all connections of the source together; at least 1. The default is 100.
    fn concurrency(self, messages: usize) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.concurrency = messages.clamp(1, Semaphore::MAX_PERMITS))
    }

    /// What becomes of a message whose handlers all did their work. The default is [`Ack`](Settlement::Ack).
    fn on_success(self, settlement: Settlement) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.on_success = settlement)
    }

    /// What becomes of a message of which some handler failed. The default is [`Requeue`](Settlement::Requeue).
    fn on_failure(self, settlement: Settlement) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.on_failure = settlement)
    }

    /// What becomes of a message that is no event: it has another format, does not fit its type, or breaks its rules. The
    /// default is [`Reject`](Settlement::Reject); [`Requeue`](Settlement::Requeue) would bring it back for ever, after
    /// [pauses](Self::requeue_backoff).
    fn on_invalid(self, settlement: Settlement) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.on_invalid = settlement)
    }

    /// Says that all messages are one event: their bodies are its payloads.
    ///
    /// What stands beside the bodies counts all the same: the attributes of `CloudEvents` in binary mode, the trace of W3C Trace
    /// Context, and, for what these do not say, the identity, the correlation and the time that the transport has for a message:
    /// the headers `amqp-message-id`, `amqp-correlation-id` and `amqp-timestamp`, `sqs-message-id` and `sqs-sent-timestamp`,
    /// `pubsub-message-id` and `pubsub-publish-time`, `sse-id`. What of it is broken is left out.
    fn named(self, name: &str) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.name = Name::Fixed(name.into()))
    }

    /// Says which header of a message holds the event's name: the body is the payload, and what stands beside it counts as for
    /// [`named`](Self::named).
    fn named_by_header(self, header: &str) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.name = Name::Header(header.into()))
    }

    /// Says how events are read out of messages. Without it, and without a [name](Self::named), they are
    /// what the source [says](Source::default_format): [`CloudEvents`], unless its messages are of another kind.
    fn format(self, format: impl Format) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.format = Arc::new(format))
    }

    /// Has the traces of messages go on here: what processes a message is a child of what sent it. Without it, each message begins
    /// a trace of its own, which is linked to the sender's. Nothing without the feature `otel`.
    fn continue_trace(self) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.continues_trace = true)
    }

    /// How long the pauses between two attempts to connect are: from the first one on, each is about twice as long as the one
    /// before, up to the longest one, with jitter that stays within these bounds. They begin anew after a connection over which a
    /// message was settled, or that was longer than the longest of them: not after one that the first message breaks. The default is 100 ms to 10 s. A pause has at least 1 ms, and a longest one that is shorter than the first is as long as the
    /// first.
    fn backoff(self, pauses: RangeInclusive<Duration>) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.backoff = pauses.into())
    }

    /// How long the pauses are before a message is requeued, which many brokers deliver again at once: from the first one on, each
    /// is about twice as long as the one before, up to the longest one, with the bounds and the jitter of [`backoff`](Self::backoff).
    /// Messages that are requeued while others pause have pauses of the same length; after a message that was not requeued they
    /// begin anew. A message that pauses is under way, and handled, as far as [`prefetch`](Self::prefetch) and
    /// [`concurrency`](Self::concurrency) go: a source all of whose messages fail becomes slow. The end of the lifespan cuts a pause
    /// short.
    ///
    /// The default is 100 ms to 10 s; and no pause for sources whose other side makes one, such as those of SQS and of
    /// Server-Sent Events. There is no last time: who wants to be rid of a message after so many times has the broker see to it,
    /// or a handler that [rejects](crate::Mark::reject) it.
    fn requeue_backoff(self, pauses: RangeInclusive<Duration>) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.requeue_backoff = Some(pauses.into()))
    }

    /// Has a closure told of each attempt to connect that failed, and of each connection that was lost, with the number of the
    /// attempt, counted from 1 since the last one that succeeded.
    fn on_attempt(self, told: impl Fn(&SourceError, u32) + Send + Sync + 'static) -> ConfiguredSource<Self::Source> {
        with(self, |settings| settings.on_attempt = OnAttempt::new(told))
    }
}

impl<S: IntoSource> SourceExt for S {}

fn with<S: IntoSource>(source: S, set: impl FnOnce(&mut Settings)) -> ConfiguredSource<S::Source> {
    let mut from = source.into_parts();
    set(&mut from.settings);
    from
}
