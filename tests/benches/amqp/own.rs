//! The work as somebody writes it who uses `events`.

use std::time::Duration;

use events::amqp::Amqp;
use events::{Lifespan, SinkExt as _, SourceExt as _, dispatch};
use futures_util::future::join_all;

use crate::broker::Broker;
use crate::work::{Meter, PREFETCH, Parcel, QUEUE, SCOPES, WINDOW};

pub(crate) struct Own {
    amqp: Amqp,
    shop: Lifespan,
}

impl Own {
    pub(crate) async fn new(broker: &Broker) -> Self {
        let amqp = broker.amqp();
        let sink = amqp.sink("").routed_by(|_| QUEUE.into()).only();
        let shop = Lifespan::builder().sink("parcel", sink).state(Meter::new(0)).start().await.expect("a lifespan");
        Self { amqp, shop }
    }

    pub(crate) async fn consume(&self, messages: u64) -> Option<Duration> {
        let source = self.amqp.source(QUEUE).prefetch(PREFETCH.into());
        let app = Lifespan::builder().source(source).state(Meter::new(messages)).start().await.expect("a lifespan");
        let took = app.state::<Meter>().expect("it was given").took().await;
        let report = app.shutdown().await.expect("from outside");
        assert!(report.is_clean(), "{report}");
        Some(took)
    }

    pub(crate) async fn publish(&self, messages: u64, size: usize) -> Option<Duration> {
        for first in (0..messages).step_by(WINDOW) {
            let dispatching = async {
                for number in first..messages.min(first + WINDOW as u64) {
                    dispatch(Parcel::new(number, size)).expect("accepted");
                }
            };
            self.shop.scope(dispatching).await;
        }
        None
    }

    pub(crate) async fn scopes(&self, messages: u64, size: usize) -> Option<Duration> {
        let clients = (0..SCOPES).map(|client| {
            let shop = self.shop.clone();
            tokio::spawn(async move {
                for number in (client..messages).step_by(SCOPES as usize) {
                    shop.scope(async { dispatch(Parcel::new(number, size)) }).await.expect("accepted");
                }
            })
        });
        join_all(clients).await.into_iter().for_each(|ended| ended.expect("it does not panic"));
        None
    }

    pub(crate) async fn end(self) {
        let report = self.shop.shutdown().await.expect("from outside");
        assert!(report.is_clean(), "{report}");
    }
}
