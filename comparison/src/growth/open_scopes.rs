//! Scopes that are open at the same time, each in a task, each with an event.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use events::{Event, Lifespan, dispatch, on};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::held;
use crate::table::{Table, bytes_each, nanos_each, timed};

#[derive(Event)]
struct Waited(u64);

#[on]
fn take(event: &Waited) {
    black_box(event.0);
}

const COLUMNS: &[&str] = &[
    "opened, ended and delivered, ns for each",
    "the same tasks without a scope, ns for each",
    "bytes held for each, with its task and its event",
];

pub(crate) fn table(runtime: &Runtime, largest: usize) -> Table {
    let builder = Lifespan::builder().max_pending(2 * largest);
    let app = runtime.block_on(builder.start()).expect("the declarations are sound");
    Table::of("Open scopes", COLUMNS, largest, |scopes| {
        let before = held();
        let (took, after) = timed(|| runtime.block_on(open(&app, scopes)));
        let (without, ()) = timed(|| runtime.block_on(tasks_alone(scopes)));
        vec![nanos_each(took, scopes), nanos_each(without, scopes), bytes_each(before, after, scopes)]
    })
}

/// Answers what is held while all of them are open.
async fn open(app: &Lifespan, scopes: usize) -> usize {
    let (end, ended) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for number in 0..scopes {
        let (app, mut ended) = (app.clone(), ended.clone());
        tasks.spawn(async move {
            let work = async {
                dispatch(Waited(number as u64)).expect("there is room");
                ended.wait_for(|ended| *ended).await.expect("the end is told before the sender goes");
            };
            app.scope(work).await;
        });
    }
    // Each of them has dispatched its event, and waits.
    while app.health().pending().0 < scopes {
        tokio::task::yield_now().await;
    }
    let held = held();
    end.send_replace(true);
    tasks.join_all().await;
    held
}

/// What the tasks take that wait at the same time, and the memory that they are spread over.
async fn tasks_alone(tasks: usize) {
    let (end, ended) = watch::channel(false);
    let mut set = JoinSet::new();
    let begun = Arc::new(AtomicUsize::new(0));
    for number in 0..tasks {
        let (mut ended, begun) = (ended.clone(), Arc::clone(&begun));
        set.spawn(async move {
            let event = Box::new(Waited(number as u64));
            begun.fetch_add(1, Ordering::Release);
            ended.wait_for(|ended| *ended).await.expect("the end is told before the sender goes");
            take(&event);
        });
    }
    while begun.load(Ordering::Acquire) < tasks {
        tokio::task::yield_now().await;
    }
    end.send_replace(true);
    set.join_all().await;
}
