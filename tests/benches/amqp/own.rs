//! The work as somebody writes it who uses `events`.

use std::time::Duration;

use events::amqp::Amqp;
use events::{Lifespan, SinkExt as _, SourceExt as _, dispatch};
use futures_util::future::join_all;

use crate::broker::Broker;
use crate::work::{Meter, PREFETCH, PRODUCERS, Parcel, QUEUE, WINDOW};

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
        self.scopes(messages, size, PRODUCERS, WINDOW / PRODUCERS).await;
    }

    /// Scopes of `events` events, one after another in each of so many tasks.
    pub(crate) async fn scopes(&self, messages: u32, size: usize, tasks: u32, events: u32) {
        let tasks = (0..tasks).map(|task| {
            let shop = self.shop.clone();
            tokio::spawn(async move {
                for first in (task * events..messages).step_by((tasks * events) as usize) {
                    let dispatching = async {
                        (first..messages.min(first + events)).try_for_each(|number| dispatch(Parcel::new(number, size)))
                    };
                    shop.scope(dispatching).await.expect("accepted");
                }
            })
        });
        join_all(tasks).await.into_iter().for_each(|ended| ended.expect("it does not panic"));
    }

    pub(crate) async fn end(self) {
        let report = self.shop.shutdown().await.expect("from outside");
        assert!(report.is_clean(), "{report}");
    }
}
