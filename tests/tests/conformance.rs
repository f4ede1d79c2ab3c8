//! The contract of transports: what holds for the broker inside of the process, and that the kit finds those who do not keep it.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use events::testing::{Transport, assert_conformance};
use events::{
    Envelope, Incoming, Memory, MemorySettle, MemorySink, MemorySource, Message, Received, Settle, Settlement, Sink,
    SinkError, Source, SourceError,
};
use futures_util::FutureExt as _;

/// What is wrong with a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Answers for the first event of a batch alone.
    Silent,
    /// Sends everything twice.
    Twice,
    /// Acknowledges whatever it is told.
    AlwaysAck,
    /// Has more under way than it was allowed.
    Greedy,
    /// Takes the message before anybody asks for it.
    Hasty,
    /// Delivers what comes after the next message first.
    Disorderly,
    /// Forgets what was not settled when its connection is lost.
    Forgetful,
    /// Loses what messages have in common.
    Keyless,
    /// Takes every payload for a text.
    Textual,
    /// Sends no event of a batch of which one cannot be sent.
    AllOrNothing,
    /// Ends its connection over a message that is no JSON.
    Squeamish,
    /// Delivers over the next connection what was settled over the one before.
    Amnesiac,
}

/// A transport, what is wrong with it, and whether it says so.
struct InMemory(Memory, Fault, bool);

impl InMemory {
    fn admits(&self, fault: Fault) -> bool {
        self.2 && self.1 == fault
    }
}

impl Transport for InMemory {
    type Sink = FaultySink;
    type Source = FaultySource;

    async fn pair(&self, name: &str) -> (FaultySink, FaultySource) {
        self.0.bind(name, &format!("{name}.*"));
        let forgotten = (self.1 == Fault::Forgetful).then(|| (self.0.clone(), name.to_owned()));
        let remembered = (self.1 == Fault::Amnesiac).then(|| (self.0.clone(), name.to_owned()));
        let settled = Settled { again: remembered, messages: Arc::default() };
        let source = self.0.source(name);
        let source = FaultySource { source, fault: self.1, forgotten, settled, is_connected: false.into() };
        (FaultySink(self.0.sink(), self.1), source)
    }

    async fn put(&self, name: &str, body: &[u8]) -> bool {
        self.0.put(name, Message { body: body.to_vec(), ..Message::default() }).expect("there is room");
        true
    }

    fn carries_bytes(&self) -> bool {
        !self.admits(Fault::Textual)
    }

    fn keeps_order(&self) -> bool {
        !self.admits(Fault::Disorderly)
    }

    fn delivers_once(&self) -> bool {
        !self.admits(Fault::Twice)
    }

    fn requeues(&self) -> bool {
        !self.admits(Fault::AlwaysAck)
    }

    fn redelivers(&self) -> bool {
        !self.admits(Fault::Forgetful)
    }
}

struct FaultySink(MemorySink, Fault);

impl Sink for FaultySink {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        match self.1 {
            Fault::Twice => self.0.send(envelope).await?,
            Fault::Keyless => return self.0.send(&envelope.clone().with_partition_key("")).await,
            Fault::Textual if envelope.content_type() != "application/json" => {
                let text = String::from_utf8_lossy(envelope.payload());
                let envelope = Envelope::new(envelope.name(), text.as_bytes()).with_id("1").with_origin("/textual");
                return self.0.send(&envelope).await;
            }
            _ => {}
        }
        self.0.send(envelope).await
    }

    async fn send_many(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        let mut answers = Vec::new();
        for envelope in envelopes {
            answers.push(self.send(envelope).await);
        }
        if self.1 == Fault::Silent {
            answers.truncate(1);
        }
        if self.1 == Fault::AllOrNothing && answers.iter().any(Result::is_err) {
            return answers.iter().map(|_| Err(SinkError::new("one of them is odd"))).collect();
        }
        answers
    }
}

struct FaultySource {
    source: MemorySource,
    fault: Fault,
    /// What it reads from its second connection on: a queue that gets what is new.
    forgotten: Option<(Memory, String)>,
    settled: Settled,
    is_connected: AtomicBool,
}

/// What was settled for good, and the queue that it comes back to with the next connection, if so.
#[derive(Clone)]
struct Settled {
    again: Option<(Memory, String)>,
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Settled {
    fn come_back(&self) {
        let Some((memory, queue)) = &self.again else { return };
        for message in self.messages.lock().expect("nobody panics").drain(..) {
            memory.put(queue, message).expect("there is room");
        }
    }
}

impl Source for FaultySource {
    type Incoming = FaultyIncoming;

    fn address(&self) -> String {
        self.source.address()
    }

    async fn connect(&self, prefetch: usize) -> Result<FaultyIncoming, SourceError> {
        let prefetch = if self.fault == Fault::Greedy { 1000 } else { prefetch };
        self.settled.come_back();
        let mut incoming = self.source.connect(prefetch).await?;
        if let Some((memory, name)) = &self.forgotten
            && self.is_connected.swap(true, Ordering::Relaxed)
        {
            let again = format!("{name}-again");
            memory.bind(&again, &format!("{name}.*"));
            incoming = memory.source(&again).connect(prefetch).await?;
        }
        Ok(FaultyIncoming { incoming, fault: self.fault, held: None, settled: self.settled.clone() })
    }
}

struct FaultyIncoming {
    incoming: <MemorySource as Source>::Incoming,
    fault: Fault,
    held: Option<Received<MemorySettle>>,
    settled: Settled,
}

impl Incoming for FaultyIncoming {
    type Settle = FaultySettle;

    async fn next(&mut self) -> Result<Received<FaultySettle>, SourceError> {
        let mut received = match self.held.take() {
            Some(held) => held,
            None => self.incoming.next().await?,
        };
        if self.fault == Fault::Disorderly
            && let Some(Ok(later)) = self.incoming.next().now_or_never()
        {
            self.held = Some(std::mem::replace(&mut received, later));
        }
        if self.fault == Fault::Hasty {
            // Dropped here, the message is nobody's until the connection is closed.
            tokio::task::yield_now().await;
        }
        let always_ack = self.fault == Fault::AlwaysAck;
        let (message, settle) = received.into_parts();
        if self.fault == Fault::Squeamish && message.body.starts_with(b"{\"half") {
            return Err(SourceError::new("it is no JSON"));
        }
        let settled = Arc::clone(&self.settled.messages);
        Ok(Received::new(Arc::clone(&message), FaultySettle { settle, always_ack, message, settled }))
    }
}

struct FaultySettle {
    settle: MemorySettle,
    always_ack: bool,
    message: Arc<Message>,
    settled: Arc<Mutex<Vec<Message>>>,
}

impl Settle for FaultySettle {
    async fn settle(self, settlement: Settlement) -> Result<(), SourceError> {
        if settlement != Settlement::Requeue {
            self.settled.lock().expect("nobody panics").push(Message::clone(&self.message));
        }
        self.settle.settle(if self.always_ack { Settlement::Ack } else { settlement }).await
    }
}

async fn verdict(fault: Fault, admitted: bool) -> Result<(), String> {
    let transport = InMemory(Memory::new(), fault, admitted);
    let checked = AssertUnwindSafe(async { assert_conformance(&transport).await }).catch_unwind();
    checked.await.map_err(|panic| *panic.downcast::<String>().expect("a text"))
}

#[tokio::test(start_paused = true)]
async fn memory_keeps_the_contract() {
    assert_eq!(verdict(Fault::None, false).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_keep_it_is_found() {
    let faults = [
        (Fault::Silent, "a batch is answered for each event"),
        (Fault::Twice, "`arrives-whole`: the payload"),
        (Fault::AlwaysAck, "`is-settled`: no message came within 20s"),
        (Fault::Greedy, "`keeps-to-prefetch`: a third message is under way, and `prefetch` is 2"),
        (Fault::Hasty, "`is-cancel-safe`: no message came within 20s"),
        (Fault::Disorderly, "`arrives-in-order`: once, in order"),
        (Fault::Forgetful, "`comes-again`: no message came within 20s"),
        (Fault::Keyless, "`arrives-whole`: the partition key"),
        (Fault::Textual, "`arrives-in-bytes`: the payload"),
        (Fault::AllOrNothing, "`leaves-the-others`: one that can be sent was not: one of them is odd"),
        (Fault::Squeamish, "`lives-with-the-malformed`: the connection was lost: it is no JSON"),
        (Fault::Amnesiac, "`stays-settled`: over the next connection, what is new"),
    ];
    for (fault, expected) in faults {
        let found = verdict(fault, false).await.expect_err("it is faulty");
        assert!(found.contains(expected), "{fault:?}: {found}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_protocol_cannot_do_is_not_asked_of_it() {
    for fault in [Fault::Disorderly, Fault::Twice, Fault::AlwaysAck, Fault::Forgetful, Fault::Textual] {
        assert_eq!(verdict(fault, true).await, Ok(()), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_admitted_is_asked_all_the_same() {
    let found = verdict(Fault::Greedy, true).await.expect_err("it says nothing of it");
    assert!(found.contains("`keeps-to-prefetch`"), "{found}");
}
