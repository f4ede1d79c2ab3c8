//! What every sink and source must hold, run against any of them.

use std::collections::BTreeSet;
use std::future::Future;
use std::ops::Range;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use tokio::time::timeout;

use crate::envelope::Envelope;
use crate::format::{CloudEvents, Format};
use crate::sink::Sink;
use crate::source::{Incoming, Received, Settle, Settlement, Source};

/// How long it is waited for a message that must not come.
const DOUBT: Duration = Duration::from_millis(300);

/// A transport, for [`assert_conformance`].
///
/// What its protocol cannot do, it says by the methods that are not asked otherwise: the contract is then checked without that,
/// and with all the rest.
///
/// # Examples
///
/// A queue in the cloud that promises no order, and may deliver a message twice:
///
/// ```
/// use events::testing::Transport;
/// # use events::{MemorySink, MemorySource};
///
/// struct CloudQueue;
///
/// impl Transport for CloudQueue {
/// #   type Sink = MemorySink;
/// #   type Source = MemorySource;
/// #   async fn pair(&self, _: &str) -> (MemorySink, MemorySource) { unimplemented!() }
///     // ..
///     fn keeps_order(&self) -> bool {
///         false
///     }
///
///     fn delivers_once(&self) -> bool {
///         false
///     }
/// }
/// ```
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

    /// How long a message may take to come, also one that is delivered again. The default is 20 s.
    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    /// Whether messages come in the order in which they were sent. The default is `true`.
    fn keeps_order(&self) -> bool {
        true
    }

    /// Whether a message that is settled for good never comes again; otherwise it may. The default is `true`.
    fn delivers_once(&self) -> bool {
        true
    }

    /// Whether a message that is requeued comes again; otherwise it may, or may not. The default is `true`.
    fn requeues(&self) -> bool {
        true
    }

    /// Whether a message that was not settled comes again over the next connection; otherwise it may, or may not. The default is
    /// `true`.
    fn redelivers(&self) -> bool {
        true
    }
}

/// Runs the contract of [`Sink`] and [`Source`] against a transport, but for what the [transport](Transport) says that it cannot
/// do:
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

/// One article of the contract, and a queue of its own for it.
struct Trial<'a, T: Transport, F> {
    transport: &'a T,
    place: &'static str,
    sink: T::Sink,
    source: T::Source,
    format: F,
    /// The texts of the messages that were settled for good.
    done: BTreeSet<String>,
}

async fn trial<'a, T: Transport>(transport: &'a T, place: &'static str) -> Trial<'a, T, impl Format> {
    let (sink, source) = transport.pair(place).await;
    Trial { transport, place, sink, source, format: transport.format(), done: BTreeSet::new() }
}

type Connection<T> = <<T as Transport>::Source as Source>::Incoming;
type Delivered<T> = Received<<Connection<T> as Incoming>::Settle>;

impl<T: Transport, F: Format> Trial<'_, T, F> {
    async fn send(&self, numbers: Range<u32>) {
        let (place, patience) = (self.place, self.transport.patience());
        for batch in numbered(place, numbers).chunks(self.sink.max_batch().max(1)) {
            let answers = timeout(patience, self.sink.send_many(batch)).await;
            let answers = answers.unwrap_or_else(|_| panic!("`{place}`: sending took longer than {patience:?}"));
            assert_eq!(answers.len(), batch.len(), "`{place}`: a batch is answered for each event");
            for answer in answers {
                answer.unwrap_or_else(|error| panic!("`{place}`: an event was not sent: {error}"));
            }
        }
    }

    async fn connect(&self, prefetch: usize) -> Connection<T> {
        let (place, patience) = (self.place, self.transport.patience());
        let connected = timeout(patience, self.source.connect(prefetch)).await;
        let connected = connected.unwrap_or_else(|_| panic!("`{place}`: no connection within {patience:?}"));
        connected.unwrap_or_else(|error| panic!("`{place}`: no connection: {error}"))
    }

    /// The next message, but for those that may come again and do.
    async fn next(&mut self, incoming: &mut Connection<T>) -> (Envelope, Delivered<T>) {
        let (place, patience) = (self.place, self.transport.patience());
        loop {
            let received = timeout(patience, incoming.next()).await;
            let received = received.unwrap_or_else(|_| panic!("`{place}`: no message came within {patience:?}"));
            let received = received.unwrap_or_else(|error| panic!("`{place}`: the connection was lost: {error}"));
            let envelope = self.format.decode(received.message());
            let envelope = envelope.unwrap_or_else(|error| panic!("`{place}`: the message is no event: {error}"));
            if self.transport.delivers_once() || !self.done.contains(&text(&envelope)) {
                return (envelope, received);
            }
            settle(place, received, Settlement::Ack).await;
        }
    }

    /// Settles a message for good.
    async fn end(&mut self, (envelope, received): (Envelope, Delivered<T>), settlement: Settlement) {
        self.done.insert(text(&envelope));
        settle(self.place, received, settlement).await;
    }

    /// The texts of the next messages, which are acknowledged.
    async fn acknowledged(&mut self, incoming: &mut Connection<T>, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            let next = self.next(incoming).await;
            texts.push(text(&next.0));
            self.end(next, Settlement::Ack).await;
        }
        texts
    }

    /// Panics unless these texts came, in this order where the transport keeps it.
    fn assert_came(&self, mut came: Vec<String>, numbers: impl IntoIterator<Item = u32>, why: &str) {
        let mut expected: Vec<_> = numbers.into_iter().map(|number| number.to_string()).collect();
        if !self.transport.keeps_order() {
            came.sort();
            expected.sort();
        }
        assert_eq!(came, expected, "`{}`: {why}", self.place);
    }
}

async fn settle(place: &str, received: Received<impl Settle>, settlement: Settlement) {
    let settled = received.settle(settlement).await;
    settled.unwrap_or_else(|error| panic!("`{place}`: {settlement} failed: {error}"));
}

fn text(envelope: &Envelope) -> String {
    String::from_utf8_lossy(envelope.payload()).into_owned()
}

fn numbered(place: &str, numbers: Range<u32>) -> Vec<Envelope> {
    let envelope =
        |number: u32| Envelope::new(&format!("{place}.sent"), number.to_string()).with_id(&format!("{place}-{number}"));
    numbers.map(envelope).map(|envelope| envelope.with_origin("/conformance")).collect()
}

async fn arrives_whole(transport: &impl Transport) {
    let place = "arrives-whole";
    let mut trial = trial(transport, place).await;
    let payloads =
        ["null".to_owned(), r#"{"text":"ü \"quoted\" \n"}"#.to_owned(), format!("\"{}\"", "x".repeat(65_536))];
    let mut incoming = trial.connect(10).await;
    for payload in payloads {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let sent = Envelope::new(&format!("{place}.кот"), payload).with_id("id 1").with_time(time).with_hops(3);
        let sent = sent.with_origin("/conformance").with_correlation("c-1").with_causation("b-1").with_version(2);
        trial.sink.send(&sent).await.unwrap_or_else(|error| panic!("`{place}`: an event was not sent: {error}"));
        let (came, received) = trial.next(&mut incoming).await;
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
        trial.end((came, received), Settlement::Ack).await;
    }
}

async fn arrives_in_order(transport: &impl Transport) {
    let mut trial = trial(transport, "arrives-in-order").await;
    trial.send(0..250).await;
    let mut incoming = trial.connect(50).await;
    let came = trial.acknowledged(&mut incoming, 250).await;
    trial.assert_came(came, 0..250, "once, in order");
}

async fn is_settled(transport: &impl Transport) {
    let mut trial = trial(transport, "is-settled").await;
    trial.send(0..3).await;
    let mut incoming = trial.connect(10).await;
    for settlement in [Settlement::Ack, Settlement::Reject] {
        let next = trial.next(&mut incoming).await;
        trial.end(next, settlement).await;
    }
    let (requeued, received) = trial.next(&mut incoming).await;
    settle(trial.place, received, Settlement::Requeue).await;
    trial.send(3..4).await;
    let mut came = trial.acknowledged(&mut incoming, 1).await;
    if transport.requeues() || came == [text(&requeued)] {
        came.extend(trial.acknowledged(&mut incoming, 1).await);
        came.sort();
        let mut expected = [text(&requeued), "3".to_owned()];
        expected.sort();
        assert_eq!(came, expected, "`{}`: what was requeued, and what is new", trial.place);
    } else {
        assert_eq!(came, ["3"], "`{}`: what is new", trial.place);
    }
}

async fn keeps_to_prefetch(transport: &impl Transport) {
    let place = "keeps-to-prefetch";
    let mut trial = trial(transport, place).await;
    trial.send(0..3).await;
    let mut incoming = trial.connect(2).await;
    let first = trial.next(&mut incoming).await;
    let second = trial.next(&mut incoming).await;
    let third = timeout(DOUBT, incoming.next()).await;
    assert!(third.is_err(), "`{place}`: a third message is under way, and `prefetch` is 2");
    let mut came = vec![text(&first.0), text(&second.0)];
    trial.end(first, Settlement::Ack).await;
    came.extend(trial.acknowledged(&mut incoming, 1).await);
    if transport.delivers_once() {
        trial.assert_came(came, 0..3, "room was made");
    }
    trial.end(second, Settlement::Ack).await;
}

async fn comes_again(transport: &impl Transport) {
    let mut trial = trial(transport, "comes-again").await;
    trial.send(0..4).await;
    let mut incoming = trial.connect(3).await;
    let first = trial.next(&mut incoming).await;
    trial.end(first, Settlement::Ack).await;
    let kept = trial.next(&mut incoming).await;
    drop(incoming);
    drop(kept);
    let mut incoming = trial.connect(10).await;
    if transport.redelivers() {
        let left: BTreeSet<_> = (0..4).filter(|number: &u32| !trial.done.contains(&number.to_string())).collect();
        let mut came = trial.acknowledged(&mut incoming, 3).await;
        came.sort();
        trial.assert_came(came, left, "what was not settled");
    } else {
        trial.send(4..5).await;
        while trial.acknowledged(&mut incoming, 1).await != ["4"] {}
    }
}

async fn is_cancel_safe(transport: &impl Transport) {
    let mut trial = trial(transport, "is-cancel-safe").await;
    let place = trial.place;
    let mut incoming = trial.connect(100).await;
    let mut came = 0;
    for number in 0..50 {
        // Dropped where it stands, before there is a message and while one comes.
        while let Some(received) = pin!(incoming.next()).now_or_never() {
            let received = received.unwrap_or_else(|error| panic!("`{place}`: the connection was lost: {error}"));
            let envelope = trial.format.decode(received.message());
            let envelope = envelope.unwrap_or_else(|error| panic!("`{place}`: the message is no event: {error}"));
            came += usize::from(!trial.done.contains(&text(&envelope)) || transport.delivers_once());
            trial.end((envelope, received), Settlement::Ack).await;
        }
        trial.send(number..number + 1).await;
        tokio::task::yield_now().await;
    }
    let missing = 50 - came;
    let rest = trial.acknowledged(&mut incoming, missing).await;
    assert_eq!(missing, rest.len(), "`{place}`: each message once");
}
