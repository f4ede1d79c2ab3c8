//! What does a scope for each request allocate, and what does it keep while the request is open?
//!
//! The requests of the benchmark `layer`, in a binary of their own: counting takes time, which would distort the figures
//! of a clock.
//!
//! ```text
//! cargo bench -p events --features tower --bench layer_allocations
//! ```

#[allow(dead_code, reason = "the requests over sockets are of no interest here")]
mod layers;
#[allow(dead_code, reason = "nothing is listed or picked out")]
mod support;

use std::alloc::System;
use std::convert::Infallible;

use axum::body::Bytes;
use events::Lifespan;
use events::tower::EventsLayer;
use http::{Request, Response};
use http_body_util::Full;
use layers::{BARE, LAYER, call};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tower::{Layer as _, Service};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUESTS: u32 = 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app = Lifespan::builder().start().await.expect("the declarations are sound");
    println!("per request, {REQUESTS} requests; `open`: kept while the body has not ended, the response included\n");
    println!("{:<14} {:>12} {:>12} {:>12} {:>12}", "events", "allocations", "bytes", "open heap", "open in place");
    print("0, bare", call::run::<BARE, 0>, &app, open(call::service::<BARE, 0>()).await).await;
    let layer = EventsLayer::new(app.clone());
    print("0", call::run::<LAYER, 0>, &app, open(layer.layer(call::service::<LAYER, 0>())).await).await;
    print("1", call::run::<LAYER, 1>, &app, open(layer.layer(call::service::<LAYER, 1>())).await).await;
    print("5", call::run::<LAYER, 5>, &app, open(layer.layer(call::service::<LAYER, 5>())).await).await;
}

/// The bytes that each open request keeps: on the heap, and in the response itself.
async fn open<S, B>(mut service: S) -> (f64, usize)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    let mut open = Vec::with_capacity(REQUESTS as usize);
    let region = Region::new(ALLOCATOR);
    for _ in 0..REQUESTS {
        let Ok(response) = service.call(Request::new(())).await;
        open.push(response);
    }
    let Stats { bytes_allocated, bytes_deallocated, .. } = region.change();
    let kept = signed(bytes_allocated) - signed(bytes_deallocated);
    (kept / f64::from(REQUESTS), size_of::<Response<B>>() - size_of::<Response<Full<Bytes>>>())
}

fn signed(bytes: usize) -> f64 {
    u32::try_from(bytes).map_or(f64::INFINITY, f64::from)
}

async fn print(
    events: &str,
    requests: fn(Lifespan, u32) -> support::operation::Work,
    app: &Lifespan,
    (heap, in_place): (f64, usize),
) {
    // The tasks of the open requests, which have ended by now.
    requests(app.clone(), REQUESTS).await;
    let region = Region::new(ALLOCATOR);
    requests(app.clone(), REQUESTS).await;
    let Stats { allocations, bytes_allocated, .. } = region.change();
    let each = |count| signed(count) / f64::from(REQUESTS);
    println!("{events:<14} {:>12.2} {:>12.1} {heap:>12.1} {in_place:>12}", each(allocations), each(bytes_allocated));
}
