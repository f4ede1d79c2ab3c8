//! What is compared, one contender a file.

mod bevy_ecs;
mod broadcast;
mod emitter;
mod ended;
mod kameo;
mod mod_events;
mod mpsc;
mod omniqueue;
mod own;
pub(crate) mod python;
mod ruststream;

use std::time::{Duration, Instant};

use crate::support::operation::{Stage, Work};
use crate::support::payload;

/// How many handlers an event has.
pub(crate) const HANDLERS: [u64; 4] = [0, 1, 8, 64];

/// What `events` does for an event, and not everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trait {
    /// Handlers run in an order that one can state.
    Order,
    /// A handler that fails stops neither the others nor the dispatcher, and is reported.
    Isolation,
    /// A payload that breaks its rules is refused.
    Validation,
    /// A handler is bound to names by a glob.
    Patterns,
    /// Events wait until a unit of work has ended.
    AfterResponse,
    /// The end waits for what is under way.
    Drain,
}

impl Trait {
    pub(crate) const ALL: [Self; 6] =
        [Self::Order, Self::Isolation, Self::Validation, Self::Patterns, Self::AfterResponse, Self::Drain];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Isolation => "isolation",
            Self::Validation => "validation",
            Self::Patterns => "patterns",
            Self::AfterResponse => "after-response",
            Self::Drain => "drain",
        }
    }
}

/// Which handlers a contender calls, and so with which row of `events` it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sync,
    Async,
}

/// What a row says beside its figures.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    /// As its lock file or its requirements pin it; empty for what needs no package.
    pub(crate) version: String,
    pub(crate) kind: Kind,
    pub(crate) does: &'static [Trait],
    pub(crate) remark: &'static str,
}

pub(crate) trait Contender {
    fn about(&self) -> About;

    /// Registers so many handlers of one event. `None`: this number is not offered.
    fn prepare(&self, stage: &Stage, handlers: u64) -> Option<Box<dyn Prepared>>;
}

/// An event with its handlers, ready to be dispatched.
pub(crate) trait Prepared {
    /// How long so many events take, each until its last handler has returned.
    fn time(&mut self, stage: &Stage, times: u32) -> Duration;

    /// What the handlers add up for so many events: equal work gives equal sums.
    fn added(&mut self, stage: &Stage, times: u32) -> u64 {
        let before = payload::total();
        self.time(stage, times);
        payload::total() - before
    }
}

impl<F: FnMut(u32) -> Work> Prepared for F {
    fn time(&mut self, stage: &Stage, times: u32) -> Duration {
        let work = self(times);
        let begun = Instant::now();
        stage.run_prepared(work);
        begun.elapsed()
    }
}

/// Names the type that a closure answers with, which it could not infer.
fn boxed(work: impl Future<Output = ()> + Send + 'static) -> Work {
    Box::pin(work)
}

/// All that need nothing but this binary. The first of each kind is what the others are divided by.
pub(crate) fn all() -> Vec<Box<dyn Contender>> {
    let own = own::all().into_iter().map(|own| -> Box<dyn Contender> { Box::new(own) });
    own.chain([
        Box::new(bevy_ecs::Observers) as Box<dyn Contender>,
        Box::new(mod_events::Dispatch),
        Box::new(mod_events::DispatchAsync),
        Box::new(emitter::Emitter),
        Box::new(mpsc::Mpsc),
        Box::new(broadcast::Broadcast),
        Box::new(kameo::Bus),
        Box::new(ruststream::MemoryBroker),
        Box::new(omniqueue::Queues),
    ])
    .collect()
}

/// The version of a package in this workspace's lock file.
fn locked(package: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let entry = format!("name = \"{package}\"\nversion = \"");
    let version = lock.split(entry.as_str()).nth(1).and_then(|rest| rest.split('"').next());
    version.expect("the lock file has what was linked").to_owned()
}
