//! Ten thousand patterns beside one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use events::{Event, Lifespan, dispatch, dispatch_named, on};

use super::{Limit, Target, ratios};
use crate::contest::Effort;
use crate::support::operation::{Stage, Work};
use crate::support::payload::Payload;

#[derive(Event)]
#[event(name = "cat-fed")]
struct CatFed(Payload);

#[on("cat-*")]
fn purr(event: &CatFed) {
    event.0.add(1);
}

const PATTERNS: usize = 10_000;

/// A lifespan with so many patterns, each of a handler that no event here is for.
fn with(stage: &Stage, patterns: usize) -> Lifespan {
    let builder = (0..patterns)
        .fold(Lifespan::builder(), |builder, number| builder.on_pattern(format!("*-unrelated-{number}"), |_| async {}));
    stage.runtime.block_on(builder.start()).expect("the patterns are sound")
}

pub(super) fn typed(stage: &Stage, effort: Effort) -> Target {
    compared(stage, effort, "an event of a type, with 10,000 patterns", |app, times| {
        Box::pin(async move {
            for _ in 0..times {
                app.scope(async { dispatch(CatFed(Payload::new())) })
                    .await
                    .expect("a lifespan that is open takes events");
            }
        })
    })
}

pub(super) fn unknown(stage: &Stage, effort: Effort) -> Target {
    compared(stage, effort, "a name of no type, with 10,000 patterns", |app, times| {
        Box::pin(async move {
            for _ in 0..times {
                let sent = app.scope(async { dispatch_named(black_box("dog-fed"), "null") }).await;
                sent.expect("a lifespan that is open takes events");
            }
        })
    })
}

fn compared(stage: &Stage, effort: Effort, what: &'static str, run: fn(Lifespan, u32) -> Work) -> Target {
    let (many, one) = (with(stage, PATTERNS), with(stage, 1));
    let time = |app: Lifespan| {
        move |times| -> Duration {
            let begun = Instant::now();
            stage.run_prepared(run(app.clone(), times));
            begun.elapsed()
        }
    };
    Target {
        what,
        beside: "with one",
        limit: Limit::AtMost(1.05),
        ratios: ratios(effort, time(many), time(one)),
        spent: "",
    }
}
