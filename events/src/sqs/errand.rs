//! Small calls about messages that were received, ten in one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::trouble::{Kind, Trouble};

/// How many entries one call has.
pub(super) const BATCH: usize = 10;
/// How many calls of one kind are under way at a time.
const CALLS: usize = 4;
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How often an entry is tried that the service could not do.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// What is to be done about one message.
#[derive(Debug)]
struct Errand {
    receipt: String,
    /// How long nobody gets the message from now on, where it is to be hidden.
    seconds: i32,
    /// Where somebody waits.
    answer: Option<oneshot::Sender<Result<(), Trouble>>>,
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
}

impl Errands {
    pub(super) fn start(client: &Client, url: &str) -> Self {
        let [deletes, hides] = [Call::Delete, Call::Hide].map(|call| {
            // Bounded by the messages that are under way: at most one errand ends each, and one keeps it.
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(run(call, receiver, client.clone(), url.into()));
            sender
        });
        Self { deletes, hides }
    }

    /// Takes the message out of the queue.
    pub(super) async fn delete(&self, receipt: String) -> Result<(), Trouble> {
        wait(&self.deletes, receipt, 0).await
    }

    /// Has nobody get the message for so many seconds from now on.
    pub(super) async fn hide(&self, receipt: String, seconds: i32) -> Result<(), Trouble> {
        wait(&self.hides, receipt, seconds).await
    }

    /// Has others get the message, without waiting for that.
    pub(super) fn give_back(&self, receipt: String) {
        let _ = self.hides.send(Errand { receipt, seconds: 0, answer: None });
    }
}

async fn wait(errands: &mpsc::UnboundedSender<Errand>, receipt: String, seconds: i32) -> Result<(), Trouble> {
    let (answer, answered) = oneshot::channel();
    // Where nobody reads it, the runtime has ended, and the sender of the answer is dropped.
    let _ = errands.send(Errand { receipt, seconds, answer: Some(answer) });
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
            perform(call, batch, &client, &url).await;
            drop(place);
        });
    }
}

/// Tries until each entry is done, or cannot be, or was tried often enough.
async fn perform(call: Call, mut left: Vec<Errand>, client: &Client, url: &str) {
    for attempt in 1..=ATTEMPTS {
        let mut again = Vec::new();
        let answers = match timeout(CALL_TIMEOUT, call.try_all(&left, client, url)).await {
            Ok(answers) => answers,
            Err(_) => Err(Trouble::passing(format!("the service has not answered within {CALL_TIMEOUT:?}"))),
        };
        for (index, errand) in left.into_iter().enumerate() {
            let answer = match &answers {
                // The client has tried the call again already.
                Err(trouble) => Err(trouble.clone()),
                Ok(failed) => failed.get(&index).map_or(Ok(()), |trouble| Err(trouble.clone())),
            };
            let entry = answers.is_ok() && answer.as_ref().is_err_and(|trouble| trouble.kind == Kind::Passing);
            if entry && attempt < ATTEMPTS {
                again.push(errand);
            } else {
                errand.end(answer);
            }
        }
        if again.is_empty() {
            return;
        }
        left = again;
        sleep(PAUSE * attempt).await;
    }
}

impl Errand {
    fn end(self, answer: Result<(), Trouble>) {
        match self.answer {
            Some(sender) => drop(sender.send(answer)),
            None => {
                if let Err(trouble) = answer {
                    tracing::debug!(target: "events", error = %trouble, "a message comes again later than it could");
                }
            }
        }
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
        let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(&errand.receipt);
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
        let entry = entry.receipt_handle(&errand.receipt).visibility_timeout(errand.seconds);
        call = call.entries(entry.build().map_err(|error| Trouble::passing(error.to_string()))?);
    }
    let done = call.send().await.map_err(|error| Trouble::of_call(what, &error))?;
    Ok(failed(what, &done.failed))
}

fn failed(what: &str, entries: &[BatchResultErrorEntry]) -> Failed {
    let known = |entry: &BatchResultErrorEntry| Some((entry.id().parse().ok()?, Trouble::of_entry(what, entry)));
    entries.iter().filter_map(known).collect()
}
