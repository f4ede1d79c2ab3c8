//! One interface for many queues, on its queue in memory, with JSON on the way: a queue for each handler.

use std::sync::Arc;

use omniqueue::backends::InMemoryBackend;

use super::ended::Ended;
use super::{About, Contender, Kind, Prepared, Trait};
use crate::support::operation::Stage;
use crate::support::payload::Payload;

pub(super) struct Queues;

impl Contender for Queues {
    fn about(&self) -> About {
        About {
            name: "`omniqueue`, queue in memory",
            version: super::locked("omniqueue"),
            kind: Kind::Async,
            does: &[Trait::Isolation],
            remark: "knows queues, no handlers: one of each for each, in a loop by hand; unbounded",
        }
    }

    fn prepare(&self, stage: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        let ended = Ended::default();
        let producers = (0..handlers).map(|number| {
            let pair = stage.runtime.block_on(InMemoryBackend::builder().build_pair());
            let (producer, mut consumer) = pair.expect("memory is at hand");
            let ended = ended.clone();
            stage.runtime.spawn(async move {
                while let Ok(delivery) = consumer.receive().await {
                    let payload: Option<Payload> = delivery.payload_serde_json().expect("the payload fits");
                    payload.expect("there is one").add(number);
                    delivery.ack().await.expect("it was not acknowledged before");
                    ended.one();
                }
            });
            producer
        });
        let producers: Arc<[_]> = producers.collect();
        Some(Box::new(move |times| {
            let (producers, ended) = (Arc::clone(&producers), ended.clone());
            super::boxed(async move {
                let mut due = ended.count();
                for _ in 0..times {
                    let payload = Payload::new();
                    for producer in &*producers {
                        producer.send_serde_json(&payload).await.expect("the queue is open");
                    }
                    due += producers.len() as u64;
                    ended.reached(due).await;
                }
            })
        }))
    }
}
