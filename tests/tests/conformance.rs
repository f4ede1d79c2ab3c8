//! The contract of transports: what holds for the broker inside of the process, and that the kit finds those who do not keep it.

use std::panic::AssertUnwindSafe;

use events::testing::{Transport, assert_conformance};
use events::{
    Envelope, Incoming, Memory, MemorySink, MemorySource, Received, Settle, Settlement, Sink, SinkError, Source,
    SourceError,
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
}

struct InMemory(Memory, Fault);

impl Transport for InMemory {
    type Sink = FaultySink;
    type Source = FaultySource;

    async fn pair(&self, name: &str) -> (FaultySink, FaultySource) {
        self.0.bind(name, &format!("{name}.*"));
        (FaultySink(self.0.sink(), self.1), FaultySource(self.0.source(name), self.1))
    }
}

struct FaultySink(MemorySink, Fault);

impl Sink for FaultySink {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        if self.1 == Fault::Twice {
            self.0.send(envelope).await?;
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
        answers
    }
}

struct FaultySource(MemorySource, Fault);

impl Source for FaultySource {
    type Incoming = FaultyIncoming;

    fn address(&self) -> String {
        self.0.address()
    }

    async fn connect(&self, prefetch: usize) -> Result<FaultyIncoming, SourceError> {
        let prefetch = if self.1 == Fault::Greedy { 1000 } else { prefetch };
        let incoming = self.0.connect(prefetch).await?;
        Ok(FaultyIncoming { incoming, fault: self.1 })
    }
}

struct FaultyIncoming {
    incoming: <MemorySource as Source>::Incoming,
    fault: Fault,
}

impl Incoming for FaultyIncoming {
    async fn next(&mut self) -> Result<Received<impl Settle>, SourceError> {
        let received = self.incoming.next().await?;
        if self.fault == Fault::Hasty {
            // Dropped here, the message is nobody's until the connection is closed.
            tokio::task::yield_now().await;
        }
        let always_ack = self.fault == Fault::AlwaysAck;
        Ok(received.with_settlement(move |settlement| if always_ack { Settlement::Ack } else { settlement }))
    }
}

async fn verdict(fault: Fault) -> Result<(), String> {
    let checked = AssertUnwindSafe(async { assert_conformance(&InMemory(Memory::new(), fault)).await }).catch_unwind();
    checked.await.map_err(|panic| *panic.downcast::<String>().expect("a text"))
}

#[tokio::test(start_paused = true)]
async fn memory_keeps_the_contract() {
    assert_eq!(verdict(Fault::None).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_keep_it_is_found() {
    let faults = [
        (Fault::Silent, "a batch is answered for each event"),
        (Fault::Twice, "`arrives-whole`: the payload"),
        (Fault::AlwaysAck, "`is-settled`: no message came within 20s"),
        (Fault::Greedy, "`keeps-to-prefetch`: a third message is under way, and `prefetch` is 2"),
        (Fault::Hasty, "`is-cancel-safe`: no message came within 20s"),
    ];
    for (fault, expected) in faults {
        let found = verdict(fault).await.expect_err("it is faulty");
        assert!(found.contains(expected), "{fault:?}: {found}");
    }
}
