//! Layers with filters of their own, of which some see less than others.

use std::sync::{Arc, Mutex};

use events::{Lifespan, dispatch};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, error};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

use crate::DishBroken;

/// The texts of the lines that a layer sees.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

impl Visit for Lines {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().expect("no panic").push(format!("{value:?}"));
        }
    }
}

#[tokio::test]
async fn what_follows_a_dispatch_is_seen_by_those_who_see_no_spans() {
    let (all, grave) = (Lines::default(), Lines::default());
    let subscriber = Registry::default()
        .with(all.clone().with_filter(LevelFilter::INFO))
        .with(grave.clone().with_filter(LevelFilter::WARN));
    let _guard = crate::support::asked::here(subscriber);
    let app = Lifespan::builder().max_pending(1).start().await.expect("it starts");
    app.scope(async {
        dispatch(DishBroken { how: String::new() }).expect("there is room");
        error!("after a dispatch");
        dispatch(DishBroken { how: String::new() }).expect_err("there is no room");
        error!("after a refusal");
    })
    .await;
    error!("after a delivery");
    app.shutdown().await.expect("from outside");
    let expected = ["after a dispatch", "after a refusal", "after a delivery"];
    assert_eq!(*grave.0.lock().expect("no panic"), expected);
    assert_eq!(*all.0.lock().expect("no panic"), expected);
}
