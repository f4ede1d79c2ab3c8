//! An emitter with listeners by name, after the one of Node.

use async_event_emitter::AsyncEventEmitter;

use super::{About, Contender, Kind, Prepared};
use crate::support::operation::Stage;
use crate::support::payload::Payload;

pub(super) struct Emitter;

const NAME: &str = "cat-fed";

impl Contender for Emitter {
    fn about(&self) -> About {
        About {
            name: "`async-event-emitter`",
            version: super::locked("async-event-emitter"),
            kind: Kind::Async,
            does: &[],
            remark: "encodes the payload once and decodes it for each listener; a panic reaches who emits",
        }
    }

    fn prepare(&self, _: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        let emitter = AsyncEventEmitter::new();
        for number in 0..handlers {
            emitter.on(NAME, move |payload: Payload| async move { payload.add(number) });
        }
        Some(Box::new(move |times| {
            let emitter = emitter.clone();
            super::boxed(async move {
                for _ in 0..times {
                    emitter.emit(NAME, Payload::new()).await.expect("the payload can be encoded");
                }
            })
        }))
    }
}
