//! A framework for brokers, on its broker in memory, with JSON on the way.

use std::future::ready;

use ruststream::memory::prelude::*;

use super::ended::Ended;
use super::{About, Kind, Prepared, Trait};
use crate::support::operation::Stage;
use crate::support::payload::Payload;

pub(super) struct MemoryBroker;

const NAME: &str = "cat-fed";

struct Add {
    number: u64,
    ended: Ended,
}

impl Handle<Payload> for Add {
    fn handle(
        &self,
        payload: &Payload,
        (): &(),
        _: &mut Context<'_>,
    ) -> impl Future<Output = Result<(), HandlerOutcome>> {
        payload.add(self.number);
        self.ended.one();
        ready(Ok(()))
    }
}

impl OutgoingDestination for Payload {
    type Form = CallerName;
}

impl MessageHeaders for Payload {
    type Contract = NoHeaders;
}

impl super::Contender for MemoryBroker {
    fn about(&self) -> About {
        About {
            name: "`ruststream`, broker in memory",
            version: super::locked("ruststream"),
            kind: Kind::Async,
            does: &[Trait::Isolation, Trait::Patterns, Trait::Drain],
            remark: "a subscription for each handler, each decodes the JSON; patterns are the broker's",
        }
    }

    fn prepare(&self, stage: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        let ended = Ended::default();
        let broker = ruststream::memory::MemoryBroker::new();
        let publisher = broker.publisher();
        let app = RustStream::new(AppInfo::new("comparison", "0.1.0")).with_broker(broker, |broker| {
            for number in 0..handlers {
                broker.include(subscriber(NAME, Add { number, ended: ended.clone() }).build());
            }
        });
        let running = stage.runtime.block_on(app.start()).expect("the subscriptions are sound");
        Some(Box::new(move |times| {
            let (publisher, ended) = (publisher.clone(), ended.clone());
            // Dropped, it would stop what it runs.
            let _ = &running;
            super::boxed(async move {
                let mut due = ended.count();
                for _ in 0..times {
                    publisher.message(&Payload::new()).to(NAME).publish().await.expect("the broker runs");
                    due += handlers;
                    ended.reached(due).await;
                }
            })
        }))
    }
}
