//! A message bus, itself an actor, with an actor for each handler.

use std::sync::Arc;

use kameo::Actor;
use kameo::actor::Spawn;
use kameo::message::{Context, Message};
use kameo_actors::DeliveryStrategy;
use kameo_actors::message_bus::{MessageBus, Publish, Register};

use super::ended::Ended;
use super::{About, Contender, Kind, Prepared, Trait};
use crate::support::operation::Stage;
use crate::support::payload::Payload;

pub(super) struct Bus;

#[derive(Clone)]
struct CatFed(Arc<Payload>);

#[derive(Actor)]
struct Handler {
    number: u64,
    ended: Ended,
}

impl Message<CatFed> for Handler {
    type Reply = ();

    async fn handle(&mut self, event: CatFed, _: &mut Context<Self, Self::Reply>) {
        event.0.add(self.number);
        self.ended.one();
    }
}

impl Contender for Bus {
    fn about(&self) -> About {
        About {
            name: "`kameo`'s message bus",
            version: format!("{}, kameo_actors {}", super::locked("kameo"), super::locked("kameo_actors")),
            kind: Kind::Async,
            does: &[Trait::Isolation, Trait::Drain],
            remark: "an actor for each handler, by type, `Guaranteed`; supervision is the actors' own",
        }
    }

    fn prepare(&self, stage: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        let ended = Ended::default();
        let registered = async {
            let bus = MessageBus::spawn(MessageBus::new(DeliveryStrategy::Guaranteed));
            for number in 0..handlers {
                let handler = Handler::spawn(Handler { number, ended: ended.clone() });
                bus.ask(Register(handler.recipient::<CatFed>())).await.expect("the bus runs");
            }
            bus
        };
        let bus = stage.runtime.block_on(registered);
        Some(Box::new(move |times| {
            let (bus, ended) = (bus.clone(), ended.clone());
            super::boxed(async move {
                let mut due = ended.count();
                for _ in 0..times {
                    bus.tell(Publish(CatFed(Arc::new(Payload::new())))).await.expect("the bus runs");
                    due += handlers;
                    ended.reached(due).await;
                }
            })
        }))
    }
}
