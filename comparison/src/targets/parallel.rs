//! Two worker threads beside one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use events::{Event, Lifespan, dispatch, on};
use tokio::runtime::{Builder, Runtime};

use super::{Limit, Target, ratios};
use crate::contest::Effort;
use crate::support::operation::Work;

/// An event whose handler shares nothing: the counter of the others is one for all threads.
#[derive(Event)]
struct CatSlept(u64);

#[on]
fn dream(event: &CatSlept) {
    black_box(event.0);
}

/// Tasks at a time, each with scope after scope.
const TASKS: u32 = 8;

fn scopes_of_a_task(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            app.scope(async { dispatch(CatSlept(black_box(1))) }).await.expect("a lifespan that is open takes events");
            tokio::task::consume_budget().await;
        }
    })
}

/// About as long, without memory and without anything shared: what the machine had to give.
fn nothing_of_a_task(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            for number in 0..400_u64 {
                black_box(number);
            }
            tokio::task::consume_budget().await;
        }
    })
}

struct Workers {
    runtime: Runtime,
    app: Lifespan,
}

impl Workers {
    fn new(threads: usize) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build();
        let runtime = runtime.expect("a runtime can be built");
        let app = runtime.block_on(Lifespan::builder().start()).expect("the declarations are sound");
        Self { runtime, app }
    }

    /// How long the tasks take for so many times each.
    fn time(&self, run: fn(Lifespan, u32) -> Work, times: u32) -> Duration {
        let begun = Instant::now();
        let tasks: Vec<_> = (0..TASKS).map(|_| self.runtime.spawn(run(self.app.clone(), times))).collect();
        for task in tasks {
            self.runtime.block_on(task).expect("no task panics");
        }
        begun.elapsed()
    }
}

pub(super) fn scopes(effort: Effort) -> Target {
    scaled(effort, "scopes in 8 tasks on two worker threads", Limit::AtLeast(1.8), scopes_of_a_task)
}

pub(super) fn nothing(effort: Effort) -> Target {
    scaled(
        effort,
        "empty loops in 8 tasks, which only tell what the machine had to give",
        Limit::AtLeast(1.8),
        nothing_of_a_task,
    )
}

/// Throughput over throughput is time over time, the other way round.
fn scaled(effort: Effort, what: &'static str, limit: Limit, run: fn(Lifespan, u32) -> Work) -> Target {
    let (one, two) = (Workers::new(1), Workers::new(2));
    let effort = Effort { round: effort.round * 10, ..effort };
    let ratios = ratios(effort, |times| one.time(run, times), |times| two.time(run, times));
    Target { what, beside: "on one", limit, ratios, spent: "" }
}
