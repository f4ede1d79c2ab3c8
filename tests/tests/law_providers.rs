//! One law, over random outcomes of six providers and a handler that depends on all of them.
//!
//! - The handler runs where every provider has made its value, and not otherwise.
//! - What was made is dropped once, in the reverse order of making, whatever happens.
//! - What was registered as a teardown is done once, in the reverse order in which the providers were left, whether they had
//!   made their values or not; before its value is dropped, and once the handler has ended. All are told the same: whether the
//!   handler did its work. Where the lifespan is forced to end, nothing of it is done.
//! - The failure, if there is one, is that of the provider or the handler that failed, or else that of the first teardown.
//!
//! `PROPTEST_CASES` raises the number of cases.

mod support;

use std::time::Duration;

use events::{Ending, Event, Lifespan, State, Teardown, on, provide};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};
use support::Log;
use support::script::{Does, Script, Value, rest, script_end};

/// Logs that a provider was left: with a value, with an error, by a panic, or because nobody waited any longer.
struct Leaving<'a>(&'a Log, &'static str);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.write(format!("leave {}", self.1));
    }
}

macro_rules! value {
    ($($value:ident)*) => { $(struct $value(#[expect(dead_code, reason = "it is dropped")] Value);)* };
}

value!(A B C D E F);

/// Which providers register a teardown.
struct Registers {
    names: Vec<&'static str>,
}

fn register(name: &'static str, end: &'static str, tools: &Tools, teardown: Teardown) {
    if tools.registers.names.contains(&name) {
        tools.log.write(format!("register {name}"));
        script_end(teardown, (name, end), &tools.log, &tools.script);
    }
}

#[derive(Clone)]
struct Tools {
    log: State<Log>,
    script: State<Script>,
    registers: State<Registers>,
}

impl events::FromContext for Tools {
    type Error = events::MissingState;

    fn from_context(context: &events::Context<'_>) -> Result<Self, Self::Error> {
        Ok(Self {
            log: State::from_context(context)?,
            script: State::from_context(context)?,
            registers: State::from_context(context)?,
        })
    }
}

#[provide]
async fn a(tools: Tools, teardown: Teardown) -> Result<A, String> {
    let _leaving = Leaving(&tools.log, "a");
    register("a", "end of a", &tools, teardown);
    tools.script.act("a").await?;
    Ok(A(Value::new("a", &tools.log)))
}

#[provide]
fn b(#[depends(a)] _: &A, tools: Tools, teardown: Teardown) -> Result<B, String> {
    let _leaving = Leaving(&tools.log, "b");
    register("b", "end of b", &tools, teardown);
    tools.script.act_at_once("b")?;
    Ok(B(Value::new("b", &tools.log)))
}

#[provide(timeout = "2s")]
async fn c(#[depends(a)] _: &A, tools: Tools, teardown: Teardown) -> Result<C, String> {
    let _leaving = Leaving(&tools.log, "c");
    register("c", "end of c", &tools, teardown);
    tools.script.act("c").await?;
    Ok(C(Value::new("c", &tools.log)))
}

#[provide]
async fn d(#[depends(b)] _: &B, #[depends(c)] _: &C, tools: Tools, teardown: Teardown) -> Result<D, String> {
    let _leaving = Leaving(&tools.log, "d");
    register("d", "end of d", &tools, teardown);
    tools.script.act("d").await?;
    Ok(D(Value::new("d", &tools.log)))
}

#[provide]
fn e(tools: Tools, teardown: Teardown) -> Result<E, String> {
    let _leaving = Leaving(&tools.log, "e");
    register("e", "end of e", &tools, teardown);
    tools.script.act_at_once("e")?;
    Ok(E(Value::new("e", &tools.log)))
}

#[provide(timeout = "3s")]
async fn f(#[depends(e)] _: &E, #[depends(d)] _: &D, tools: Tools, teardown: Teardown) -> Result<F, String> {
    let _leaving = Leaving(&tools.log, "f");
    register("f", "end of f", &tools, teardown);
    tools.script.act("f").await?;
    Ok(F(Value::new("f", &tools.log)))
}

#[derive(Event)]
struct Asked;

#[on(timeout = "10s")]
async fn work(_: &Asked, #[depends(b)] _: &B, #[depends(f)] _: &F, tools: Tools) -> Result<(), String> {
    tools.log.write("work");
    tools.script.act("work").await
}

const PROVIDERS: [(&str, &str, bool); 6] = [
    ("a", "end of a", true),
    ("b", "end of b", false),
    ("c", "end of c", true),
    ("d", "end of d", true),
    ("e", "end of e", false),
    ("f", "end of f", true),
];

#[derive(Clone, Debug)]
struct Case {
    does: Vec<(&'static str, Does)>,
    registers: Vec<&'static str>,
    /// Whether the lifespan is forced to end while something hangs.
    forced: bool,
}

/// What a function does: its work, mostly.
fn does(can_wait: bool, weight: u32) -> impl Strategy<Value = Option<Does>> {
    let hangs = if can_wait { Does::Hang } else { Does::Fail };
    let trouble = prop_oneof![Just(Does::Fail), Just(Does::Panic), Just(hangs)];
    prop_oneof![weight => Just(None), 1 => trouble.prop_map(Some)]
}

fn cases() -> impl Strategy<Value = Case> {
    let provider = |(name, end, can_wait): (&'static str, &'static str, bool)| {
        (does(can_wait, 9), does(false, 6), any::<bool>()).prop_map(move |(does, fate, registers)| {
            let lines = does.map(|does| (name, does)).into_iter().chain(fate.map(|fate| (end, fate)));
            (lines.collect::<Vec<_>>(), registers.then_some(name))
        })
    };
    let providers: Vec<_> = PROVIDERS.into_iter().map(provider).collect();
    (providers, does(true, 1), any::<bool>()).prop_map(|(providers, work, forced)| {
        let (does, registers): (Vec<_>, Vec<_>) = providers.into_iter().unzip();
        let does = does.into_iter().flatten().chain(work.map(|work| ("work", work))).collect();
        Case { does, registers: registers.into_iter().flatten().collect(), forced }
    })
}

/// What happened, and the texts of the failures.
fn play(case: &Case) -> (Vec<String>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let script = Script::of(case.does.clone());
        let builder = Lifespan::builder().state(script).state(Registers { names: case.registers.clone() });
        let (app, log) = support::start_with(builder).await;
        let running = tokio::spawn({
            let app = app.clone();
            async move { app.deliver(Asked).await.expect("accepted") }
        });
        rest().await;
        if case.forced {
            app.shutdown_within(Duration::ZERO).await.expect("from outside");
        }
        let delivery = running.await.expect("no panic");
        (log.take(), delivery.failures().iter().map(|failure| failure.cause().to_string()).collect())
    })
}

/// The rest of the lines that begin with a word.
fn said<'a>(log: &'a [String], word: &str) -> Vec<&'a str> {
    log.iter().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect()
}

fn holds(what: &str, holds: bool) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("broken: {what}")) }
}

fn reversed(names: &[&str]) -> Vec<String> {
    names.iter().rev().map(|&name| name.to_owned()).collect()
}

/// A case, and what is to be known of it.
struct Judge<'a> {
    case: &'a Case,
    log: &'a [String],
    /// The providers that were asked, in the order in which they were left.
    left: Vec<&'a str>,
    /// Who failed: a provider, or the handler.
    failing: Option<&'a str>,
    ending: Ending,
    aborted: bool,
}

impl<'a> Judge<'a> {
    fn new(case: &'a Case, log: &'a [String]) -> Self {
        let left = said(log, "leave");
        let own = left.iter().copied().find(|name| case.fate(name).is_some());
        let failing = own.or_else(|| case.fate("work").map(|_| "work"));
        let ending = if failing.is_none() { Ending::Succeeded } else { Ending::Failed };
        let aborted = case.forced && failing.is_some_and(|name| case.fate(name) == Some(Does::Hang));
        Self { case, log, left, failing, ending, aborted }
    }

    fn values(&self) -> Result<(), String> {
        let (left, made, fate) = (&self.left, said(self.log, "make"), |name: &str| self.case.fate(name));
        let whole: Vec<_> = left.iter().copied().filter(|name| fate(name).is_none()).collect();
        let worked = self.log.iter().any(|line| line == "work");
        holds("each is asked once", left.iter().all(|name| left.iter().filter(|other| *other == name).count() == 1))?;
        holds("nobody is asked after a failure", left.iter().rev().skip(1).all(|name| fate(name).is_none()))?;
        holds("made is what was left without trouble", made == whole)?;
        holds("the handler runs where all is made", worked == (made.len() == PROVIDERS.len()))?;
        holds("dropped once, in reverse", said(self.log, "drop") == reversed(&made))
    }

    fn ends(&self) -> Result<(), String> {
        let ending = self.ending;
        let registered = self.left.iter().copied().filter(|name| self.case.registers.contains(name));
        let registered: Vec<_> = if self.aborted { Vec::new() } else { registered.collect() };
        let told: Vec<_> = reversed(&registered).into_iter().map(|name| format!("{name} {ending:?}")).collect();
        holds("torn down once, in reverse, and told how it ended", said(self.log, "end") == told)?;
        let place = |line: &str| self.log.iter().position(|known| known == line);
        let in_order = |name: &&str| {
            let (ended, dropped) = (place(&format!("end {name} {ending:?}")), place(&format!("drop {name}")));
            place("work") < ended && (dropped.is_none() || ended < dropped)
        };
        holds("torn down after the work, and before the value is dropped", registered.iter().all(in_order))
    }

    fn failure(&self) -> Option<String> {
        let torn_down = said(self.log, "end").into_iter().filter_map(|line| line.split_once(' '));
        let mut torn_down = torn_down.map(|(name, _)| (name, format!("end of {name}")));
        match self.failing {
            _ if self.aborted => Some("it was at work when the lifespan was forced to end".to_owned()),
            Some("work") => Some(self.case.cause("work")),
            Some(name) => Some(format!("provider `law_providers::{name}` failed: {}", self.case.cause(name))),
            None => torn_down.find(|(_, end)| self.case.fate(end).is_some()).map(|(name, end)| {
                format!("the teardown of provider `law_providers::{name}` failed: {}", self.case.cause(&end))
            }),
        }
    }
}

impl Case {
    fn fate(&self, name: &str) -> Option<Does> {
        self.does.iter().find(|(known, _)| *known == name).map(|(_, does)| *does)
    }

    fn cause(&self, name: &str) -> String {
        let limit = match name {
            "c" => "2s",
            "f" => "3s",
            _ => "10s",
        };
        match self.fate(name) {
            Some(Does::Panic) => format!("it panicked: {name} panics"),
            Some(Does::Hang) => format!("it took longer than its time-out of {limit}"),
            _ => format!("{name} fails"),
        }
    }
}

fn judge(case: &Case, log: &[String], failures: &[String]) -> Result<(), String> {
    let judge = Judge::new(case, log);
    judge.values()?;
    judge.ends()?;
    let expected: Vec<_> = judge.failure().into_iter().collect();
    holds(&format!("the failure is {expected:?}"), failures == expected)
}

#[test]
fn the_law_holds() {
    let cases_wanted = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    let config = Config {
        cases: cases_wanted.unwrap_or(1_000),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        source_file: Some(file!()),
        ..Config::default()
    };
    let held = TestRunner::new(config).run(&cases(), |case: Case| {
        let (log, failures) = play(&case);
        judge(&case, &log, &failures).map_err(|law| TestCaseError::fail(format!("{law}\n{log:#?}\n{failures:#?}")))
    });
    if let Err(error) = held {
        panic!("{error}");
    }
}
