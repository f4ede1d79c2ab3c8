//! A test in every order of the handlers.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::TestLifespan;
use super::arrange::Arrangement;
use super::seam::Kit;
use crate::lifespan::LifespanBuilder;

/// Runs a test again and again, with the handlers in another order each time, to show where one of them depends on another.
///
/// Handlers of one `order` run concurrently, and nothing is said about which of them begins. A handler that works only when
/// another one has begun before it needs an `order`; without one it works until the day when a function moves to another
/// file. Here each run has a fresh lifespan, which `builder` describes, and in each the handlers of one event and one
/// `order` begin in another order. The first run has the normal one. Closures and `now` handlers take part.
///
/// There are as many runs as the largest stage needs for all of its orders: `k!` for `k` handlers, and 720 of them, evenly
/// spread, for seven and more. Stages count that the events of the test went through.
///
/// # Examples
///
/// ```standalone_crate,should_panic
/// use events::testing::permute;
/// use events::{Event, Lifespan, LifespanVar, on};
///
/// #[derive(Event)]
/// struct OrderPlaced;
///
/// static NUMBER: LifespanVar<u32> = LifespanVar::new();
///
/// #[on]
/// fn count(_: &OrderPlaced) {
///     NUMBER.set(1).unwrap().keep();
/// }
///
/// #[on] // `#[on(order = 1)]` mends it
/// fn print(_: &OrderPlaced) {
///     println!("order number {}", NUMBER.get().unwrap());
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// permute(Lifespan::builder, async |app| {
///     app.dispatch(OrderPlaced).unwrap();
///     app.settled().await;
///     app.assert_no_failures();
/// })
/// .await;
/// # }
/// ```
///
/// # Panics
///
/// When a run panics, with its text and the order that the handlers had. When a lifespan cannot start.
///
/// # Cancel safety
///
/// Dropping the future ends the run that goes on, and its lifespan with it.
#[track_caller]
pub fn permute<B, T>(builder: B, test: T) -> impl Future<Output = ()>
where
    B: Fn() -> LifespanBuilder,
    T: AsyncFn(TestLifespan),
{
    let place = Location::caller();
    async move {
        let (mut run, mut runs) = (0, 1);
        while run < runs {
            let kit = Arc::new(Kit::arranged(Arrangement::new(run)));
            let app = TestLifespan::begin(builder(), Arc::clone(&kit), place).await;
            let lifespan = app.internal();
            let ended = catch(test(app)).await;
            // What is left of a run must not go on beside the next one.
            lifespan.abort();
            lifespan.core().ended.wait().await;
            let Some(arrangement) = &kit.arrangement else { return };
            let met = arrangement.met(&kit.record());
            runs = runs.max(met.orders());
            if let Err(panic) = ended {
                let order = format!("in run {} of {runs}, with the handlers in this order:{met}", run + 1);
                eprintln!("{place}: {order}");
                resume_unwind(with_order(panic, &order));
            }
            run += 1;
        }
    }
}

/// Polls a future, and keeps its panic.
async fn catch(test: impl Future<Output = ()>) -> std::thread::Result<()> {
    let mut test = pin!(test);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| test.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// A panic that has a text gets the order into it, for whoever catches it.
fn with_order(panic: Box<dyn Any + Send>, order: &str) -> Box<dyn Any + Send> {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    match text {
        Some(text) => Box::new(format!("{text}\n{order}")),
        None => panic,
    }
}
