//! Events that follow from one another.

use std::sync::atomic::{AtomicU64, Ordering};

use events::{Event, Lifespan, on};
use tokio::runtime::Runtime;

use crate::table::{Table, nanos_each, timed};

static ENDED: AtomicU64 = AtomicU64::new(0);

#[derive(Event)]
struct Link {
    left: usize,
}

#[on]
fn follow(event: &Link) -> Option<Link> {
    let next = event.left.checked_sub(1).map(|left| Link { left });
    if next.is_none() {
        ENDED.fetch_add(1, Ordering::Release);
    }
    next
}

/// Past the default of 64, which is there for chains that are mistakes.
const DEEPEST: usize = 10_000;

pub(crate) fn table(runtime: &Runtime, largest: usize) -> Table {
    let builder = Lifespan::builder().max_hops(20_000);
    let app = runtime.block_on(builder.start()).expect("the declarations are sound");
    Table::of("Depth of a chain", &["ns for each hop"], largest.min(DEEPEST), |depth| {
        let work = async {
            let before = ENDED.load(Ordering::Acquire);
            app.dispatch(Link { left: depth }).expect("the lifespan is open");
            while ENDED.load(Ordering::Acquire) == before {
                tokio::task::yield_now().await;
            }
        };
        let (took, ()) = timed(|| runtime.block_on(work));
        vec![nanos_each(took, depth)]
    })
}
