//! What every sink and source must hold, run against any of them.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use tokio::time::timeout;

use crate::envelope::Envelope;
use crate::format::{CloudEvents, Format};
use crate::sink::Sink;
use crate::source::{Incoming, Received, Settle, Settlement, Source};

/// How long a message may take to come.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it is waited for a message that must not come.
const DOUBT: Duration = Duration::from_millis(300);

/// A transport, for [`assert_conformance`].
pub trait Transport {
    /// Its sink.
    type Sink: Sink;
    /// Its source.
    type Source: Source;

    /// A sink and a source that is given what the sink sends, and nothing else: a queue of their own, empty, that outlives
    /// connections. `name` is different each time.
    fn pair(&self, name: &str) -> impl Future<Output = (Self::Sink, Self::Source)>;

    /// What reads the source's messages. The default is `CloudEvents`.
    fn format(&self) -> impl Format {
        CloudEvents::binary()
    }
}

/// Runs the contract of [`Sink`] and [`Source`] against a transport:
///
/// - what is sent arrives with its name, payload, identity, correlation, causation and hops, once and in order;
/// - a batch is answered for each event;
/// - what is acknowledged or rejected does not come again, what is requeued does;
/// - no more than `prefetch` messages are under way;
/// - what was not settled when the connection was dropped comes again over the next one;
/// - dropping the future of [`Incoming::next`] loses nothing.
///
/// # Panics
///
/// Where the transport does not hold it, with what was expected and what came.
///
/// # Examples
///
/// ```standalone_crate
/// use events::testing::{Transport, assert_conformance};
/// use events::{Memory, MemorySink, MemorySource};
///
/// struct InMemory(Memory);
///
/// impl Transport for InMemory {
///     type Sink = MemorySink;
///     type Source = MemorySource;
///
///     async fn pair(&self, name: &str) -> (MemorySink, MemorySource) {
///         self.0.bind(name, &format!("{name}.*"));
///         (self.0.sink(), self.0.source(name))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_conformance(&InMemory(Memory::new())).await;
/// # }
/// ```
pub async fn assert_conformance(transport: &impl Transport) {
    arrives_whole(transport).await;
    arrives_in_order(transport).await;
    is_settled(transport).await;
    keeps_to_prefetch(transport).await;
    comes_again(transport).await;
    is_cancel_safe(transport).await;
}

/// One connection, and what reads its messages.
struct Reader<I, F> {
    incoming: I,
    format: F,
    place: &'static str,
}

impl<I: Incoming, F: Format> Reader<I, F> {
    async fn next(&mut self) -> (Envelope, Received<impl Settle>) {
        let place = self.place;
        let received = timeout(PATIENCE, self.incoming.next()).await;
        let received = received.unwrap_or_else(|_| panic!("`{place}`: no message came within {PATIENCE:?}"));
        let received = received.unwrap_or_else(|error| panic!("`{place}`: the connection was lost: {error}"));
        let envelope = self.format.decode(&received.message);
        (envelope.unwrap_or_else(|error| panic!("`{place}`: the message is no event: {error}")), received)
    }

    /// The texts of the next messages, which are settled.
    async fn settled(&mut self, count: usize, settlement: Settlement) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            let (envelope, received) = self.next().await;
            settle(self.place, received, settlement).await;
            texts.push(text(&envelope));
        }
        texts
    }
}

async fn settle(place: &str, received: Received<impl Settle>, settlement: Settlement) {
    let settled = received.settle.settle(settlement).await;
    settled.unwrap_or_else(|error| panic!("`{place}`: {settlement} failed: {error}"));
}

fn text(envelope: &Envelope) -> String {
    String::from_utf8_lossy(envelope.payload()).into_owned()
}

async fn read<T: Transport>(
    transport: &T,
    source: &T::Source,
    place: &'static str,
    prefetch: usize,
) -> Reader<<T::Source as Source>::Incoming, impl Format> {
    let incoming = timeout(PATIENCE, source.connect(prefetch))
        .await
        .unwrap_or_else(|_| panic!("`{place}`: no connection within {PATIENCE:?}"));
    let incoming = incoming.unwrap_or_else(|error| panic!("`{place}`: no connection: {error}"));
    Reader { incoming, format: transport.format(), place }
}

fn numbered(place: &str, numbers: std::ops::Range<u32>) -> Vec<Envelope> {
    let envelope =
        |number: u32| Envelope::new(&format!("{place}.sent"), number.to_string()).with_id(&format!("{place}-{number}"));
    numbers.map(envelope).map(|envelope| envelope.with_origin("/conformance")).collect()
}

async fn send(sink: &impl Sink, place: &str, numbers: std::ops::Range<u32>) {
    for batch in numbered(place, numbers).chunks(sink.max_batch().max(1)) {
        let answers = timeout(PATIENCE, sink.send_many(batch)).await;
        let answers = answers.unwrap_or_else(|_| panic!("`{place}`: sending took longer than {PATIENCE:?}"));
        assert_eq!(answers.len(), batch.len(), "`{place}`: a batch is answered for each event");
        for answer in answers {
            answer.unwrap_or_else(|error| panic!("`{place}`: an event was not sent: {error}"));
        }
    }
}

fn texts(numbers: impl Iterator<Item = u32>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

async fn arrives_whole(transport: &impl Transport) {
    let place = "arrives-whole";
    let (sink, source) = transport.pair(place).await;
    let payloads =
        ["null".to_owned(), r#"{"text":"ü \"quoted\" \n"}"#.to_owned(), format!("\"{}\"", "x".repeat(65_536))];
    let mut reader = read(transport, &source, place, 10).await;
    for payload in payloads {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let sent = Envelope::new(&format!("{place}.кот"), payload).with_id("id 1").with_time(time).with_hops(3);
        let sent = sent.with_origin("/conformance").with_correlation("c-1").with_causation("b-1").with_version(2);
        sink.send(&sent).await.unwrap_or_else(|error| panic!("`{place}`: an event was not sent: {error}"));
        let (came, received) = reader.next().await;
        assert_eq!(came.payload(), sent.payload(), "`{place}`: the payload");
        let travels = |envelope: &Envelope| {
            let [id, correlation] = [envelope.id(), envelope.correlation()].map(ToString::to_string);
            let causation = envelope.causation().map(ToString::to_string);
            (
                envelope.name().to_owned(),
                id,
                correlation,
                causation,
                envelope.hops(),
                envelope.version(),
                envelope.time(),
            )
        };
        assert_eq!(travels(&came), travels(&sent), "`{place}`: what travels beside the payload");
        settle(place, received, Settlement::Ack).await;
    }
}

async fn arrives_in_order(transport: &impl Transport) {
    let place = "arrives-in-order";
    let (sink, source) = transport.pair(place).await;
    send(&sink, place, 0..250).await;
    let came = read(transport, &source, place, 50).await.settled(250, Settlement::Ack).await;
    assert_eq!(came, texts(0..250), "`{place}`: once, in order");
}

async fn is_settled(transport: &impl Transport) {
    let place = "is-settled";
    let (sink, source) = transport.pair(place).await;
    send(&sink, place, 0..3).await;
    let mut reader = read(transport, &source, place, 10).await;
    for settlement in [Settlement::Ack, Settlement::Reject, Settlement::Requeue] {
        let (_, received) = reader.next().await;
        settle(place, received, settlement).await;
    }
    send(&sink, place, 3..4).await;
    let came: BTreeSet<_> = reader.settled(2, Settlement::Ack).await.into_iter().collect();
    assert_eq!(came, texts([2, 3].into_iter()).into_iter().collect(), "`{place}`: what was requeued, and what is new");
}

async fn keeps_to_prefetch(transport: &impl Transport) {
    let place = "keeps-to-prefetch";
    let (sink, source) = transport.pair(place).await;
    send(&sink, place, 0..3).await;
    let mut reader = read(transport, &source, place, 2).await;
    let (_, first) = reader.next().await;
    let (_, second) = reader.next().await;
    let third = timeout(DOUBT, reader.incoming.next()).await;
    assert!(third.is_err(), "`{place}`: a third message is under way, and `prefetch` is 2");
    settle(place, first, Settlement::Ack).await;
    assert_eq!(reader.settled(1, Settlement::Ack).await, ["2"], "`{place}`: room was made");
    settle(place, second, Settlement::Ack).await;
}

async fn comes_again(transport: &impl Transport) {
    let place = "comes-again";
    let (sink, source) = transport.pair(place).await;
    send(&sink, place, 0..4).await;
    let mut reader = read(transport, &source, place, 3).await;
    let (_, first) = reader.next().await;
    settle(place, first, Settlement::Ack).await;
    let kept = reader.next().await;
    drop(reader);
    drop(kept);
    let mut came = read(transport, &source, place, 10).await.settled(3, Settlement::Ack).await;
    came.sort();
    assert_eq!(came, texts(1..4), "`{place}`: what was not settled");
}

async fn is_cancel_safe(transport: &impl Transport) {
    let place = "is-cancel-safe";
    let (sink, source) = transport.pair(place).await;
    let mut reader = read(transport, &source, place, 100).await;
    let mut came = Vec::new();
    for number in 0..50 {
        // Dropped where it stands, before there is a message and while one comes.
        while let Some(received) = pin!(reader.incoming.next()).now_or_never() {
            let received = received.unwrap_or_else(|error| panic!("`{place}`: the connection was lost: {error}"));
            came.push(String::from_utf8_lossy(&received.message.body).into_owned());
            settle(place, received, Settlement::Ack).await;
        }
        send(&sink, place, number..number + 1).await;
        tokio::task::yield_now().await;
    }
    let missing = 50 - came.len();
    let rest = reader.settled(missing, Settlement::Ack).await;
    assert_eq!(missing, rest.len(), "`{place}`: each message once");
}
