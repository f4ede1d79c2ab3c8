//! Where events leave the process.

mod built_in;
#[cfg(any(feature = "http", feature = "pubsub", feature = "sqs"))]
mod drafts;
mod error;
mod outlet;
mod run;
mod settings;

use std::future::Future;

use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::telemetry::Destination;

pub use built_in::{Echo, Null};
#[cfg(any(feature = "http", feature = "pubsub", feature = "sqs"))]
pub(crate) use drafts::Drafts;
#[cfg(feature = "http")]
pub(crate) use error::LONGEST_RETRY_AFTER;
pub use error::SinkError;
pub(crate) use outlet::{Outlet, Outlets};
pub use settings::{ConfiguredSink, IntoSink, SinkExt};

/// Where events leave the process: a broker, a queue, a file.
///
/// A lifespan has sinks from [`LifespanBuilder::sink`](crate::LifespanBuilder::sink). Each event whose name matches a sink's
/// pattern is sent there when it is delivered, beside its handlers: neither waits for the other, and no sink waits for
/// another. A batch is what one scope has collected, in the order of dispatch, cut to [`max_batch`](Self::max_batch).
///
/// What fails is tried again, each event on its own, as the [settings](SinkExt) say; then it is a
/// [`Failure`](crate::Failure) that names the sink. A sink that panics is one that fails, and is not asked again.
///
/// A closure is a sink: `|envelope: Envelope| async move { .. }`.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Envelope, Event, Lifespan, Sink, SinkError, dispatch};
/// use tokio::sync::mpsc;
///
/// struct Channel(mpsc::Sender<Vec<u8>>);
///
/// impl Sink for Channel {
///     async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
///         Ok(self.0.send(envelope.payload().to_vec()).await?)
///     }
/// }
///
/// #[derive(Event, serde::Serialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let (sender, mut received) = mpsc::channel(8);
/// let app = Lifespan::builder().sink("cat-*", Channel(sender)).start().await?;
/// app.scope(async { dispatch(CatFed { fish: 2 }) }).await?;
/// app.shutdown().await?;
/// assert_eq!(received.recv().await.as_deref(), Some(&br#"{"fish":2}"#[..]));
/// # Ok(())
/// # }
/// ```
pub trait Sink: Send + Sync + 'static {
    /// Sends one event. It has been sent when the future is ready, as far as the other side can say.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being sent. It is tried again, unless the error is [`SinkError::permanent`].
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when it takes longer than the sink's [time-out](SinkExt::timeout), and when the lifespan is
    /// forced to end: the event counts as not sent.
    fn send(&self, envelope: &Envelope) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// Sends several events, at least one and at most [`max_batch`](Self::max_batch), and answers for each, in their order.
    /// Only what failed is tried again.
    ///
    /// The default sends one after another.
    fn send_many(&self, envelopes: &[Envelope]) -> impl Future<Output = Vec<Result<(), SinkError>>> + Send {
        async move {
            let mut answers = Vec::with_capacity(envelopes.len());
            for envelope in envelopes {
                answers.push(self.send(envelope).await);
            }
            answers
        }
    }

    /// How many events one call of [`send_many`](Self::send_many) takes; at least 1. The default is 100.
    fn max_batch(&self) -> usize {
        100
    }

    /// Where it sends to, if that is one place, in the words of a [`Source::address`](crate::Source::address). The default is
    /// nowhere that anything comes from.
    fn address(&self) -> Option<String> {
        None
    }

    /// Whether events of a name go to this address, a [`Source::address`](crate::Source::address), and to no other place: what
    /// came from there is then not sent, unless the sink [is to](SinkExt::also_back). Who sends to several places leaves out the
    /// one that an event [came from](Envelope::came_from) by itself. The default looks at its own [address](Self::address).
    fn leads_only_to(&self, name: &str, address: &str) -> bool {
        let _ = name;
        self.address().is_some_and(|own| own == address)
    }

    /// What it is called in spans and metrics: few words that stay the same from one run of the program to the next. The default is
    /// its address; one without a name is called after the place in the source where it was given to the lifespan. Logs and metrics have it:
    /// no password belongs in it.
    fn label(&self) -> Option<String> {
        self.address()
    }

    /// Where an event goes to, in the words of those who look at traces. Nobody asks unless somebody looks. The default says
    /// nothing.
    fn destination(&self, envelope: &Envelope) -> Destination {
        let _ = envelope;
        Destination::default()
    }

    /// Ends the sink, when the lifespan has sent its last event: the place to flush and to close connections.
    ///
    /// The default does nothing.
    ///
    /// # Errors
    ///
    /// What the shutdown's report says of it.
    fn close(&self) -> impl Future<Output = Result<(), SinkError>> + Send {
        async { Ok(()) }
    }
}

impl<F, R, X> Sink for F
where
    F: Fn(Envelope) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), X>> + Send,
    X: Into<BoxError>,
{
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        self(envelope.clone()).await.map_err(SinkError::new)
    }
}
