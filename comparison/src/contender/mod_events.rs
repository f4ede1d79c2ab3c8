//! A dispatcher with listeners by type.

use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mod_events::{Event, EventDispatcher};

use super::{About, Contender, Kind, Prepared, Trait};
use crate::support::operation::Stage;
use crate::support::payload::Payload;

pub(super) struct Dispatch;

pub(super) struct DispatchAsync;

#[derive(Debug)]
struct CatFed(Payload);

impl Event for CatFed {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

const DOES: &[Trait] = &[Trait::Order, Trait::Isolation];

impl Contender for Dispatch {
    fn about(&self) -> About {
        About {
            name: "`mod-events`, `dispatch`",
            version: super::locked("mod-events"),
            kind: Kind::Sync,
            does: DOES,
            remark: "listeners by type and priority, errors as an answer; middleware may refuse an event",
        }
    }

    fn prepare(&self, _: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        let dispatcher = Arc::new(EventDispatcher::new());
        for number in 0..handlers {
            dispatcher.on(move |event: &CatFed| event.0.add(number));
        }
        Some(Box::new(move |times| {
            let dispatcher = Arc::clone(&dispatcher);
            super::boxed(async move {
                for _ in 0..times {
                    assert!(dispatcher.dispatch(CatFed(Payload::new())).all_succeeded());
                }
            })
        }))
    }
}

impl Contender for DispatchAsync {
    fn about(&self) -> About {
        About {
            name: "`mod-events`, `dispatch_async`",
            version: super::locked("mod-events"),
            kind: Kind::Async,
            does: DOES,
            remark: "boxed futures awaited in order, no concurrency; its own future is not `Send`, so no task runs it",
        }
    }

    fn prepare(&self, _: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        let dispatcher = EventDispatcher::new();
        for number in 0..handlers {
            dispatcher.subscribe_async(move |event: &CatFed| {
                event.0.add(number);
                ready(Ok(()))
            });
        }
        Some(Box::new(Awaited(dispatcher)))
    }
}

/// Awaited where the runtime is entered: its future is not `Send`, and no task will have it.
struct Awaited(EventDispatcher);

impl Prepared for Awaited {
    fn time(&mut self, stage: &Stage, times: u32) -> Duration {
        let begun = Instant::now();
        stage.runtime.block_on(async {
            for _ in 0..times {
                assert!(self.0.dispatch_async(CatFed(Payload::new())).await.all_succeeded());
            }
        });
        begun.elapsed()
    }
}
