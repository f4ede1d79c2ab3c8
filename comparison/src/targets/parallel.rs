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

    fn run(&self, run: fn(Lifespan, u32) -> Work, times: u32) {
        let tasks: Vec<_> = (0..TASKS).map(|_| self.runtime.spawn(run(self.app.clone(), times))).collect();
        for task in tasks {
            self.runtime.block_on(task).expect("no task panics");
        }
    }
}

/// Scopes, and loops that share nothing, which tell what the machine had to give: by the clock, and by the time that the
/// threads had of a processor, as if both cores were free.
pub(super) fn measured(effort: Effort) -> [Target; 4] {
    let target = |what, spent, ratios| Target { what, beside: "on one", limit: Limit::AtLeast(1.8), ratios, spent };
    [
        target("scopes in 8 tasks on two worker threads", SHARED, scaled(effort, scopes_of_a_task, wall)),
        target("the same by processor time", SHARED, doubled(scaled(effort, scopes_of_a_task, on_processor))),
        target("empty loops in 8 tasks on two worker threads", BUSY, scaled(effort, nothing_of_a_task, wall)),
        target("the same by processor time", BUSY, doubled(scaled(effort, nothing_of_a_task, on_processor))),
    ]
}

const SHARED: &str = "nothing that every scope changes is shared by the threads, but for what the allocator shares: the \
    lifespan's counts have a part for each of them. The loops, which share nothing either, show what the machine had to give.";

const BUSY: &str = "nothing is shared, so that this is what the machine had to give: its processors may be two threads of one core, \
    and other programs have them as well.";

/// Two threads do twice as much, where neither takes longer than one alone.
fn doubled(ratios: Vec<f64>) -> Vec<f64> {
    ratios.into_iter().map(|ratio| 2.0 * ratio).collect()
}

type Measured = fn(&dyn Fn()) -> Duration;

/// Throughput over throughput is time over time, the other way round.
fn scaled(effort: Effort, run: fn(Lifespan, u32) -> Work, measured: Measured) -> Vec<f64> {
    let (one, two) = (Workers::new(1), Workers::new(2));
    // So many tasks take so much more until they are under way.
    let effort = Effort { round: effort.round * 10, ..effort };
    ratios(effort, |times| measured(&|| one.run(run, times)), |times| measured(&|| two.run(run, times)))
}

fn wall(work: &dyn Fn()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn on_processor(work: &dyn Fn()) -> Duration {
    let before = processor_time();
    work();
    processor_time().saturating_sub(before)
}

/// What all threads of this process have had of the processors.
fn processor_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux tells of threads");
    let nanos = tasks.flatten().map(|task| {
        // A thread that ended in between has had what it had, and none of these does.
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
    });
    Duration::from_nanos(nanos.sum())
}
