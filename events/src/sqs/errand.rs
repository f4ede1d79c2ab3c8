//! Small calls about messages that were received, ten in one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::lease::{Extending, Lease};
use super::trouble::{Kind, Trouble};

/// How many entries one call has.
pub(super) const BATCH: usize = 10;
/// How long a settlement may take, all that it needs together: less than whoever waits for it does.
pub(super) const PATIENCE: Duration = Duration::from_secs(25);
/// How many calls of one kind are under way at a time.
const CALLS: usize = 4;
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often an entry is tried that the service could not do.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// What is to be done about one message.
#[derive(Debug)]
pub(super) struct Errand {
    lease: Arc<Lease>,
    /// How long nobody gets the message from now on, where it is to be hidden.
    seconds: i32,
    /// Nothing is done about it later.
    until: Instant,
    /// Where somebody waits.
    answer: Option<oneshot::Sender<Result<(), Trouble>>>,
    /// Where the message is to be kept.
    extending: Option<Extending>,
    under_way: UnderWay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Delete,
    Hide,
}

/// Does what it is told about messages of one queue, until it is dropped and nothing is left to do.
#[derive(Debug)]
pub(super) struct Errands {
    deletes: mpsc::UnboundedSender<Errand>,
    hides: mpsc::UnboundedSender<Errand>,
    ledger: Arc<Ledger>,
}

/// What is not done yet, and what was not done that nobody has waited for.
#[derive(Debug, Default)]
struct Ledger {
    under_way: watch::Sender<usize>,
    lost: Mutex<Option<Trouble>>,
}

/// Counts an errand until it is dropped.
#[derive(Debug)]
struct UnderWay(Arc<Ledger>);

impl Errands {
    pub(super) fn start(client: &Client, url: &str) -> Self {
        let [deletes, hides] = [Call::Delete, Call::Hide].map(|call| {
            // Bounded by the messages that are under way: at most one errand ends each, and one keeps it.
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(run(call, receiver, client.clone(), url.into()));
            sender
        });
        Self { deletes, hides, ledger: Arc::default() }
    }

    /// Takes the message out of the queue.
    pub(super) async fn delete(&self, lease: &Arc<Lease>, until: Instant) -> Result<(), Trouble> {
        let (errand, answered) = self.errand(lease, 0, until);
        let _ = self.deletes.send(errand);
        answer(answered).await
    }

    /// Has nobody get the message for so many seconds from now on, and does not keep it any longer.
    pub(super) async fn hide(&self, lease: &Arc<Lease>, seconds: i32, until: Instant) -> Result<(), Trouble> {
        let (errand, answered) = self.errand(lease, seconds, until);
        self.let_go(errand);
        answer(answered).await
    }

    /// Keeps the message for so many seconds from now on, unless it is settled.
    pub(super) async fn extend(&self, lease: &Arc<Lease>, seconds: i32, until: Instant) -> Result<(), Trouble> {
        let Some(extending) = lease.extend() else { return Ok(()) };
        let (mut errand, answered) = self.errand(lease, seconds, until);
        errand.extending = Some(extending);
        let _ = self.hides.send(errand);
        answer(answered).await
    }

    /// Has others get the message, without waiting for that.
    pub(super) fn give_back(&self, lease: &Arc<Lease>) {
        let (mut errand, _) = self.errand(lease, 0, Instant::now() + PATIENCE);
        errand.answer = None;
        self.let_go(errand);
    }

    /// Waits until nothing is left to do. Answers what could not be done that nobody has waited for.
    pub(super) async fn idle(&self) -> Result<(), Trouble> {
        // The sender is here: it cannot be closed.
        let _ = self.ledger.under_way.subscribe().wait_for(|count| *count == 0).await;
        let lost = self.ledger.lost.lock().unwrap_or_else(PoisonError::into_inner).take();
        lost.map_or(Ok(()), Err)
    }

    fn let_go(&self, errand: Errand) {
        let lease = Arc::clone(&errand.lease);
        if let Some(errand) = lease.let_go(errand) {
            let _ = self.hides.send(errand);
        }
    }

    fn errand(&self, lease: &Arc<Lease>, seconds: i32, until: Instant) -> (Errand, Answered) {
        let (answer, answered) = oneshot::channel();
        let (lease, answer, under_way) = (Arc::clone(lease), Some(answer), UnderWay::new(&self.ledger));
        (Errand { lease, seconds, until, answer, extending: None, under_way }, answered)
    }
}

type Answered = oneshot::Receiver<Result<(), Trouble>>;

async fn answer(answered: Answered) -> Result<(), Trouble> {
    // Where nobody reads the errands, the runtime has ended, and the sender of the answer is dropped.
    answered.await.unwrap_or_else(|_| Err(Trouble::passing("the runtime has ended")))
}

async fn run(call: Call, mut errands: mpsc::UnboundedReceiver<Errand>, client: Client, url: Arc<str>) {
    let places = Arc::new(Semaphore::new(CALLS));
    // Whoever comes while all places are taken goes together with others.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let mut batch = Vec::with_capacity(BATCH);
        if errands.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let (client, url) = (client.clone(), Arc::clone(&url));
        tokio::spawn(async move {
            while !batch.is_empty() {
                batch = perform(call, batch, &client, &url).await;
            }
            drop(place);
        });
    }
}

/// Tries until each entry is done, or cannot be, or was tried often enough. Answers what has waited for that.
async fn perform(call: Call, mut left: Vec<Errand>, client: &Client, url: &str) -> Vec<Errand> {
    let mut behind = Vec::new();
    for attempt in 1..=ATTEMPTS {
        left = sorted_out(left, &mut behind);
        let Some(first) = left.iter().map(|errand| errand.until).min() else { break };
        let begun = Instant::now();
        let limit = first.min(begun + CALL_TIMEOUT);
        let answers = timeout_at(limit, call.try_all(&left, client, url)).await;
        let mut again = Vec::new();
        for (index, errand) in left.into_iter().enumerate() {
            let (answer, is_final) = match &answers {
                Err(_) => (Err(late(limit - begun)), false),
                // The client has tried the call again already.
                Ok(Err(trouble)) => (Err(trouble.clone()), true),
                Ok(Ok(failed)) => (failed.get(&index).map_or(Ok(()), |trouble| Err(trouble.clone())), false),
            };
            let is_passing = answer.as_ref().is_err_and(|trouble| trouble.kind == Kind::Passing);
            if is_passing && !is_final && attempt < ATTEMPTS && errand.until > Instant::now() {
                again.push(errand);
            } else {
                behind.extend(errand.end(answer));
            }
        }
        if again.is_empty() {
            break;
        }
        left = again;
        sleep(PAUSE * attempt).await;
    }
    behind
}

/// Ends those that nobody wants any more, and those whose time is over.
fn sorted_out(errands: Vec<Errand>, behind: &mut Vec<Errand>) -> Vec<Errand> {
    let now = Instant::now();
    let (done, left) = errands.into_iter().partition(|errand| errand.is_settled() || errand.until <= now);
    let done: Vec<Errand> = done;
    for errand in done {
        let answer = if errand.is_settled() { Ok(()) } else { Err(late(PATIENCE)) };
        behind.extend(errand.end(answer));
    }
    left
}

fn late(limit: Duration) -> Trouble {
    Trouble::passing(format!("the service has not answered within {limit:?}"))
}

impl Errand {
    /// Whether it would keep a message that is settled.
    fn is_settled(&self) -> bool {
        self.extending.is_some() && self.lease.is_over()
    }

    /// Answers what has waited for it.
    fn end(self, answer: Result<(), Trouble>) -> Option<Errand> {
        match self.answer {
            Some(sender) => drop(sender.send(answer)),
            None => {
                if let Err(trouble) = answer {
                    tracing::debug!(target: "events", error = %trouble, "a message comes again later than it could");
                    self.under_way.lost(trouble);
                }
            }
        }
        self.extending.and_then(|extending| extending.end())
    }
}

impl UnderWay {
    fn new(ledger: &Arc<Ledger>) -> Self {
        ledger.under_way.send_modify(|count| *count += 1);
        Self(Arc::clone(ledger))
    }

    fn lost(&self, trouble: Trouble) {
        *self.0.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|count| *count -= 1);
    }
}

/// Which entries have failed.
type Failed = HashMap<usize, Trouble>;

impl Call {
    async fn try_all(self, errands: &[Errand], client: &Client, url: &str) -> Result<Failed, Trouble> {
        match self {
            Self::Delete => delete(errands, client, url).await,
            Self::Hide => hide(errands, client, url).await,
        }
    }
}

async fn delete(errands: &[Errand], client: &Client, url: &str) -> Result<Failed, Trouble> {
    let what = "the message cannot be deleted";
    let mut call = client.delete_message_batch().queue_url(url);
    for (index, errand) in errands.iter().enumerate() {
        let entry =
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(&errand.lease.receipt);
        call = call.entries(entry.build().map_err(|error| Trouble::passing(error.to_string()))?);
    }
    let done = call.send().await.map_err(|error| Trouble::of_call(what, &error))?;
    Ok(failed(what, &done.failed))
}

async fn hide(errands: &[Errand], client: &Client, url: &str) -> Result<Failed, Trouble> {
    let what = "the visibility time-out of the message cannot be changed";
    let mut call = client.change_message_visibility_batch().queue_url(url);
    for (index, errand) in errands.iter().enumerate() {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
        let entry = entry.receipt_handle(&errand.lease.receipt).visibility_timeout(errand.seconds);
        call = call.entries(entry.build().map_err(|error| Trouble::passing(error.to_string()))?);
    }
    let done = call.send().await.map_err(|error| Trouble::of_call(what, &error))?;
    Ok(failed(what, &done.failed))
}

fn failed(what: &str, entries: &[BatchResultErrorEntry]) -> Failed {
    let known = |entry: &BatchResultErrorEntry| Some((entry.id().parse().ok()?, Trouble::of_entry(what, entry)));
    entries.iter().filter_map(known).collect()
}
