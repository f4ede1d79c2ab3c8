//! Worker processes: this very program, started again to do nothing but work.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use events::amqp::{Amqp, AmqpQueue};
use events::{Batch, Event, Lifespan, ScopeValue, SinkExt as _, SourceExt as _, State, on};
use serde::{Deserialize, Serialize};

use super::{Seed, publish, ready};
use crate::broker::{self, Broker};
use crate::support::{Log, start_with};
use crate::until;

/// Says to the child where the broker is, which queue it reads, where it writes, and after how many lines it stops to work.
const PLAN: &str = "EVENTS_TEST_WORKER";

/// What a worker has done, a line for each: in a file, since the worker may be gone at any time.
struct Ledger {
    file: Mutex<File>,
    /// How many lines it may still write.
    left: Mutex<u32>,
}

impl Ledger {
    fn new(path: &str, lines: u32) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
        Self { file: Mutex::new(file), left: Mutex::new(lines) }
    }

    /// Writes a line; once they are used up, it does not come back.
    async fn write(&self, line: String) {
        let is_last = {
            let mut left = self.left.lock().expect("nobody panics");
            if *left > 0 {
                *left -= 1;
                self.file.lock().expect("nobody panics").write_all((line + "\n").as_bytes()).expect("written");
            }
            *left == 0
        };
        if is_last {
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Event, Serialize, Deserialize)]
struct Stored(u32);

#[on(batch = 20, within = "20ms")]
async fn store(batch: Batch<Stored>, ledger: Option<State<Ledger>>) {
    let ledger = ledger.expect("a worker has one");
    for stored in batch.iter() {
        ledger.write(format!("done {}", stored.0)).await;
    }
}

#[derive(Event, Serialize, Deserialize)]
struct Served(u32);

#[on]
async fn serve(event: &Served, raw: Option<ScopeValue<events::Message>>, ledger: Option<State<Ledger>>) {
    let ledger = ledger.expect("a worker has one");
    let again = raw.is_some_and(|raw| raw.header("amqp-redelivered") == Some("true"));
    ledger.write(format!("{} {}", if again { "again" } else { "begun" }, event.0)).await;
    // Work that is under way when the signal comes.
    tokio::time::sleep(Duration::from_millis(5)).await;
    ledger.write(format!("done {}", event.0)).await;
}

/// The child's program, which is a test of no interest where it is no child.
#[test]
fn worker() {
    let Ok(plan) = std::env::var(PLAN) else { return };
    let [url, queue, path, lines] = plan.split(' ').collect::<Vec<_>>()[..] else { panic!("{plan}") };
    // Whoever has started it is gone when its input ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(99);
    });
    let ledger = Ledger::new(path, lines.parse().expect("a number"));
    let source = Amqp::new(url).expect("a good URL").source(queue).prefetch(50).concurrency(50);
    let source = source.on_attempt(|error, attempt| println!("attempt {attempt}: {error}"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let exit = runtime.block_on(events::run(Lifespan::builder().source(source).state(ledger).state(Log::default())));
    std::process::exit(exit.code().into());
}

struct Worker {
    child: Child,
    path: PathBuf,
}

impl Worker {
    fn start(broker: &Broker, queue: &str, lines: u32) -> Self {
        let (pid, now) = (std::process::id(), Instant::now());
        let path =
            std::env::temp_dir().join(format!("events-worker-{pid}-{queue}-{now:?}").replace([' ', '{', '}', ':'], ""));
        let child = Command::new(std::env::current_exe().expect("it runs"))
            .args(["--exact", "faults::workers::worker", "--nocapture", "--test-threads=1"])
            .env(PLAN, format!("{} {queue} {} {lines}", broker.url(), path.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        Self { child, path }
    }

    /// What it has done up to now: the words before the numbers, and how often each stands there.
    fn ledger(&self) -> BTreeMap<(String, u32), u32> {
        let mut ledger = BTreeMap::new();
        for line in lines(&self.path) {
            let (word, number) = line.split_once(' ').expect("a word and a number");
            *ledger.entry((word.to_owned(), number.parse().expect("a number"))).or_default() += 1;
        }
        ledger
    }

    fn written(&self) -> usize {
        lines(&self.path).len()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("there is `kill`").success());
    }

    /// Waits until it has ended, and answers its exit code.
    async fn ended(&mut self) -> Option<i32> {
        let child = &mut self.child;
        until("the worker has ended", async || child.try_wait().expect("it is a child").is_some()).await;
        self.child.wait().expect("it has ended").code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.path);
    }
}

/// Those that are complete.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n').map(str::to_owned)).collect()
}

/// The numbers of the lines that begin with a word.
fn numbers(ledger: &BTreeMap<(String, u32), u32>, word: &str) -> Vec<u32> {
    ledger.keys().filter(|(known, _)| known == word).map(|(_, number)| *number).collect()
}

async fn shop(broker: &Broker, queue: &'static str) -> Lifespan {
    let source = broker.amqp().source(AmqpQueue::classic(queue));
    drop(events::Source::connect(&source, 1).await.expect("the queue is declared"));
    let sink = broker.amqp().sink("").routed_by(move |_| queue.into()).only();
    start_with(Lifespan::builder().sink(queue, sink)).await.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_in_the_middle_of_a_batch_leaves_it_to_the_next_one() {
    const COUNT: u32 = 1000;
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let (seed, shop) = (Seed::new(), shop(broker, "stored").await);
    let publishing = tokio::spawn(async move {
        publish(&shop, 0..COUNT, 10, Stored).await;
        shop.shutdown().await.expect("from outside")
    });
    let mut ledgers = Vec::new();
    for _ in 0..3 {
        // No multiple of the size of a batch, or all of it would be done.
        let lines = seed.pick(1..10) * 20 + seed.pick(1..20);
        let mut worker = Worker::start(broker, "stored", lines);
        until("it is in the middle of a batch", async || worker.written() == lines as usize).await;
        worker.signal("KILL");
        assert_eq!(worker.ended().await, None, "a signal has ended it");
        ledgers.push(worker.ledger());
    }
    let report = publishing.await.expect("it does not panic");
    assert_eq!((report.failed, report.aborted), (0, 0), "all are confirmed: {report}");
    let mut last = Worker::start(broker, "stored", u32::MAX);
    let with_last = || [ledgers.clone(), vec![last.ledger()]].concat();
    until("all are done", async || times(&with_last()).len() == COUNT as usize).await;
    last.signal("TERM");
    assert_eq!(last.ended().await, Some(0));
    ledgers.push(last.ledger());
    for ledger in &ledgers {
        assert!(ledger.values().all(|times| *times == 1), "no worker does anything twice: {ledger:?}");
    }
    let again: u32 = times(&ledgers).values().map(|times| times - 1).sum();
    println!("{COUNT} confirmed, all done; {again} of them again, which a worker had in hand when it was killed");
    assert!((3..=3 * 50).contains(&again), "no more than three workers can have had in hand");
    assert_eq!(ready(broker, "stored").await, 0, "all were settled");
}

/// How often each number was done by anybody.
fn times(ledgers: &[BTreeMap<(String, u32), u32>]) -> BTreeMap<u32, u32> {
    let mut all = BTreeMap::new();
    ledgers.iter().flat_map(|ledger| numbers(ledger, "done")).for_each(|number| *all.entry(number).or_default() += 1);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_told_to_end_under_load_settles_what_it_has_and_leaves_the_rest() {
    const COUNT: u32 = 3000;
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let (seed, shop) = (Seed::new(), shop(broker, "served").await);
    let publishing = tokio::spawn(async move {
        publish(&shop, 0..COUNT, 10, Served).await;
        shop.shutdown().await.expect("from outside")
    });
    let mut first = Worker::start(broker, "served", u32::MAX);
    let enough = seed.pick(50..COUNT / 2) as usize;
    until("it is under way", async || first.written() >= enough).await;
    first.signal("TERM");
    let told = Instant::now();
    assert_eq!(first.ended().await, Some(0));
    let took = told.elapsed();
    let report = publishing.await.expect("it does not panic");
    assert_eq!((report.failed, report.aborted), (0, 0), "all are confirmed: {report}");
    let mut second = Worker::start(broker, "served", u32::MAX);
    let before = first.ledger();
    let done = numbers(&before, "done");
    let rest = COUNT as usize - done.len();
    until("the rest is done", async || numbers(&second.ledger(), "done").len() >= rest).await;
    second.signal("TERM");
    assert_eq!(second.ended().await, Some(0));
    let after = second.ledger();
    let mut begun = [numbers(&before, "begun"), numbers(&before, "again")].concat();
    begun.sort_unstable();
    assert_eq!(begun, done, "what was begun was done");
    assert!(before.values().chain(after.values()).all(|times| *times == 1), "nothing is done twice by one worker");
    let account = times(&[before, after.clone()]);
    assert_eq!(account.len(), COUNT as usize, "all are done");
    assert!(account.values().all(|times| *times == 1), "what was settled by the first never comes to the second");
    println!(
        "{COUNT} confirmed, each done once; {} by the first worker, which ended {took:?} after the signal; {} of those that it \
         had not begun were delivered again",
        done.len(),
        numbers(&after, "again").len()
    );
    assert_eq!(ready(broker, "served").await, 0, "all were settled");
}
