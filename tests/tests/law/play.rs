//! Does to a lifespan what a tree says.

use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use events::{InScopeExt as _, Lifespan, OnError, Scope, ShutdownReport};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::handlers::{offer, offer_delivery, offer_outside};
use super::ledger::{Answer, Book, Ledger};
use super::tree::{Carrier, Case, End, Ends, Note, ScopePlan, Step};

/// How time passes: on one thread it is virtual and all is decided by the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    Virtual,
    Real,
}

/// The scope's place in the ledger, as a value of the scope.
pub(crate) struct ScopeTag {
    pub(crate) id: usize,
}

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) clock: Clock,
    /// How many roots and tasks are at work.
    busy: AtomicUsize,
    /// Whether none was when the end began.
    was_idle: AtomicBool,
    random: AtomicU64,
}

impl World {
    fn new(seed: u64, clock: Clock) -> Self {
        let (busy, was_idle, random) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicU64::new(seed | 1));
        Self { ledger: Ledger::default(), clock, busy, was_idle, random }
    }

    fn is_idle(&self) -> bool {
        self.busy.load(Ordering::Acquire) == 0
    }

    /// Whether a shutdown hook finds the lifespan empty, where its end was not forced. Scopes may be opened until the very
    /// end: what is not waited for may dispatch behind the last look at the gate, and be gone when the hook looks here. In one
    /// thread nobody has a turn in between; in two, all must have been gone before.
    pub(crate) fn is_empty_at_end(&self) -> bool {
        match self.clock {
            Clock::Virtual => self.is_idle(),
            Clock::Real => self.was_idle.load(Ordering::Acquire),
        }
    }

    /// Lets the others have their turn: so many times, and up to three more.
    pub(crate) async fn give_way(&self, times: u8) {
        let step = |mut state: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            Some(state ^ (state << 17))
        };
        let drawn = self.random.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or_default();
        for _ in 0..u64::from(times) + (drawn >> 32) % 4 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits for ever, or not at all where time is real.
    pub(crate) async fn stay(&self) {
        if self.clock == Clock::Virtual {
            pending::<()>().await;
        }
    }
}

/// How a future ended.
pub(crate) enum Driven<T> {
    Done(T),
    Cut,
    Panicked,
}

impl<T> Driven<T> {
    pub(crate) fn done(self, world: &World) -> Option<T> {
        match self {
            Self::Done(value) => return Some(value),
            Self::Cut => {}
            Self::Panicked => world.ledger.complain("a panic reached the caller of `deliver`".into()),
        }
        None
    }
}

/// Polls a future to its end, or drops it after so many polls.
pub(crate) async fn drive<F: Future>(future: F, polls: Option<u8>, mut on_pending: impl FnMut()) -> Driven<F::Output> {
    let (mut future, mut polled) = (Box::pin(future), 0);
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Err(_) => Poll::Ready(Driven::Panicked),
        Ok(Poll::Ready(value)) => Poll::Ready(Driven::Done(value)),
        Ok(Poll::Pending) => {
            on_pending();
            polled += 1;
            if Some(polled) == polls { Poll::Ready(Driven::Cut) } else { Poll::Pending }
        }
    })
    .await
}

/// What a task holds while it is at work.
struct Busy(Arc<World>);

impl Busy {
    fn new(world: &Arc<World>) -> Self {
        world.busy.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(world))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Dispatches where it is dropped.
struct AtDrop(Arc<World>, Note);

impl Drop for AtDrop {
    fn drop(&mut self) {
        offer(&self.0, &self.1);
    }
}

#[derive(Clone)]
struct Player {
    app: Lifespan,
    world: Arc<World>,
    /// Whoever has received nothing but the end knows that all tasks are gone.
    _alive: mpsc::Sender<()>,
}

type Playing = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Player {
    /// A future that has nothing to do with the player's own life.
    fn steps(&self, steps: &[Step]) -> Playing {
        let (player, steps) = (self.clone(), steps.to_vec());
        Box::pin(async move {
            let mut at_drop = Vec::new();
            for step in &steps {
                player.step(step, &mut at_drop).await;
            }
        })
    }

    async fn step(&self, step: &Step, at_drop: &mut Vec<AtDrop>) {
        match step {
            Step::Yield(times) => self.world.give_way(*times).await,
            Step::Sleep(millis) => match self.world.clock {
                Clock::Virtual => tokio::time::sleep(Duration::from_millis((*millis).into())).await,
                Clock::Real => self.world.give_way(4).await,
            },
            Step::Deliver(note, polls) => offer_delivery(&self.world, note, *polls).await,
            Step::Scope(plan) => self.scope(plan).await,
            Step::Task { carrier, joined, steps } => self.task(*carrier, *joined, steps).await,
            Step::Flush(polls) => self.flush(*polls).await,
            Step::AtDrop(note) => at_drop.push(AtDrop(Arc::clone(&self.world), note.clone())),
            Step::Dispatch(_) | Step::Outside(_) | Step::Discard => self.step_at_once(step),
        }
    }

    /// What can be done without waiting.
    fn step_at_once(&self, step: &Step) {
        match step {
            Step::Dispatch(note) => offer(&self.world, note),
            Step::Outside(note) => offer_outside(&self.app, &self.world, note),
            Step::AtDrop(note) => drop(AtDrop(Arc::clone(&self.world), note.clone())),
            Step::Discard => self.discard(),
            _ => {}
        }
    }

    async fn scope(&self, plan: &ScopePlan) {
        let (ends, steps) = (plan.ends, self.steps(&plan.steps));
        let work = async move {
            steps.await;
            match ends {
                Ends::Well => Ok(()),
                Ends::Error => Err(()),
                Ends::Panic => resume_unwind(Box::new("the work was told to panic")),
            }
        };
        let id = self.world.ledger.new_scope();
        let policy = if plan.discards { OnError::Discard } else { OnError::Deliver };
        let driven = drive(self.app.scope(work).value(ScopeTag { id }).on_error(policy), plan.cut, || ()).await;
        let was_cut = matches!(driven, Driven::Cut);
        let failed = match (driven, ends) {
            (Driven::Cut, _) | (Driven::Done(Ok(())), Ends::Well) => false,
            (Driven::Done(Err(())), Ends::Error) | (Driven::Panicked, Ends::Panic) => true,
            _ => return self.world.ledger.complain(format!("scope {id} did not answer what its work did")),
        };
        let mut book = self.world.ledger.book();
        let forgets = failed && plan.discards;
        book.scopes[id].discards_rest = forgets;
        if !(was_cut || forgets) {
            book.scopes[id].left_behind =
                book.scopes[id].queue.iter().copied().filter(|id| book.is_at_work(*id)).collect();
        }
    }

    async fn task(&self, carrier: Carrier, joined: bool, steps: &[Step]) {
        let busy = Busy::new(&self.world);
        let work = self.steps(steps);
        let task = async move {
            let _busy = busy;
            work.await;
        };
        let spawned = match carrier {
            Carrier::Spawn => events::spawn(task).ok(),
            Carrier::InScope => Some(tokio::spawn(task.in_scope())),
            Carrier::Lifespan => self.app.spawn(task).ok(),
            Carrier::Blocking => {
                self.world.ledger.book().threads = true;
                let (player, steps, busy) = (self.clone(), steps.to_vec(), Busy::new(&self.world));
                let work = move || {
                    let _busy = busy;
                    for step in &steps {
                        player.step_at_once(step);
                    }
                };
                events::spawn_blocking(work).ok()
            }
        };
        if let (Some(spawned), true) = (spawned, joined) {
            // A task that panics is the business of its own steps.
            let _ = spawned.await;
        }
    }

    async fn flush(&self, polls: Option<u8>) {
        let (world, scope) = (&self.world, Scope::current());
        let Some((scope, tag)) = scope.and_then(|scope| Some((scope.clone(), scope.value::<ScopeTag>()?.id))) else {
            return;
        };
        let flush = async {
            {
                let mut book = world.ledger.book();
                let queued = std::mem::take(&mut book.scopes[tag].queue);
                book.scopes[tag].flushed.push(queued);
            }
            let _delivery = scope.flush().await;
        };
        drive(flush, polls, || ()).await.done(world);
    }

    fn discard(&self) {
        let Some(scope) = Scope::current() else { return };
        let Some(tag) = scope.value::<ScopeTag>().map(|tag| tag.id) else { return };
        let count = scope.discard();
        let mut book = self.world.ledger.book();
        let queued = std::mem::take(&mut book.scopes[tag].queue);
        let sure = queued.iter().filter(|id| book.events[**id].answer == Answer::Accepted);
        let known = sure.filter(|id| book.events[**id].note.kind.is_delivered()).count();
        if !book.threads && !(known..=queued.len()).contains(&count) {
            book.complaints.push(format!("scope {tag} discarded {count} events, of {queued:?}"));
        }
        book.scopes[tag].raced |= book.threads;
        book.scopes[tag].discarded.extend(queued);
    }
}

/// What can be said at the end.
pub(crate) struct Outcome {
    pub(crate) book: Book,
    pub(crate) report: ShutdownReport,
}

/// Runs a case on a runtime of its own, to the end of the runtime.
pub(crate) fn play(case: &Case, clock: Clock) -> Outcome {
    let world = Arc::new(World::new(case.seed, clock));
    world.ledger.book().threads = clock == Clock::Real;
    let runtime = runtime(clock);
    let report = runtime.block_on(run(case, &world));
    drop(runtime);
    let book = world.ledger.book().clone();
    Outcome { book, report }
}

fn runtime(clock: Clock) -> Runtime {
    let built = match clock {
        Clock::Virtual => Builder::new_current_thread().enable_time().start_paused(true).build(),
        Clock::Real => Builder::new_multi_thread().worker_threads(2).enable_time().build(),
    };
    built.expect("a runtime")
}

async fn run(case: &Case, world: &Arc<World>) -> ShutdownReport {
    let builder = Lifespan::builder().max_pending(case.max_pending).max_hops(case.max_hops);
    let builder = builder.max_at_work(case.max_at_work).shutdown_deadline(Duration::from_hours(1));
    let app = builder.state(Arc::clone(world)).start().await.expect("a lifespan");
    let (alive, mut gone) = mpsc::channel(1);
    let player = Player { app: app.clone(), world: Arc::clone(world), _alive: alive };
    let mut roots = JoinSet::new();
    for root in &case.roots {
        let (busy, work) = (Busy::new(world), player.steps(std::slice::from_ref(root)));
        roots.spawn(async move {
            let _busy = busy;
            work.await;
        });
    }
    drop(player);
    match case.until_end {
        Some(turns) => {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        }
        None => {
            // A root may wait for a handler that never ends.
            let ended = async { while roots.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(Duration::from_hours(1), ended).await;
        }
    }
    world.was_idle.store(world.is_idle(), Ordering::Release);
    let report = match case.end {
        End::Drain => app.shutdown().await,
        End::NoDeadline => app.shutdown_within(Duration::ZERO).await,
        End::Abort => {
            app.abort();
            app.shutdown().await
        }
    };
    let rest = async {
        while roots.join_next().await.is_some() {}
        gone.recv().await
    };
    if tokio::time::timeout(Duration::from_mins(10), rest).await.is_err() {
        world.ledger.complain("some root or task never ended".into());
    }
    report.expect("from outside")
}
