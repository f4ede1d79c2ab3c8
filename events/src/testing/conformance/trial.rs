//! What an article of the contract is tried with.

use std::collections::BTreeSet;
use std::ops::Range;

use tokio::time::timeout;

use super::Transport;
use crate::envelope::Envelope;
use crate::format::Format;
use crate::sink::{Sink, SinkError};
use crate::source::{Incoming, Received, Settle, Settlement, Source};

/// One article of the contract, and a queue of its own for it.
pub(super) struct Trial<'a, T: Transport, F> {
    pub(super) transport: &'a T,
    pub(super) place: &'static str,
    pub(super) sink: T::Sink,
    pub(super) source: T::Source,
    pub(super) format: F,
    /// The texts of the messages that were settled for good.
    pub(super) done: BTreeSet<String>,
}

pub(super) async fn trial<'a, T: Transport>(transport: &'a T, place: &'static str) -> Trial<'a, T, impl Format> {
    let (sink, source) = transport.pair(place).await;
    Trial { transport, place, sink, source, format: transport.format(), done: BTreeSet::new() }
}

pub(super) type Connection<T> = <<T as Transport>::Source as Source>::Incoming;
pub(super) type Delivered<T> = Received<<Connection<T> as Incoming>::Settle>;

impl<T: Transport, F: Format> Trial<'_, T, F> {
    pub(super) async fn send(&self, numbers: Range<u32>) {
        for answer in self.send_all(&numbered(self.place, numbers)).await {
            answer.unwrap_or_else(|error| panic!("`{}`: an event was not sent: {error}", self.place));
        }
    }

    /// Sends events, in batches that the sink takes, and answers what it says of each.
    pub(super) async fn send_all(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        let (place, patience) = (self.place, self.transport.patience());
        let mut all = Vec::new();
        for batch in envelopes.chunks(self.sink.max_batch().max(1)) {
            let answers = timeout(patience, self.sink.send_many(batch)).await;
            let answers = answers.unwrap_or_else(|_| panic!("`{place}`: sending took longer than {patience:?}"));
            assert_eq!(answers.len(), batch.len(), "`{place}`: a batch is answered for each event");
            all.extend(answers);
        }
        all
    }

    /// Ends a connection as a lifespan does.
    pub(super) async fn close(&self, incoming: Connection<T>) {
        let (place, patience) = (self.place, self.transport.patience());
        let closed = timeout(patience, incoming.close()).await;
        let closed = closed.unwrap_or_else(|_| panic!("`{place}`: closing took longer than {patience:?}"));
        closed.unwrap_or_else(|error| panic!("`{place}`: the connection could not be closed: {error}"));
    }

    /// The next message, whatever it is.
    pub(super) async fn receive(&self, incoming: &mut Connection<T>) -> Delivered<T> {
        let (place, patience) = (self.place, self.transport.patience());
        let received = timeout(patience, incoming.next()).await;
        let received = received.unwrap_or_else(|_| panic!("`{place}`: no message came within {patience:?}"));
        received.unwrap_or_else(|error| panic!("`{place}`: the connection was lost: {error}"))
    }

    pub(super) async fn connect(&self, prefetch: usize) -> Connection<T> {
        let (place, patience) = (self.place, self.transport.patience());
        let connected = timeout(patience, self.source.connect(prefetch)).await;
        let connected = connected.unwrap_or_else(|_| panic!("`{place}`: no connection within {patience:?}"));
        connected.unwrap_or_else(|error| panic!("`{place}`: no connection: {error}"))
    }

    /// The next message, but for those that may come again and do.
    pub(super) async fn next(&mut self, incoming: &mut Connection<T>) -> (Envelope, Delivered<T>) {
        let place = self.place;
        loop {
            let received = self.receive(incoming).await;
            let envelope = self.format.decode(received.message());
            let envelope = envelope.unwrap_or_else(|error| panic!("`{place}`: the message is no event: {error}"));
            if self.transport.delivers_once() || !self.done.contains(&text(&envelope)) {
                return (envelope, received);
            }
            settle(place, received, Settlement::Ack).await;
        }
    }

    /// Sends an event, and answers what came of it, with the same payload, once it is settled.
    pub(super) async fn round_trip(&mut self, incoming: &mut Connection<T>, sent: &Envelope) -> Envelope {
        let place = self.place;
        self.sink.send(sent).await.unwrap_or_else(|error| panic!("`{place}`: an event was not sent: {error}"));
        let (came, received) = self.next(incoming).await;
        assert_eq!(came.payload(), sent.payload(), "`{place}`: the payload");
        self.end((came.clone(), received), Settlement::Ack).await;
        came
    }

    /// Settles a message for good.
    pub(super) async fn end(&mut self, (envelope, received): (Envelope, Delivered<T>), settlement: Settlement) {
        self.done.insert(text(&envelope));
        settle(self.place, received, settlement).await;
    }

    /// The texts of the next messages, which are acknowledged.
    pub(super) async fn acknowledged(&mut self, incoming: &mut Connection<T>, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            let next = self.next(incoming).await;
            texts.push(text(&next.0));
            self.end(next, Settlement::Ack).await;
        }
        texts
    }

    /// Panics unless these texts came, in this order where the transport keeps it.
    pub(super) fn assert_came(&self, mut came: Vec<String>, numbers: impl IntoIterator<Item = u32>, why: &str) {
        let mut expected: Vec<_> = numbers.into_iter().map(|number| number.to_string()).collect();
        if !self.transport.keeps_order() {
            came.sort();
            expected.sort();
        }
        assert_eq!(came, expected, "`{}`: {why}", self.place);
    }
}

pub(super) async fn settle(place: &str, received: Received<impl Settle>, settlement: Settlement) {
    let settled = received.settle(settlement).await;
    settled.unwrap_or_else(|error| panic!("`{place}`: {settlement} failed: {error}"));
}

pub(super) fn text(envelope: &Envelope) -> String {
    String::from_utf8_lossy(envelope.payload()).into_owned()
}

pub(super) fn numbered(place: &str, numbers: Range<u32>) -> Vec<Envelope> {
    let envelope =
        |number: u32| Envelope::new(&format!("{place}.sent"), number.to_string()).with_id(&format!("{place}-{number}"));
    numbers.map(envelope).map(|envelope| envelope.with_origin("/conformance")).collect()
}
