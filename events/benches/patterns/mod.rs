//! The question that the `patterns_*` benchmarks ask, each in a binary with another number of patterns.

use std::hint::black_box;
use std::time::Instant;

use events::{Event, Lifespan, catalog, dispatch, dispatch_named, on};

use crate::clock::{self, Figures};
use crate::support::args::{Args, Effort};
use crate::support::operation::{Question, Stage, Work, answered};
use crate::support::payload::Payload;

#[derive(Event)]
#[event(name = "cat-fed")]
struct CatFed(Payload);

#[on("cat-*")]
fn purr(event: &CatFed) {
    event.0.add(1);
}

/// The name of an event that no type here has.
const UNKNOWN: &str = "dog-fed";

/// What both kinds of dispatch are compared with: it knows no patterns in any of the binaries.
fn by_hand(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        let call: fn(&Payload) = black_box(|payload| payload.add(1));
        for _ in 0..times {
            let payload = Box::new(Payload::new());
            tokio::spawn(async move { call(&payload) }).await.expect("the task does not panic");
        }
    })
}

fn typed(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            app.scope(async { dispatch(CatFed(Payload::new())) }).await.expect("a lifespan that is open takes events");
        }
    })
}

fn unknown(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let sent = app.scope(async { dispatch_named(black_box(UNKNOWN), "null") }).await;
            sent.expect("a lifespan that is open takes events");
            Payload::new().add(1);
        }
    })
}

pub(crate) fn answer() {
    let args = Args::read();
    let (read, patterns) = timed(patterns);
    let stage = Stage::new(&args);
    let questions = [
        Question::new("typed", typed).beside("one-spawn", by_hand),
        Question::new("unknown-name", unknown).beside("one-spawn", by_hand),
    ];
    if answered(&stage, &questions, &args) {
        return;
    }
    println!("patterns declared: {patterns}");
    clock::answer(&stage, &questions, &args);
    let starts = match args.effort {
        Effort::Full => 50,
        Effort::Quick | Effort::Smoke => 2,
    };
    let starts = Figures((0..starts).map(|_| timed(|| start(&stage)).0).collect());
    println!("\nthe link table is read once, in {:.0} us", read / 1e3);
    println!("`start()` takes {:.1} us at best, {:.1} us in the median", starts.best() / 1e3, starts.median() / 1e3);
}

/// How many patterns this binary declares. The first who asks for what is declared reads the link table.
fn patterns() -> usize {
    catalog().handlers().map(|handler| handler.patterns().len()).sum()
}

fn start(stage: &Stage) -> Lifespan {
    stage.runtime.block_on(Lifespan::builder().start()).expect("the declarations are sound")
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = Instant::now();
    let result = black_box(work());
    (clock::nanos(begun.elapsed()), result)
}
