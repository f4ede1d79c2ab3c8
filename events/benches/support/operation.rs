//! What is measured, and where it runs.

use std::future::Future;
use std::pin::Pin;

use events::Lifespan;
use tokio::runtime::{Builder, Runtime};

use super::args::Args;
use super::payload;

pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One way to do some work, so many times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) label: &'static str,
    pub(crate) run: fn(Lifespan, u32) -> Work,
}

/// Ways to do the same work: the library's first, then what it is compared with.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) operations: Vec<Operation>,
}

impl Question {
    pub(crate) fn new(name: &'static str, events: fn(Lifespan, u32) -> Work) -> Self {
        Self { name, operations: vec![Operation { label: "events", run: events }] }
    }

    pub(crate) fn beside(mut self, label: &'static str, run: fn(Lifespan, u32) -> Work) -> Self {
        self.operations.push(Operation { label, run });
        self
    }
}

/// A runtime with a lifespan on it.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) app: Lifespan,
}

impl Stage {
    pub(crate) fn new(args: &Args) -> Self {
        let mut builder = if args.multi_thread { Builder::new_multi_thread() } else { Builder::new_current_thread() };
        let runtime = builder.enable_all().build().expect("a runtime can be built");
        let app = runtime.block_on(Lifespan::builder().start()).expect("the declarations are sound");
        Self { runtime, app }
    }

    /// Runs an operation in a task, where a server would run it too.
    pub(crate) fn run(&self, operation: Operation, times: u32) {
        self.run_prepared((operation.run)(self.app.clone(), times));
    }

    /// Runs work in a task.
    pub(crate) fn run_prepared(&self, work: Work) {
        let task = self.runtime.spawn(work);
        self.runtime.block_on(task).expect("no operation panics");
    }

    /// Panics unless all operations of a question do the same work.
    pub(crate) fn check(&self, question: &Question) {
        let added = |operation: &Operation| {
            let before = payload::total();
            self.run(*operation, 3);
            payload::total() - before
        };
        let expected = question.operations.first().map(added);
        for operation in &question.operations {
            assert_eq!(Some(added(operation)), expected, "{}/{} does other work", question.name, operation.label);
        }
    }
}

/// How often an operation runs before `--times` counts.
const WARM_UP: u32 = 100;

/// Runs the one operation that `--count` names; answers whether there was such a wish, or one for the list of names.
pub(crate) fn answered(stage: &Stage, questions: &[Question], args: &Args) -> bool {
    let mut named = questions.iter().flat_map(|question| {
        question.operations.iter().map(|operation| (format!("{}/{}", question.name, operation.label), *operation))
    });
    if args.list {
        named.for_each(|(name, _)| println!("{name}: benchmark"));
        return true;
    }
    let Some(wanted) = &args.count else { return false };
    let (_, operation) = named.find(|(name, _)| name == wanted).expect("`--list` tells the names of the operations");
    stage.run(operation, WARM_UP + args.times);
    true
}
