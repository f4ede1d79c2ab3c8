//! `timed` and its relatives: the shape of the tree, how it ends, and who is told.

mod support;

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use events::{
    Event, Lifespan, LifespanBuilder, State, Timing, TimingOutcome, on, timed, timed_sync, try_timed, try_timed_sync,
};
use support::Log;
use tokio::time::sleep;

/// Where reports are collected.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<Timing>>>);

impl Reports {
    fn add(&self, timing: &Timing) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(timing.clone());
    }

    /// A callback that adds to these.
    fn collect(&self) -> impl Fn(&Timing) + Send + Sync + use<> {
        let reports = self.clone();
        move |timing| reports.add(timing)
    }

    fn take(&self) -> Vec<Timing> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The only report, in short.
    fn only(&self) -> String {
        let reports = self.take();
        assert_eq!(reports.len(), 1, "{reports:#?}");
        short(&reports[0])
    }
}

/// `name count×total/max`, in milliseconds, with the children in brackets.
fn short(timing: &Timing) -> String {
    let (total, max) = (timing.total().as_millis(), timing.max().as_millis());
    let mut text = format!("{} {}×{total}/{max}", timing.name(), timing.count());
    if *timing.outcome() != TimingOutcome::Completed {
        text = format!("{text} {}", timing.outcome());
    }
    if !timing.children().is_empty() {
        text = format!("{text} [{}]", timing.children().iter().map(short).collect::<Vec<_>>().join(", "));
    }
    text
}

async fn millis(millis: u64) {
    sleep(Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn nested_and_repeated_names_form_a_tree() {
    let reports = Reports::default();
    let import = timed("import", async {
        for file in [30, 10, 20] {
            timed("read", async {
                timed(format!("file of {file}"), millis(file)).await;
                timed("parse", millis(1)).await;
            })
            .await;
        }
        timed("write", millis(5)).await;
        7
    });
    assert_eq!(import.report(reports.collect()).await, 7);
    let read = "read 3×63/31 [file of 30 1×30/30, parse 3×3/1, file of 10 1×10/10, file of 20 1×20/20]";
    assert_eq!(reports.only(), format!("import 1×68/68 [{read}, write 1×5/5]"));
}

#[tokio::test(start_paused = true)]
async fn the_report_is_a_table() {
    let reports = Reports::default();
    let import = timed("import", async {
        for file in [1200, 400] {
            timed("read", millis(file)).await;
        }
        try_timed("check", async { Err::<(), _>("row 2\n\tis empty") }).await
    });
    assert!(import.report(reports.collect()).await.is_err());
    let expected = [
        "import   1×  1.6s   max 1.6s",
        "  read   2×  1.6s   max 1.2s",
        "  check  1×  0.0ns  max 0.0ns  failed: row 2  is empty",
    ];
    assert_eq!(reports.take()[0].to_string(), expected.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn concurrent_children_overlap() {
    let reports = Reports::default();
    let work = timed("all", async {
        tokio::join!(timed("a", millis(10)), timed("b", timed("c", millis(20))), timed("a", millis(30)));
    });
    work.report(reports.collect()).await;
    assert_eq!(reports.only(), "all 1×30/30 [a 2×40/30, b 1×20/20 [c 1×20/20]]");
}

#[tokio::test(start_paused = true)]
async fn errors_are_told_and_passed_on() {
    let reports = Reports::default();
    let mut attempt = 0;
    let work = try_timed("work", async {
        while attempt < 3 {
            attempt += 1;
            let _ = try_timed("try", async { if attempt == 2 { Err("no") } else { Ok(()) } }).await;
        }
        Err::<(), _>(std::io::Error::other("the disk is full"))
    });
    let error = work.report(reports.collect()).await.expect_err("it is passed on");
    assert_eq!(error.to_string(), "the disk is full");
    assert_eq!(reports.only(), "work 1×0/0 failed: the disk is full [try 3×0/0 failed: no]");
}

#[tokio::test(start_paused = true)]
async fn panics_are_told_and_go_on() {
    let reports = Reports::default();
    let work = timed("work", async {
        millis(3).await;
        timed_sync("part", || panic!("out of fish"))
    });
    let panicked = tokio::spawn(work.report(reports.collect())).await.expect_err("it goes on");
    assert_eq!(panicked.into_panic().downcast_ref(), Some(&"out of fish"));
    assert_eq!(reports.only(), "work 1×3/3 panicked: out of fish [part 1×0/0 panicked: out of fish]");
    assert_eq!(timed("next", async { 1 }).await, 1, "nothing is left behind");
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_is_told() {
    let reports = Reports::default();
    let work = timed("work", async {
        let race = async {
            tokio::select! { () = timed("slow", pending()) => {}, () = timed("fast", millis(2)) => {} }
        };
        race.await;
        timed("never", pending::<()>()).await;
    });
    let work = tokio::time::timeout(Duration::from_millis(9), work.report(reports.collect()));
    assert!(work.await.is_err());
    let children = "slow 1×2/2 dropped, fast 1×2/2, never 1×7/7 dropped";
    assert_eq!(
        reports.only().replace("fast 1×2/2, slow 1×2/2 dropped", "slow 1×2/2 dropped, fast 1×2/2"),
        format!("work 1×9/9 dropped [{children}]")
    );
    drop(timed("unpolled", async {}).report(reports.collect()));
    assert!(reports.take().is_empty(), "what never began has no time");
}

#[tokio::test(start_paused = true)]
async fn destructors_are_timed_in_their_place() {
    struct Closes;
    impl Drop for Closes {
        fn drop(&mut self) {
            timed_sync("close", || ());
        }
    }
    let reports = Reports::default();
    let held = Closes;
    let work = timed("work", async move {
        let _held = &held;
        pending::<()>().await;
    });
    let _ = tokio::time::timeout(Duration::from_millis(1), work.report(reports.collect())).await;
    assert_eq!(reports.only(), "work 1×1/1 dropped [close 1×0/0]");
}

#[tokio::test(start_paused = true)]
async fn only_the_outermost_is_reported() {
    let (outer, inner) = (Reports::default(), Reports::default());
    timed("outer", timed("inner", millis(1)).report(inner.collect())).report(outer.collect()).await;
    assert_eq!(outer.only(), "outer 1×1/1 [inner 1×1/1]");
    assert!(inner.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn tasks_stand_for_themselves_unless_they_are_attached() {
    let (outer, task) = (Reports::default(), Reports::default());
    let work = timed("work", async {
        let own = tokio::spawn(timed("own", millis(1)).report(task.collect()));
        let attached = tokio::spawn(timed("attached", millis(2)).attached());
        tokio::spawn(timed("late", pending::<()>()).attached());
        (own.await, attached.await)
    });
    let (own, attached) = work.report(outer.collect()).await;
    assert!(own.is_ok() && attached.is_ok());
    assert_eq!(task.only(), "own 1×1/1");
    assert_eq!(outer.only(), "work 1×2/2 [attached 1×2/2, late 0×0/0]");
}

#[tokio::test]
async fn a_panicking_report_changes_nothing() {
    assert_eq!(timed("work", async { 7 }).report(|_| panic!("not interested")).await, 7);
}

#[test]
fn it_needs_no_runtime() {
    let sum = timed_sync("sum", || timed_sync("part", || 3) + 4);
    assert_eq!(sum, 7);
    assert_eq!(try_timed_sync("parse", || "7".parse::<u8>()), Ok(7));
    let panicked = catch_unwind(AssertUnwindSafe(|| timed_sync("work", || panic!("no"))));
    assert!(panicked.is_err());
}

#[tokio::test(start_paused = true)]
async fn names_are_bounded() {
    let reports = Reports::default();
    let work = timed("work", async {
        for number in 0..1500 {
            timed(number.to_string(), timed("inner", async {})).await;
        }
    });
    work.report(reports.collect()).await;
    let [work] = &reports.take()[..] else { panic!("one report") };
    let (other, named) = work.children().split_last().expect("children");
    let inner = |name: &str| named.iter().flat_map(Timing::children).filter(|child| child.name() == name).count();
    assert_eq!(1 + named.len() + inner("inner"), 1000);
    assert_eq!(inner("other"), 1, "the last one that had a place, and no more room below");
    assert_eq!((named.len(), other.name(), other.count()), (500, "other", 1000));
}

async fn start(builder: LifespanBuilder) -> (Lifespan, Reports, State<Log>) {
    let reports = Reports::default();
    let (app, log) = support::start_with(builder.on_timing(reports.collect())).await;
    (app, reports, log)
}

#[tokio::test(start_paused = true)]
async fn a_lifespan_is_told_of_what_has_no_callback() {
    let (app, reports, _) = start(Lifespan::builder()).await;
    let own = Reports::default();
    app.scope(async {
        timed("told", millis(1)).await;
        timed("kept", millis(2)).report(own.collect()).await;
        timed_sync("sync", || ());
    })
    .await;
    timed("outside", millis(1)).await;
    assert_eq!(reports.take().iter().map(short).collect::<Vec<_>>(), ["told 1×1/1", "sync 1×0/0"]);
    assert_eq!(own.only(), "kept 1×2/2");
}

#[derive(Clone, Event)]
struct Fed {
    fish: u64,
}

#[on(group = "below")]
#[timed("feeding")]
async fn below(event: &Fed, log: State<Log>) -> Result<(), String> {
    timed("eating", millis(event.fish)).await;
    log.write("below");
    if event.fish == 3 {
        Err("not hungry")?;
    }
    Ok(())
}

#[timed]
#[on(group = "above")]
async fn above(mut event: Fed, log: State<Log>) -> Option<Purred> {
    event.fish += 1;
    millis(event.fish).await;
    log.write("above");
    None
}

#[derive(Event)]
struct Purred;

#[timed]
#[on(group = "sync", blocking)]
fn r#blocking(_: &Fed) -> std::io::Result<()> {
    part(&mut 7);
    Ok(())
}

#[timed("a part")]
fn part(number: &mut u32) -> &mut u32 {
    *number += 1;
    number
}

async fn reports_of(group: &str) -> (Vec<String>, Vec<String>) {
    let (app, reports, log) = start(Lifespan::builder().only_groups([group])).await;
    for fish in 1..=3 {
        assert!(app.deliver(Fed { fish }).await.is_ok());
    }
    (reports.take().iter().map(short).collect(), log.take())
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_reported_at_every_call() {
    let (reports, log) = reports_of("below").await;
    let expected = [
        "feeding 1×1/1 [eating 1×1/1]",
        "feeding 1×2/2 [eating 1×2/2]",
        "feeding 1×3/3 failed: not hungry [eating 1×3/3]",
    ];
    assert_eq!(
        (&reports[..], &log[..]),
        (&expected.map(String::from)[..], &["below", "below", "below"].map(String::from)[..])
    );
}

#[tokio::test(start_paused = true)]
async fn it_may_stand_above_the_registration() {
    let (reports, log) = reports_of("above").await;
    assert_eq!(reports, ["above 1×2/2", "above 1×3/3", "above 1×4/4"]);
    assert_eq!(log, ["above", "above", "above"]);
}

#[tokio::test]
async fn functions_are_timed_as_well() {
    let (reports, _) = reports_of("sync").await;
    assert_eq!(reports.len(), 3);
    assert!(reports[0].starts_with("blocking 1×") && reports[0].contains("[a part 1×"), "{reports:?}");
}

struct Kitchen(Vec<u32>);

impl Kitchen {
    #[timed]
    async fn longest<'a>(&'a mut self, other: &'a [u32]) -> Result<&'a [u32], Box<dyn std::error::Error + 'a>> {
        if other.is_empty() {
            return Err(Box::new(std::fmt::Error));
        }
        self.0.push("7".parse()?);
        Ok(if self.0.len() > other.len() { &self.0 } else { other })
    }

    #[timed]
    fn all(&self) -> impl Iterator<Item = &u32> {
        self.0.iter()
    }

    #[timed]
    async fn first<T: Into<u64>>(self, default: T) -> Option<impl Into<u64>> {
        if self.0.is_empty() { Some(default) } else { None }
    }
}

#[tokio::test]
async fn methods_of_all_kinds_are_timed() {
    let reports = Reports::default();
    timed("root", async {
        let mut kitchen = Kitchen(vec![1]);
        assert_eq!(kitchen.longest(&[2]).await.ok(), Some(&[1, 7][..]));
        assert!(kitchen.longest(&[]).await.is_err());
        assert_eq!(kitchen.all().sum::<u32>(), 8);
        assert!(kitchen.first(1_u32).await.is_none());
    })
    .report(reports.collect())
    .await;
    let root = reports.take().remove(0);
    let calls: Vec<_> = root.children().iter().map(|child| (child.name(), child.count())).collect();
    assert_eq!(calls, [("longest", 2), ("all", 1), ("first", 1)]);
    let failed = TimingOutcome::Failed("an error occurred when formatting an argument".into());
    assert_eq!(root.children()[0].outcome(), &failed);
}
