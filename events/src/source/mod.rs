//! Where events come in.

mod again;
mod arrived;
mod error;
mod handle;
mod handling;
mod mark;
mod readers;
mod run;
mod settings;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::error::BoxError;
use crate::format::{CloudEvents, Format, Message};

use crate::telemetry::Destination;
pub(crate) use arrived::{Arrived, Lender};
pub use error::SourceError;
pub use mark::Mark;
pub(crate) use readers::Readers;
pub(crate) use run::Inlet;
pub use settings::{ConfiguredSource, IntoSource, SourceExt};

/// What is told to a source about one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It was handled, and is not needed any more.
    Ack,
    /// It is to be delivered again, here or elsewhere.
    Requeue,
    /// It is refused for good: dropped, or put where the broker puts what nobody wants.
    Reject,
}

impl fmt::Display for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ack => "ack",
            Self::Requeue => "requeue",
            Self::Reject => "reject",
        })
    }
}

/// Where events come in: a queue of a broker, a stream, a subscription.
///
/// A lifespan has sources from [`LifespanBuilder::source`](crate::LifespanBuilder::source). It connects each on its own, last of
/// all at its start, and again with back-off when the connection is lost. Each message becomes an event, by its name, that the
/// same handlers get as if it had been dispatched here; when the last of them has ended, the message is settled, exactly once.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{
///     Event, Incoming, Lifespan, Message, Received, Settle, Settlement, Source, SourceError, SourceExt as _, on,
/// };
///
/// /// A list of messages that is as long as it is.
/// struct List(Vec<&'static str>);
///
/// struct Reading(std::vec::IntoIter<&'static str>);
///
/// impl Source for List {
///     type Incoming = Reading;
///
///     fn address(&self) -> String {
///         "list".into()
///     }
///
///     async fn connect(&self, _prefetch: usize) -> Result<Reading, SourceError> {
///         Ok(Reading(self.0.clone().into_iter()))
///     }
/// }
///
/// impl Incoming for Reading {
///     type Settle = Printed;
///
///     async fn next(&mut self) -> Result<Received<Printed>, SourceError> {
///         let Some(text) = self.0.next() else { return std::future::pending().await };
///         Ok(Received::new(Message { body: text.into(), ..Message::default() }, Printed(text)))
///     }
/// }
///
/// struct Printed(&'static str);
///
/// impl Settle for Printed {
///     async fn settle(self, settlement: Settlement) -> Result<(), SourceError> {
///         println!("{settlement} {}", self.0);
///         Ok(())
///     }
/// }
///
/// #[derive(Event, serde::Deserialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// #[on]
/// async fn count(event: &CatFed) {
///     println!("{} fish", event.fish);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let list = List(vec![r#"{"fish":2}"#, r#"{"fish":"two"}"#]); // ack, reject
/// let app = Lifespan::builder().source(list.named("cat-fed")).start().await?;
/// # tokio::task::yield_now().await;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub trait Source: Send + Sync + 'static {
    /// A connection that messages come from.
    type Incoming: Incoming;

    /// Where it reads, in words that no other source of the lifespan uses: two that do are a start error. A sink that
    /// [leads](crate::Sink::leads_only_to) there does not get what came from here.
    fn address(&self) -> String;

    /// What it is called in spans and metrics: few words that stay the same from one run of the program to the next. The default is
    /// its address. Logs and metrics have it: no password belongs in it.
    fn label(&self) -> String {
        self.address()
    }

    /// What reads its messages, unless its [settings](SourceExt::format) say something else. The default is
    /// [`CloudEvents`], in whatever mode.
    fn default_format(&self) -> Arc<dyn Format> {
        Arc::new(CloudEvents::binary())
    }

    /// Whether a message that is requeued comes again only after a while: nothing waits then before it is told so, unless the
    /// [settings](SourceExt::requeue_backoff) say something else. The default is `false`.
    fn delays_requeued(&self) -> bool {
        false
    }

    /// Where a message has come from, in the words of those who look at traces. Nobody asks unless somebody looks. The default
    /// says nothing.
    fn destination(&self, message: &Message) -> Destination {
        let _ = message;
        Destination::default()
    }

    /// Opens a connection, over which at most `prefetch` messages are under way at a time.
    ///
    /// # Errors
    ///
    /// Whatever is in the way. It is tried again, later and later, unless the error is [`SourceError::permanent`].
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the lifespan ends.
    fn connect(&self, prefetch: usize) -> impl Future<Output = Result<Self::Incoming, SourceError>> + Send;
}

/// A connection that messages come from. Dropping it closes it: messages that have not been settled are the broker's again.
pub trait Incoming: Send + 'static {
    /// What settles its messages.
    type Settle: Settle;

    /// Waits for the next message.
    ///
    /// # Errors
    ///
    /// The connection is lost, or has ended. Another one is made, unless the error is [`SourceError::permanent`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future must lose no message.
    fn next(&mut self) -> impl Future<Output = Result<Received<Self::Settle>, SourceError>> + Send;

    /// Ends the connection, when the lifespan ends and every message has been settled: the place to wait until the other side
    /// has been told of all settlements. It is not called for a connection that is lost.
    ///
    /// The default does nothing.
    ///
    /// # Errors
    ///
    /// What the shutdown's report says of it.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when it takes longer than 30 seconds, and when the time for the end is over.
    fn close(self) -> impl Future<Output = Result<(), SourceError>> + Send
    where
        Self: Sized,
    {
        async { Ok(()) }
    }
}

/// What settles a message, at most once. A closure is one, and so is a boxed closure.
pub trait Settle: Send + 'static {
    /// Tells the source what becomes of the message.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being told. It is reported, and not tried again: a connection that is lost has its messages
    /// delivered again.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when it takes longer than 30 seconds.
    fn settle(self, settlement: Settlement) -> impl Future<Output = Result<(), SourceError>> + Send;
}

impl<F, R> Settle for F
where
    F: FnOnce(Settlement) -> R + Send + 'static,
    R: Future<Output = Result<(), SourceError>> + Send,
{
    fn settle(self, settlement: Settlement) -> impl Future<Output = Result<(), SourceError>> + Send {
        self(settlement)
    }
}

/// A message, and the way to settle it. One that is dropped is not settled: its connection decides what becomes of it.
pub struct Received<S> {
    pub(crate) message: Arc<Message>,
    pub(crate) settle: S,
    pub(crate) unreadable: Option<BoxError>,
}

impl<S: Settle> Received<S> {
    /// A message, and what settles it. Who keeps the message until then shares it by an `Arc`.
    pub fn new(message: impl Into<Arc<Message>>, settle: S) -> Self {
        Self { message: message.into(), settle, unreadable: None }
    }

    /// Says why the message cannot be read: what came is not what the other side sends, and there is nothing that a format could
    /// make an event of. That is a [`Failure`](crate::Failure), and the message is settled as one that is no event: by
    /// [`on_invalid`](SourceExt::on_invalid).
    #[must_use]
    pub fn unreadable(mut self, error: impl Into<BoxError>) -> Self {
        self.unreadable = Some(error.into());
        self
    }

    /// Settles the message, as a lifespan does when its handlers have ended: for those who test a source, or wrap one.
    ///
    /// # Errors
    ///
    /// What the source says of it.
    ///
    /// # Cancel safety
    ///
    /// Dropped on the way, the message may be settled or not.
    pub async fn settle(self, settlement: Settlement) -> Result<(), SourceError> {
        self.settle.settle(settlement).await
    }
}

impl<S> Received<S> {
    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Why the message cannot be read, if so.
    pub fn error(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.unreadable.as_deref()
    }

    /// The message, and what settles it: for a source that stands before another one. Ask before whether the message
    /// [can be read](Self::error).
    pub fn into_parts(self) -> (Arc<Message>, S) {
        (self.message, self.settle)
    }
}

impl<S> fmt::Debug for Received<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("message", &self.message).finish_non_exhaustive()
    }
}
