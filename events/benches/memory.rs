//! What does a message cost, from the source to its settlement?
//!
//! An operation is a message of about 90 bytes that waits in a queue of [`events::Memory`]: it is taken, becomes an event by
//! its name, its JSON is decoded, one typed handler runs, and it is settled. The messages are put in before. What it is
//! compared with has the same JSON and the same handler bodies:
//!
//! | | |
//! |---|---|
//! | `by-hand` | a `VecDeque` of bodies, `serde_json::from_slice`, a boxed future awaited; nothing is settled |
//! | `spawn-each` | the same, each message in a task of its own |
//!
//! The rows are called after where the name stands, what the handler is, and how many messages may be handled at a time:
//! `named` has it in the source's settings, `pair` and `cloud`, which is `CloudEvents` in binary mode, in the message. Handlers
//! `async` end at their first poll, handlers `waiting` at their second. Messages of `text` have a `String`, the others
//! numbers alone.
//!
//! ```text
//! cargo bench -p events --bench memory                        # all, on a current-thread runtime
//! cargo bench -p events --bench memory -- --multi-thread      # on a multi-thread runtime
//! cargo bench -p events --bench memory -- --quick named       # a few rounds of what has `named` in its name
//! cargo bench -p events --bench memory_allocations            # what a message allocates
//! ```
//!
//! Instructions are counted by the difference of two runs, in which as many messages wait: a message takes
//! (second - first) / 4000 instructions.
//!
//! ```text
//! export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="valgrind --tool=callgrind --callgrind-out-file=/dev/null"
//! cargo bench -q -p events --bench memory -- --count named-async-1/events --times 4000 2>&1 | grep Collected
//! cargo bench -q -p events --bench memory -- --count named-async-1/events --times 8000 2>&1 | grep Collected
//! ```
//!
//! In December 2026, with 2 allocations for each message, `named-small-1` took 4,425 instructions and `named-async-1` 6,457, which
//! `budget.txt` keeps. What follows was taken before there were spans, before sources waited where there is no room, and before
//! they read what stands beside a payload whose event they name; and with `CARGO_PROFILE_BENCH_LTO=fat` and
//! `CARGO_PROFILE_BENCH_CODEGEN_UNITS=1`, as who minds builds a program:
//!
//! | | as it is | `by-hand` | built so | `by-hand` |
//! |---|---|---|---|---|
//! | `named-small-1`, two numbers in 28 bytes | 4,726 | 1,590 | 4,274 | 1,515 |
//! | `named-async-1`, seven numbers in 90 bytes | 6,794 | 3,981 | 6,262 | 3,830 |
//!
//! What each stage of `named-small-1` took then, what it calls included, 4,726 in all:
//!
//! | | | |
//! |---|---|---|
//! | the source's task | a message is taken out of `Memory`, 105; it sees to other tasks, to the end, to panics of the source | 428 |
//! | one message | the work that the end waits for, panics of formats and rules | 193 |
//! | decoding | `serde_json` alone, and before it a look whether all is text, 107 | 966 |
//! | acceptance | the event's name is looked up, about 100; its route, its rules, its room; its identity and time | 811 |
//! | storing | the event is allocated, with what travels beside it | 170 |
//! | delivery | who is at work, what surrounds the handler, what it has done | 839 |
//! | the handler | its future is allocated, 70, does its work, 106, and is freed, 90 | 266 |
//! | bundle | it is made, counted, and dropped, 83; the event is freed, 160 | 472 |
//! | settlement | out of `Memory`, 95; panics and the time-out; the message is freed, 257 | 429 |
//! | allocator | it puts together what was freed, at last | 152 |
//!
//! Decoding, allocating and the handler, which nobody is spared, are about 1,850 of it: more than `by-hand` takes, which has no
//! message to free. Of the rest, looking the name up, settling, the identity and time, the count of what is at work and waits,
//! and keeping panics to themselves, which is three polls within `catch_unwind`, are what the library promises.

#[allow(dead_code, reason = "the operations of a lifespan are of no interest here")]
#[path = "support/clock.rs"]
mod clock;
mod messages;
#[allow(dead_code, reason = "what waits is prepared, and no operation of a lifespan")]
mod support;

use std::time::Instant;

use clock::Figures;
use messages::{Question, WAITING, Way};
use support::args::{Args, Effort};
use support::operation::Stage;

fn main() {
    let args = Args::read();
    let stage = Stage::new(&args);
    let questions = messages::all();
    if args.list || args.count.is_some() {
        return alone(&stage, &questions, &args);
    }
    let (rounds, times) = match args.effort {
        Effort::Full => (30, WAITING),
        Effort::Quick => (3, 1000),
        Effort::Smoke => (1, 10),
    };
    println!(
        "{} runtime, {rounds} rounds of {times} messages; `ratio`: the time of `events` over the line's",
        args.flavour()
    );
    println!("\n{:<18} {:<11} {:>12} {:>12} {:>8}", "", "", "best ns", "median ns", "ratio");
    for question in questions.iter().filter(|question| args.wants(question.name)) {
        let mut lines: Vec<_> = question.ways.iter().map(|way| (way, Figures::default())).collect();
        for _ in 0..rounds {
            // They take turns, so that a busy neighbour disturbs all of them alike.
            for (way, figures) in &mut lines {
                figures.0.push(nanos(&stage, way, times));
            }
        }
        print(question, &lines);
    }
}

/// How long a message takes; those that wait are not counted.
fn nanos(stage: &Stage, way: &Way, times: u32) -> f64 {
    let prepared = (way.prepare)(times);
    let begun = Instant::now();
    stage.run_prepared(prepared);
    clock::nanos(begun.elapsed()) / f64::from(times)
}

fn print(question: &Question, lines: &[(&Way, Figures)]) {
    for (i, (way, figures)) in lines.iter().enumerate() {
        let name = if i == 0 { question.name } else { "" };
        print!("{name:<18} {:<11} {:>12.1} {:>12.1}", way.label, figures.best(), figures.median());
        match i {
            0 => println!(),
            _ => println!(" {:>8.2}", lines[0].1.ratio_to(figures)),
        }
    }
}

/// Lists the ways, or goes the one that `--count` names, and nothing else.
fn alone(stage: &Stage, questions: &[Question], args: &Args) {
    let mut named = questions
        .iter()
        .flat_map(|question| question.ways.iter().map(|way| (format!("{}/{}", question.name, way.label), way)));
    let Some(wanted) = &args.count else {
        return named.for_each(|(name, _)| println!("{name}: benchmark"));
    };
    let (_, way) = named.find(|(name, _)| name == wanted).expect("`--list` tells the names of the ways");
    assert!(args.times <= WAITING, "{WAITING} messages wait");
    stage.run_prepared((way.prepare)(args.times));
}
