//! What happened to each message, by its identity: seen at the sink, at the source and in the handler.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use events::{
    Envelope, Incoming, Message, Metadata, Received, Settle, Settlement, Sink, SinkError, Source, SourceError,
};

/// Clones are one account.
#[derive(Clone, Debug, Default)]
pub(super) struct Account(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    messages: HashMap<String, Entry>,
    /// How often a source has connected.
    connections: u32,
    confirmed: usize,
    /// How many messages were confirmed and not handled yet.
    due: usize,
    unsettled: usize,
    failures: Vec<String>,
    lost: Vec<String>,
}

#[derive(Debug, Default)]
struct Entry {
    sent: u32,
    confirmed: bool,
    handled: usize,
    deliveries: Vec<Delivery>,
}

#[derive(Debug)]
struct Delivery {
    connection: u32,
    redelivered: bool,
    settled: u32,
}

impl Account {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sending(&self, envelopes: &[Envelope]) {
        let mut books = self.books();
        for envelope in envelopes {
            books.entry(envelope.id().to_string()).sent += 1;
        }
    }

    fn sent(&self, envelopes: &[Envelope], answers: &[Result<(), SinkError>]) {
        let mut books = self.books();
        for (envelope, _) in envelopes.iter().zip(answers).filter(|(_, answer)| answer.is_ok()) {
            let entry = books.entry(envelope.id().to_string());
            assert!(!entry.confirmed, "{} was sent again after it was confirmed", envelope.id());
            entry.confirmed = true;
            let due = usize::from(entry.handled == 0);
            books.due += due;
            books.confirmed += 1;
        }
    }

    /// Answers which delivery of the message it is.
    fn delivered(&self, connection: u32, id: &str, message: &Message) -> usize {
        let redelivered = message.header("amqp-redelivered") == Some("true");
        let mut books = self.books();
        books.unsettled += 1;
        let deliveries = &mut books.entry(id.to_owned()).deliveries;
        deliveries.push(Delivery { connection, redelivered, settled: 0 });
        deliveries.len() - 1
    }

    fn settled(&self, id: &str, delivery: usize) {
        let mut books = self.books();
        books.unsettled -= 1;
        books.entry(id.to_owned()).deliveries[delivery].settled += 1;
    }

    pub(super) fn handled(&self, metadata: &Metadata) {
        let mut books = self.books();
        let entry = books.entry(metadata.id().to_string());
        entry.handled += 1;
        let paid = usize::from(entry.confirmed && entry.handled == 1);
        books.due -= paid;
    }

    pub(super) fn failed(&self, cause: String) {
        self.books().failures.push(cause);
    }

    /// A source has lost its connection, or has not got one.
    pub(super) fn lost(&self, error: String) {
        self.books().lost.push(error);
    }

    /// How often a source has connected.
    pub(super) fn connections(&self) -> usize {
        self.books().connections as usize
    }

    /// How many messages were confirmed up to now.
    pub(super) fn confirmed(&self) -> usize {
        self.books().confirmed
    }

    /// How many messages were handled up to now.
    pub(super) fn known(&self) -> usize {
        self.books().messages.values().filter(|entry| entry.handled > 0).count()
    }

    pub(super) fn times_lost(&self) -> usize {
        self.books().lost.len()
    }

    pub(super) fn losses(&self) -> Vec<String> {
        self.books().lost.clone()
    }

    pub(super) fn failures(&self) -> Vec<String> {
        self.books().failures.clone()
    }

    /// Whether all that was confirmed was handled, and all that was delivered settled.
    pub(super) fn is_even(&self) -> bool {
        let books = self.books();
        books.due == 0 && books.unsettled == 0
    }

    /// Confirmed is handled at least once, delivered is handled and settled exactly once, and each further delivery has a reason.
    pub(super) fn balance(&self) -> Balance {
        let balance = self.settlements();
        assert_eq!(balance.unhandled, 0, "confirmed and not handled: {balance}");
        balance
    }

    /// The same without the first: for a queue that was deleted with what was in it.
    pub(super) fn settlements(&self) -> Balance {
        let books = self.books();
        let mut balance = Balance { failures: books.failures.len(), losses: books.lost.len(), ..Balance::default() };
        for (id, entry) in &books.messages {
            balance.add(id, entry);
        }
        let twice = books.lost.iter().chain(&books.failures).find(|text| text.contains("PRECONDITION_FAILED"));
        assert_eq!(twice, None, "the broker knows nothing of a message that was settled");
        balance
    }
}

impl Books {
    fn entry(&mut self, id: String) -> &mut Entry {
        self.messages.entry(id).or_default()
    }
}

/// How an account ends.
#[derive(Debug, Default)]
pub(super) struct Balance {
    pub(super) confirmed: usize,
    unconfirmed: usize,
    unhandled: usize,
    pub(super) deliveries: usize,
    /// Delivered again, as the broker says itself.
    redelivered: usize,
    /// Published again, after a confirmation that was lost or late.
    published_again: usize,
    /// Delivered again over a later connection by a broker that has forgotten the first time.
    forgotten: usize,
    failures: usize,
    losses: usize,
}

impl Balance {
    fn add(&mut self, id: &str, entry: &Entry) {
        assert!(entry.sent > 0, "{id} was delivered and never sent");
        self.confirmed += usize::from(entry.confirmed);
        self.unconfirmed += usize::from(!entry.confirmed);
        self.unhandled += usize::from(entry.confirmed && entry.handled == 0);
        self.deliveries += entry.deliveries.len();
        assert_eq!(entry.handled, entry.deliveries.len(), "{id}: {entry:?}");
        assert!(entry.deliveries.iter().all(|delivery| delivery.settled == 1), "{id}: {entry:?}");
        for pair in entry.deliveries.windows(2) {
            let [earlier, later] = pair else { continue };
            if later.redelivered && later.connection > earlier.connection {
                self.redelivered += 1;
            } else if entry.sent > 1 {
                self.published_again += 1;
            } else {
                assert!(later.connection > earlier.connection, "{id} came twice for no reason: {entry:?}");
                self.forgotten += 1;
            }
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            confirmed, unconfirmed, deliveries, redelivered, published_again, forgotten, failures, losses, ..
        } = self;
        write!(
            f,
            "{confirmed} confirmed, {unconfirmed} not; {deliveries} deliveries, each handled and settled once; {} of them again: \
             {redelivered} redelivered, {published_again} published again, {forgotten} redelivered by a broker that had \
             forgotten it; {failures} failures, {losses} times without a connection",
            redelivered + published_again + forgotten
        )
    }
}

/// A source or a sink whose doings are written down.
pub(super) struct Watched<T> {
    of: T,
    account: Account,
}

impl<T> Watched<T> {
    pub(super) fn new(of: T, account: &Account) -> Self {
        Self { of, account: account.clone() }
    }
}

impl<S: Source> Source for Watched<S> {
    type Incoming = Watching<S::Incoming>;

    fn address(&self) -> String {
        self.of.address()
    }

    async fn connect(&self, prefetch: usize) -> Result<Self::Incoming, SourceError> {
        let (of, account) = (self.of.connect(prefetch).await?, self.account.clone());
        account.books().connections += 1;
        let connection = account.books().connections;
        Ok(Watching { of, account, connection })
    }
}

pub(super) struct Watching<I> {
    of: I,
    account: Account,
    connection: u32,
}

impl<I: Incoming> Incoming for Watching<I> {
    type Settle = WatchedSettle<I::Settle>;

    async fn next(&mut self) -> Result<Received<Self::Settle>, SourceError> {
        let (message, of) = self.of.next().await?.into_parts();
        let id = message.header("ce-id").expect("these messages are CloudEvents").to_owned();
        let delivery = self.account.delivered(self.connection, &id, &message);
        Ok(Received::new(message, WatchedSettle { of, account: self.account.clone(), id, delivery }))
    }
}

pub(super) struct WatchedSettle<S> {
    of: S,
    account: Account,
    id: String,
    delivery: usize,
}

impl<S: Settle> Settle for WatchedSettle<S> {
    async fn settle(self, settlement: Settlement) -> Result<(), SourceError> {
        self.account.settled(&self.id, self.delivery);
        self.of.settle(settlement).await
    }
}

impl<S: Sink> Sink for Watched<S> {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        self.send_many(std::slice::from_ref(envelope)).await.pop().unwrap_or(Ok(()))
    }

    async fn send_many(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        self.account.sending(envelopes);
        let answers = self.of.send_many(envelopes).await;
        self.account.sent(envelopes, &answers);
        answers
    }

    fn max_batch(&self) -> usize {
        self.of.max_batch()
    }

    async fn close(&self) -> Result<(), SinkError> {
        self.of.close().await
    }
}
