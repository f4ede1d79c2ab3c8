//! `events` and what one writes by hand, as the benchmark `dispatch` has them.

use std::time::{Duration, Instant};

use super::{About, Contender, Kind, Prepared, Trait};
use crate::support::operation::{Operation, Stage};

pub(super) struct Own {
    /// As the benchmark calls it.
    label: &'static str,
    name: &'static str,
    kind: Kind,
    does: &'static [Trait],
    remark: &'static str,
}

/// What every task has that does one thing after another.
const IN_ORDER: &[Trait] = &[Trait::Order];

pub(super) fn all() -> [Own; 8] {
    let own = |label, name, kind, does, remark| Own { label, name, kind, does, remark };
    [
        own("events", "`events`", Kind::Sync, &Trait::ALL, "a scope entered, the event dispatched in it and delivered"),
        own("table", "function table", Kind::Sync, IN_ORDER, "the payload boxed, functions called in order"),
        own("one-spawn", "one spawned task", Kind::Sync, IN_ORDER, "the table in a task that is awaited"),
        own(
            "events",
            "`events`",
            Kind::Async,
            &Trait::ALL,
            "a scope entered, the event dispatched in it and delivered",
        ),
        own("table", "table of futures", Kind::Async, IN_ORDER, "boxed futures awaited in order, no concurrency"),
        own(
            "one-spawn",
            "one spawned task",
            Kind::Async,
            IN_ORDER,
            "the table in a task that is awaited, no concurrency",
        ),
        own("join-all", "`join_all`", Kind::Async, &[], "concurrency without a task; from 8 handlers on"),
        own(
            "spawn-each",
            "a task for each handler",
            Kind::Async,
            &[],
            "what fails is told by its `JoinHandle`; from 8 on",
        ),
    ]
}

impl Contender for Own {
    fn about(&self) -> About {
        let version = match self.label {
            "events" => env!("CARGO_PKG_VERSION").to_owned(),
            "join-all" => format!("futures-util {}", super::locked("futures-util")),
            "table" => String::new(),
            _ => format!("tokio {}", super::locked("tokio")),
        };
        About { name: self.name, version, kind: self.kind, does: self.does, remark: self.remark }
    }

    fn prepare(&self, _: &Stage, handlers: u64) -> Option<Box<dyn Prepared>> {
        // Without a handler, there is nothing that could be asynchronous.
        let kind = if self.kind == Kind::Sync || handlers == 0 { "sync" } else { "async" };
        let operation = crate::operation(&format!("{kind}-{handlers}"), self.label)?;
        Some(Box::new(OwnPrepared(operation)))
    }
}

struct OwnPrepared(Operation);

impl Prepared for OwnPrepared {
    fn time(&mut self, stage: &Stage, times: u32) -> Duration {
        let begun = Instant::now();
        stage.run(self.0, times);
        begun.elapsed()
    }
}
