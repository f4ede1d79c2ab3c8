//! What is told of the work: spans, traces, metrics, health.

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod filters;
mod health;
mod layers;
mod measured;
mod metrics;
mod named;
mod recorder;
mod refused;
mod sampling;
mod secrets;
mod spans;
mod tables;
mod traced;
mod traces;

use events::{Batch, Event, on};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Debug, Event, Serialize, Deserialize, Validate)]
struct CatFed {
    #[validate(range(max = 10))]
    fish: u32,
}

#[derive(Debug, Event, Serialize, Deserialize)]
struct CatSlept;

#[derive(Debug, Event, Serialize, Deserialize)]
struct DishBroken {
    how: String,
}

#[derive(Debug, Event, Serialize, Deserialize)]
struct DishWashed(u32);

/// It chains.
#[on]
async fn digest(event: &CatFed) -> Option<CatSlept> {
    tokio::task::yield_now().await;
    tracing::info!("digesting");
    (event.fish > 5).then_some(CatSlept)
}

#[on(now)]
fn notice(_: &CatFed) {
    tracing::info!("noticed");
}

#[on]
fn dream(_: &CatSlept) {
    tracing::info!("dreaming");
}

#[on(timeout = "1s")]
async fn sweep(event: &DishBroken) -> Result<(), &'static str> {
    match event.how.as_str() {
        "panic" => panic!("too many shards"),
        "timeout" => std::future::pending().await,
        "error" => Err("no broom"),
        _ => Ok(()),
    }
}

#[on(batch = 3, within = "1s")]
async fn dry(dishes: Batch<DishWashed>) {
    tracing::info!(count = dishes.iter().map(|dish| dish.0).sum::<u32>(), "drying");
}
