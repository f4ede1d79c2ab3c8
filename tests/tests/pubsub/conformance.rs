//! The contract of transports, as far as the protocol goes.

use events::pubsub::{PubSubSink, PubSubSource};
use events::testing::{Transport, assert_conformance};

use crate::service::{Options, Service};

struct Topics {
    service: Service,
    options: Options,
}

impl Transport for Topics {
    type Sink = PubSubSink;
    type Source = PubSubSource;

    async fn pair(&self, name: &str) -> (PubSubSink, PubSubSource) {
        self.service.make(name, self.options.clone());
        (self.service.pubsub().sink(name), self.service.pubsub().source(name))
    }
}

/// The server that stands in for the service keeps to more than that one promises: the order of all messages, and each once.
async fn conforms(options: Options) {
    assert_conformance(&Topics { service: Service::start().await, options }).await;
}

#[tokio::test]
async fn pubsub_keeps_the_contract() {
    conforms(Options::default()).await;
}

#[tokio::test]
async fn pubsub_keeps_the_contract_with_exactly_once_delivery() {
    conforms(Options { is_exactly_once: true, ..Options::default() }).await;
}

#[tokio::test]
async fn pubsub_keeps_the_contract_where_headers_come_late() {
    conforms(Options { is_late: true, ..Options::default() }).await;
}
