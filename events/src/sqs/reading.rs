//! One connection to a queue: what was received over it, until it is settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use aws_sdk_sqs::types::{self, MessageSystemAttributeName};
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument as _, Span};

use super::errand::{BATCH, Errands, PATIENCE};
use super::lease::Lease;
use super::message::{self, Original};
use super::queue::Queue;
use super::trouble::{Kind, Trouble};
use crate::format::Message;
use crate::telemetry::messaging::{counted, described};
use crate::telemetry::{Identity, Operation, spans};

/// How many calls wait for messages at a time, at most.
const POLLS: usize = 4;
/// How much longer than it was told to a call may wait.
const LATE: Duration = Duration::from_secs(15);
/// Before the next call, where calls do not wait.
const PAUSE: Duration = Duration::from_millis(100);
/// How long an extension may take at least.
const SHORTEST: Duration = Duration::from_secs(5);
/// The service keeps a message hidden no longer, counted from when it was received.
pub(super) const LONGEST: Duration = Duration::from_hours(12);

/// How messages are received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) prefetch: usize,
    /// How long the service waits for messages.
    pub(super) wait: Duration,
    /// How long nobody else gets a message.
    pub(super) visibility: Duration,
}

pub(super) struct Reading {
    pub(super) queue: Queue,
    pub(super) url: String,
    pub(super) errands: Errands,
    terms: Terms,
    runtime: Handle,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    /// All that was received and not settled, in the order in which it came.
    held: BTreeMap<u64, Held>,
    /// The groups of which a message is being handled: in a FIFO queue, the next one waits for it.
    busy: BTreeSet<String>,
    polls: usize,
    /// Those calls, and perhaps some that have ended.
    polling: Vec<JoinHandle<()>>,
    /// How many calls may wait for messages: more when they bring plenty.
    allowed: usize,
    /// How many messages they may bring.
    asked: usize,
    lost: Option<Trouble>,
    is_closed: bool,
}

struct Held {
    lease: Arc<Lease>,
    received: Instant,
    /// From then on, others may get it.
    until: Instant,
    /// In a FIFO queue.
    group: Option<String>,
    /// The service does not keep it any longer.
    is_lost: bool,
    /// What is handed out, unless it is already.
    ready: Option<Box<(Message, Original)>>,
}

/// A message that is handed out.
pub(super) struct Handed {
    pub(super) number: u64,
    pub(super) lease: Arc<Lease>,
    pub(super) message: Message,
    pub(super) original: Original,
}

impl Reading {
    /// Receives once, without waiting for messages, so that it is seen whether that can be done.
    pub(super) async fn open(queue: Queue, url: &str, terms: Terms) -> Result<Arc<Self>, Trouble> {
        let reading = Arc::new(Self {
            errands: Errands::start(queue.client(), url),
            url: url.to_owned(),
            queue,
            terms,
            runtime: Handle::current(),
            state: Mutex::new(State { allowed: 1, ..State::default() }),
            changed: Notify::new(),
        });
        reading.runtime.spawn(keep(Arc::downgrade(&reading), terms.visibility));
        let closing = Closing(Some(Arc::clone(&reading)));
        let asked = terms.prefetch.min(BATCH);
        reading.lock().ask(asked);
        // Not here, so that what comes is given back when nobody waits for it any more.
        let first = reading.runtime.spawn(Arc::clone(&reading).poll(asked, Duration::ZERO));
        first.await.map_err(|error| Trouble::passing(error.to_string()))?;
        if let Some(trouble) = reading.lock().lost.clone() {
            return Err(trouble);
        }
        Ok(closing.keep())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a message that may be handled now. Only then are messages asked for: nobody wants them while a lifespan ends.
    pub(super) async fn next(self: &Arc<Self>) -> Result<Handed, Trouble> {
        loop {
            let changed = self.changed.notified();
            self.pump();
            if let Some(handed) = self.take() {
                return Ok(handed);
            }
            if let Some(trouble) = self.lock().lost.clone() {
                return Err(trouble);
            }
            changed.await;
        }
    }

    fn take(&self) -> Option<Handed> {
        let mut state = self.lock();
        loop {
            let State { held, busy, .. } = &mut *state;
            let free = |held: &Held| held.group.as_ref().is_none_or(|group| !busy.contains(group));
            let (&number, held) = held.iter_mut().find(|(_, held)| held.ready.is_some() && free(held))?;
            if held.is_lost || held.until <= Instant::now() {
                // Somebody else has it, or gets it: here it would be handled twice.
                self.give_back(&mut state, number);
                continue;
            }
            let (message, original) = *held.ready.take()?;
            let lease = Arc::clone(&held.lease);
            busy.extend(held.group.clone());
            return Some(Handed { number, lease, message, original });
        }
    }

    /// Forgets a message that was settled. In a FIFO queue, those behind one that is not gone for good go back to the queue,
    /// so that they come after it again.
    pub(super) fn end(&self, number: u64, is_gone: bool) {
        let mut state = self.lock();
        let held = state.held.remove(&number).inspect(|held| held.lease.end());
        if let Some(group) = held.and_then(|held| held.group) {
            state.busy.remove(&group);
            if !is_gone {
                self.give_back_group(&mut state, &group);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Gives back a message that was handed out, and that nobody has settled.
    pub(super) fn abandon(&self, number: u64) {
        if let Some(held) = self.lock().held.get(&number) {
            self.errands.give_back(&held.lease);
        }
        self.end(number, false);
    }

    /// Gives back a message that was not handed out, and what stands behind it in its group.
    fn give_back(&self, state: &mut State, number: u64) {
        let Some(held) = state.held.remove(&number) else { return };
        self.errands.give_back(&held.lease);
        if let Some(group) = held.group {
            self.give_back_group(state, &group);
        }
    }

    fn give_back_group(&self, state: &mut State, group: &str) {
        let behind = |_: &u64, held: &mut Held| held.ready.is_some() && held.group.as_deref() == Some(group);
        for (_, held) in state.held.extract_if(.., behind) {
            self.errands.give_back(&held.lease);
        }
    }

    /// Takes in nothing more, and gives back what was not handed out.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        for (_, held) in state.held.extract_if(.., |_, held| held.ready.is_some()) {
            self.errands.give_back(&held.lease);
        }
    }

    /// The same, and waits until the service knows. Calls that wait for messages are given up.
    pub(super) async fn ended(&self) -> Result<(), Trouble> {
        self.close();
        let polling = std::mem::take(&mut self.lock().polling);
        polling.iter().for_each(JoinHandle::abort);
        // What one of them has brought by then is given back too.
        join_all(polling).await;
        self.errands.idle().await
    }

    /// Asks for as many messages as there is room for.
    fn pump(self: &Arc<Self>) {
        let mut state = self.lock();
        while !state.is_closed && state.lost.is_none() && state.polls < state.allowed {
            let room = self.terms.prefetch.saturating_sub(state.held.len() + state.asked);
            // Beside another one, a call is only worth it when it can bring a whole batch.
            if room == 0 || (state.polls > 0 && room < BATCH) {
                return;
            }
            let asked = room.min(BATCH);
            state.ask(asked);
            state.polling.retain(|poll| !poll.is_finished());
            let poll = self.runtime.spawn(Arc::clone(self).poll(asked, self.terms.wait));
            state.polling.push(poll);
        }
    }

    async fn poll(self: Arc<Self>, asked: usize, wait: Duration) {
        let span = spans::receive(&self.queue.label());
        described(&span, Operation::Receive, || self.queue.destination(), &Identity::default());
        let received = self.receive(asked, wait).instrument(span.clone()).await;
        told(&span, &received);
        drop(span);
        let count = self.take_in(asked, received);
        if count == 0 && wait.is_zero() && self.terms.wait.is_zero() {
            sleep(PAUSE).await;
        }
        self.lock().polls -= 1;
        self.changed.notify_waiters();
    }

    async fn receive(&self, asked: usize, wait: Duration) -> Result<Vec<types::Message>, Trouble> {
        let call = self.queue.client().receive_message().queue_url(&self.url);
        let call = call.max_number_of_messages(i32::try_from(asked).unwrap_or(1)).wait_time_seconds(seconds(wait));
        let call = call.visibility_timeout(seconds(self.terms.visibility)).message_attribute_names("All");
        let call = call.message_system_attribute_names(MessageSystemAttributeName::All);
        let (what, limit) = (format!("cannot read queue `{}`", self.queue.name()), wait + LATE);
        let late = |_| Trouble::late(format!("{what}: the service has not answered within {limit:?}"));
        let answer = timeout(limit, call.send()).await.map_err(late)?;
        Ok(answer.map_err(|error| Trouble::of_call(&what, &error))?.messages.unwrap_or_default())
    }

    /// Answers how many messages there were.
    fn take_in(&self, asked: usize, received: Result<Vec<types::Message>, Trouble>) -> usize {
        let now = Instant::now();
        let mut state = self.lock();
        state.asked -= asked;
        let messages = received.unwrap_or_else(|trouble| {
            state.lost = Some(trouble);
            Vec::new()
        });
        let count = messages.len();
        state.allowed = if count == BATCH { POLLS.min(state.allowed + 1) } else { 1 };
        for message in messages {
            let held = Held::new(message, &self.queue, now + self.terms.visibility);
            if state.is_closed {
                self.errands.give_back(&held.lease);
                continue;
            }
            let number = state.next;
            state.next += 1;
            state.held.insert(number, held);
        }
        drop(state);
        self.changed.notify_waiters();
        count
    }

    /// For how long a message can be kept hidden, from now on.
    pub(super) fn limit(&self, number: u64) -> Duration {
        let state = self.lock();
        state.held.get(&number).map_or(Duration::ZERO, |held| held.limit(Instant::now()))
    }

    /// Keeps all that is half the way to where others may get it.
    async fn extend(&self) {
        let (now, whole) = (Instant::now(), self.terms.visibility);
        let due = |(number, held): (&u64, &Held)| {
            let length = Duration::from_secs(whole.min(held.limit(now)).as_secs());
            let is_due = !held.is_lost && held.until <= now + whole / 2 && !length.is_zero();
            is_due.then(|| (*number, Arc::clone(&held.lease), length))
        };
        let due: Vec<_> = self.lock().held.iter().filter_map(due).collect();
        // No longer, so that it does not take along what is due next.
        let until = now + (whole / 4).clamp(SHORTEST, PATIENCE);
        let extended = due.into_iter().map(|(number, lease, length)| async move {
            let hidden = self.errands.extend(&lease, seconds(length), until).await;
            self.extended(number, hidden.map(|()| now + length));
        });
        join_all(extended).await;
    }

    fn extended(&self, number: u64, hidden: Result<Instant, Trouble>) {
        let mut state = self.lock();
        let Some(held) = state.held.get_mut(&number) else { return };
        match hidden {
            Ok(until) => held.until = until,
            Err(trouble) => {
                held.is_lost = trouble.kind != Kind::Passing;
                let queue = self.queue.name();
                tracing::warn!(target: "events", queue, error = %trouble, "a message may be delivered twice");
            }
        }
    }
}

impl Held {
    fn new(mut message: types::Message, queue: &Queue, until: Instant) -> Self {
        let lease = Lease::new(message.receipt_handle.take().unwrap_or_default());
        let (message, original) = message::received(message);
        let group = original.group.clone().filter(|_| queue.is_fifo());
        let ready = Some(Box::new((message, original)));
        Self { lease, received: Instant::now(), until, group, is_lost: false, ready }
    }

    fn limit(&self, now: Instant) -> Duration {
        (self.received + LONGEST).saturating_duration_since(now)
    }
}

impl State {
    fn ask(&mut self, asked: usize) {
        self.polls += 1;
        self.asked += asked;
    }
}

/// Closes the connection of somebody who does not wait until it is open.
struct Closing(Option<Arc<Reading>>);

impl Closing {
    fn keep(mut self) -> Arc<Reading> {
        self.0.take().expect("it is taken once")
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(reading) = &self.0 {
            reading.close();
        }
    }
}

/// Keeps what is under way, for as long as anybody has the connection.
async fn keep(reading: Weak<Reading>, visibility: Duration) {
    loop {
        // A few times before it is too late.
        sleep(visibility / 8).await;
        let Some(reading) = reading.upgrade() else { return };
        reading.extend().await;
    }
}

/// Says what has come of a call.
fn told(span: &Span, received: &Result<Vec<types::Message>, Trouble>) {
    match received {
        Ok(messages) => {
            span.record("messages", messages.len());
            counted(span, messages.len());
            for message in messages {
                message::trace(message).link(span);
            }
            spans::ended(span, spans::OK);
        }
        Err(trouble) => {
            span.record("messages", 0);
            spans::ended(span, trouble.word());
        }
    }
}

/// Whole seconds, as the service counts them.
pub(super) fn seconds(length: Duration) -> i32 {
    i32::try_from(length.as_secs()).unwrap_or(i32::MAX)
}
