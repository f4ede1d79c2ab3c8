//! Observers of a world, called where an event is triggered.

use std::sync::{Arc, Mutex, PoisonError};

use bevy_ecs::event::Event;
use bevy_ecs::observer::On;
use bevy_ecs::world::World;

use super::{About, Contender, Kind, Prepared};
use crate::support::operation::Stage;
use crate::support::payload::Payload;

pub(super) struct Observers;

#[derive(Event)]
struct CatFed(Payload);

impl Contender for Observers {
    fn about(&self) -> About {
        About {
            name: "`bevy_ecs` observers",
            version: super::locked("bevy_ecs"),
            kind: Kind::Sync,
            does: &[],
            remark: "a world that one thread has to itself; nothing asynchronous",
        }
    }

    fn prepare(&self, _: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        let mut world = World::new();
        for number in 0..handlers {
            world.add_observer(move |event: On<CatFed>| event.0.add(number));
        }
        world.flush();
        let world = Arc::new(Mutex::new(world));
        Some(Box::new(move |times| {
            let world = Arc::clone(&world);
            super::boxed(async move {
                let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
                for _ in 0..times {
                    world.trigger(CatFed(Payload::new()));
                }
            })
        }))
    }
}
