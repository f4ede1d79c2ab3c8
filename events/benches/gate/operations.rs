//! The operations that have a budget.

use crate::support::operation::{Question, Stage, Work};
use crate::{messages, questions};

/// Has so many times of an operation ready.
type Prepare = Box<dyn Fn(&Stage, u32) -> Work + Sync>;

/// An operation that is counted.
pub(super) struct Budgeted {
    pub(super) name: &'static str,
    pub(super) times: u32,
    pub(super) prepare: Prepare,
}

/// Of the benchmark `dispatch`.
const DISPATCH: &[&str] = &[
    "dispatch-0",
    "disabled",
    "now-1",
    "now-2",
    "now-on-lifespan",
    "validated",
    "unchecked",
    "scope-empty",
    "sync-1",
    "sync-8",
    "async-1",
    "async-8",
    "waiting-1",
    "8-events-sync-1",
    "8-events-async-1",
    "sync-on-call",
    "async-on-lifespan",
    "any",
    "any-json",
    "view",
    "named-json",
    "chain-of-1",
];

/// Of the benchmark `memory`: messages.
const MEMORY: &[&str] = &[
    "named-small-1",
    "named-async-1",
    "named-async-100",
    "raw-any-1",
    "raw-json-1",
    "raw-view-1",
    "pair-async-1",
    "cloud-async-1",
];

/// Of the benchmark `layer`: requests.
#[cfg(feature = "tower")]
const LAYER: &[&str] = &["call-0", "call-1", "call-5"];

pub(super) fn all() -> Vec<Budgeted> {
    let dispatched = operations(DISPATCH, &questions::all());
    let messages = MEMORY.iter().map(|name| {
        let questions = messages::all();
        let question = questions.iter().find(|question| question.name == *name).expect("the benchmark `memory` has it");
        let prepare = question.ways[0].prepare;
        Budgeted { name, times: 1000, prepare: Box::new(move |_, times| prepare(times)) }
    });
    let all = dispatched.into_iter().chain(messages);
    #[cfg(feature = "tower")]
    let all = all.chain(operations(LAYER, &crate::layers::all()));
    all.collect()
}

fn operations(names: &[&'static str], questions: &[Question]) -> Vec<Budgeted> {
    let wanted = |name: &&'static str| {
        let question = questions.iter().find(|question| question.name == *name).expect("its benchmark has it");
        let run = question.operations[0].run;
        let prepare = Box::new(move |stage: &Stage, times| run(stage.app.clone(), times));
        Budgeted { name, times: 400, prepare }
    };
    names.iter().map(wanted).collect()
}
