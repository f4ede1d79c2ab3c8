//! A lifespan that tells what its handlers, its failures and its sources do.

use std::sync::Arc;
use std::time::Duration;

use events::sse::SseSource;
use events::{AnyEvent, ConfiguredSource, Failure, IntoSource, Lifespan, LifespanBuilder, SourceExt as _, State, on};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

/// Longer than anything takes, so that what never comes is told of.
pub(crate) const FOR_EVER: Duration = Duration::from_mins(1);

/// What the functions of a test tell, and what they wait for.
pub(crate) struct Story {
    told: UnboundedSender<String>,
    heard: Mutex<UnboundedReceiver<String>>,
    /// What events named `held` wait for.
    pub(crate) gate: Semaphore,
}

impl Story {
    pub(crate) fn new() -> Arc<Self> {
        let (told, heard) = unbounded_channel();
        Arc::new(Self { told, heard: Mutex::new(heard), gate: Semaphore::new(0) })
    }

    pub(crate) fn tell(&self, line: impl Into<String>) {
        self.told.send(line.into()).expect("it is heard");
    }

    /// The next lines.
    pub(crate) async fn lines(&self, count: usize) -> Vec<String> {
        let mut heard = self.heard.lock().await;
        let mut lines = Vec::new();
        while lines.len() < count {
            let line = timeout(FOR_EVER, heard.recv()).await;
            lines.extend(line.unwrap_or_else(|_| panic!("{count} lines are to come, and there are {lines:?}")));
        }
        lines
    }

    pub(crate) async fn line(&self) -> String {
        self.lines(1).await.remove(0)
    }

    /// What has been told and not been heard.
    pub(crate) async fn rest(&self) -> Vec<String> {
        let mut heard = self.heard.lock().await;
        std::iter::from_fn(|| heard.try_recv().ok()).collect()
    }
}

/// Tells of every event; some names say what it does then.
#[on("*")]
async fn tell(event: &AnyEvent, story: State<Arc<Story>>) -> Result<(), String> {
    let payload = event.json().get().map_err(ToString::to_string)?.to_owned();
    story.tell(format!("{} {payload}", event.name()));
    match event.name() {
        "held" => story.gate.acquire().await.map_err(|error| error.to_string())?.forget(),
        "failing" => return Err("it fails".into()),
        _ => {}
    }
    Ok(())
}

#[on(failure)]
fn failed(failure: &Failure, story: State<Arc<Story>>) {
    story.tell(format!("failure: {}", failure.cause()));
}

/// Starts a lifespan with a source that tells of its attempts and hardly waits between them.
pub(crate) async fn follow(source: impl IntoSource<Source = SseSource>) -> (Lifespan, Arc<Story>) {
    let story = Story::new();
    let source = telling(source, &story);
    (start(Lifespan::builder().source(source), &story).await, story)
}

pub(crate) fn telling(source: impl IntoSource<Source = SseSource>, story: &Arc<Story>) -> ConfiguredSource<SseSource> {
    let story = Arc::clone(story);
    let pauses = Duration::from_millis(1)..=Duration::from_millis(20);
    source.backoff(pauses).on_attempt(move |error, attempt| {
        let end = if error.is_permanent() { ", for good" } else { "" };
        story.tell(format!("attempt {attempt}: {error}{end}"));
    })
}

pub(crate) async fn start(builder: LifespanBuilder, story: &Arc<Story>) -> Lifespan {
    builder.state(Arc::clone(story)).start().await.expect("it starts")
}
