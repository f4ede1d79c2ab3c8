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

    pub(crate) async fn consume(&self, messages: u32) -> Duration {
        let source = self.amqp.source(QUEUE).prefetch(PREFETCH.into());
        let app = Lifespan::builder().source(source).state(Meter::new(messages)).start().await.expect("a lifespan");
        let took = app.state::<Meter>().expect("it was given").took().await;
        let report = app.shutdown().await.expect("from outside");
        assert!(report.is_clean(), "{report}");
        took
    }

    pub(crate) async fn publish(&self, messages: u32, size: usize) {
        for first in (0..messages).step_by(WINDOW as usize) {
            let dispatching = async {
                for number in first..messages.min(first + WINDOW) {
                    dispatch(Parcel::new(number, size)).expect("accepted");
                }
            };
            self.shop.scope(dispatching).await;
        }
    }

    pub(crate) async fn scopes(&self, messages: u32, size: usize) {
        let clients = (0..SCOPES).map(|client| {
            let shop = self.shop.clone();
            tokio::spawn(async move {
                for number in (client..messages).step_by(SCOPES as usize) {
                    shop.scope(async { dispatch(Parcel::new(number, size)) }).await.expect("accepted");
                }
            })
        });
        join_all(clients).await.into_iter().for_each(|ended| ended.expect("it does not panic"));
    }

    pub(crate) async fn end(self) {
        let report = self.shop.shutdown().await.expect("from outside");
        assert!(report.is_clean(), "{report}");
    }
}
