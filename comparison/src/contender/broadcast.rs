//! A channel that every handler reads, each in a task of its own.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::ended::Ended;
use super::{About, Contender, Kind, Prepared, Trait};
use crate::support::operation::Stage;
use crate::support::payload::Payload;

pub(super) struct Broadcast;

/// As many as `mpsc` has; one at a time is under way here.
const CAPACITY: usize = 1024;

impl Contender for Broadcast {
    fn about(&self) -> About {
        About {
            name: "`tokio::sync::broadcast`",
            version: super::locked("tokio"),
            kind: Kind::Async,
            does: &[Trait::Isolation],
            remark: "a task for each handler; one that panicked is gone, one that lags loses events",
        }
    }

    fn prepare(&self, stage: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        let (sender, _) = broadcast::channel::<Arc<Payload>>(CAPACITY);
        let ended = Ended::default();
        for number in 0..handlers {
            let (mut receiver, ended) = (sender.subscribe(), ended.clone());
            stage.runtime.spawn(async move {
                while let Ok(payload) = receiver.recv().await {
                    payload.add(number);
                    ended.one();
                }
            });
        }
        Some(Box::new(move |times| {
            let (sender, ended) = (sender.clone(), ended.clone());
            super::boxed(async move {
                let mut due = ended.count();
                for _ in 0..times {
                    // Without a receiver the payload comes back, which is no mistake here.
                    let taken = sender.send(Arc::new(Payload::new())).unwrap_or(0);
                    due += taken as u64;
                    ended.reached(due).await;
                }
            })
        }))
    }
}
