//! A channel for each handler, which reads it in a task of its own.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::ended::Ended;
use super::{About, Contender, Kind, Prepared, Trait};
use crate::support::operation::Stage;
use crate::support::payload::Payload;

pub(super) struct Mpsc;

const CAPACITY: usize = 1024;

impl Contender for Mpsc {
    fn about(&self) -> About {
        About {
            name: "`tokio::sync::mpsc`",
            version: super::locked("tokio"),
            kind: Kind::Async,
            does: &[Trait::Isolation, Trait::Drain],
            remark: "a bounded channel and a task for each handler; one that panicked is gone",
        }
    }

    fn prepare(&self, stage: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        let ended = Ended::default();
        let senders = (0..handlers).map(|number| {
            let (sender, mut receiver) = mpsc::channel::<Arc<Payload>>(CAPACITY);
            let ended = ended.clone();
            stage.runtime.spawn(async move {
                while let Some(payload) = receiver.recv().await {
                    payload.add(number);
                    ended.one();
                }
            });
            sender
        });
        let senders: Arc<[_]> = senders.collect();
        Some(Box::new(move |times| {
            let (senders, ended) = (Arc::clone(&senders), ended.clone());
            super::boxed(async move {
                let mut due = ended.count();
                for _ in 0..times {
                    let payload = Arc::new(Payload::new());
                    for sender in &*senders {
                        sender.send(Arc::clone(&payload)).await.expect("every handler reads on");
                    }
                    due += senders.len() as u64;
                    ended.reached(due).await;
                }
            })
        }))
    }
}
