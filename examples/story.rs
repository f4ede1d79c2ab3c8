//! What a service tells of itself to whoever has set up nothing but `tracing_subscriber::fmt::init()`: a request, the events that
//! it sets off, and their failures, of which one is a panic and one a time-out.
//!
//! ```console
//! cargo run --example story
//! ```
//!
//! Each line says where it belongs: to which scope, to which event, to which handler. A healthy request adds no line of its own;
//! a failure adds one, with all that is needed to find it. `cause` leads from an event to the one whose handler dispatched it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::routing::post;
use events::tower::EventsLayer;
use events::{Event, Lifespan, dispatch, on};
use tower::ServiceExt as _;
use tracing::{Instrument as _, info, info_span};

#[derive(Event)]
struct OrderPlaced {
    table: u32,
}

#[derive(Event)]
struct MealCooked {
    table: u32,
}

#[on]
async fn cook(order: &OrderPlaced) -> MealCooked {
    info!("cooking");
    MealCooked { table: order.table }
}

/// Table 13 has no bell.
#[on]
fn ring(order: &OrderPlaced) {
    assert!(order.table != 13, "there is no bell at table 13");
}

/// The waiter of table 13 never comes.
#[on(timeout = "50ms")]
async fn serve(meal: &MealCooked) {
    if meal.table == 13 {
        std::future::pending::<()>().await;
    }
    info!(table = meal.table, "served");
}

async fn order(Path(table): Path<u32>) -> Result<StatusCode, StatusCode> {
    info!("taking the order");
    dispatch(OrderPlaced { table }).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::ACCEPTED)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let app = Lifespan::builder().start().await?;
    let router: Router = Router::new().route("/tables/{table}", post(order)).layer(EventsLayer::new(app.clone()));
    for table in [4, 13] {
        let request = Request::post(format!("/tables/{table}")).body(Body::empty())?;
        let response = router.clone().oneshot(request).instrument(info_span!("request", table)).await?;
        // The events are delivered when the response has been read, or dropped.
        info!(status = response.status().as_u16(), "answered");
        drop(response);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let report = app.shutdown().await?;
    info!("{report}");
    Ok(())
}
