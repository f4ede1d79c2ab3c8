//! A stream of messages, and all that are with us until they are settled, which may be long after the stream has ended.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendError;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tonic::Streaming;

use super::fault::Fault;
use super::leases::{Leases, Waiting};
use super::message;
use super::proto::{PubsubMessage, ReceivedMessage, StreamingPullRequest, StreamingPullResponse};
use super::service::Link;
use super::settle::{self, Answer, Fate, IDS, ROLE, Told, Unsettleds};
use super::source::PubSubSettle;
use crate::source::{Received, SourceError};

/// How often the service hears of a stream that it has nothing to send over: it ends those that it hears nothing of.
const PING_PERIOD: Duration = Duration::from_secs(30);

pub(super) type Arrival = Result<Received<PubSubSettle>, SourceError>;

/// What is said about a message that was handed on.
pub(super) struct Command {
    pub(super) id: String,
    pub(super) fate: Fate,
    pub(super) answer: Option<Answer>,
}

/// A stream that was asked for. The service answers when it has something to say.
pub(super) enum Pull {
    Opening(BoxFuture<'static, Result<Streaming<StreamingPullResponse>, Fault>>),
    Open(Box<Streaming<StreamingPullResponse>>),
    Ended,
}

/// What a session needs.
pub(super) struct Setup {
    pub(super) link: Link,
    pub(super) subscription: Arc<str>,
    pub(super) pull: Pull,
    /// What the service hears over the stream. It is open on both sides, and so ends on both.
    pub(super) pings: Option<mpsc::Sender<StreamingPullRequest>>,
    pub(super) prefetch: usize,
    pub(super) deadline: Duration,
    pub(super) longest: Duration,
}

/// A session that runs.
pub(super) struct Running {
    pub(super) arriving: mpsc::Receiver<Arrival>,
    /// As long as it is there, messages may be handed on.
    pub(super) commanding: mpsc::UnboundedSender<Command>,
    pub(super) task: JoinHandle<Option<String>>,
}

pub(super) struct Session {
    setup: Setup,
    leases: Leases,
    /// Where messages are handed on. There is room for one, so that it is known which have been.
    arrivals: mpsc::Sender<Arrival>,
    commands: mpsc::UnboundedReceiver<Command>,
    /// Each message that is handed on has a sender of its own: behind the last one there are no commands any more.
    commanding: mpsc::WeakUnboundedSender<Command>,
    done: Unsettleds,
    again: Unsettleds,
    telling: FuturesUnordered<BoxFuture<'static, Told>>,
    /// Those whose deadlines are being extended: what gives one of them back waits, or it might come to the service before that.
    extending: HashSet<String>,
    /// Why the stream has ended, as long as nobody was told.
    lost: Option<Fault>,
}

enum Step {
    Pulled(Result<Option<StreamingPullResponse>, Fault>),
    /// There is room to hand something on, or nobody left.
    Room(Result<(), SendError<()>>),
    Commanded(Option<Command>),
    Told(Told),
    Left,
    Tick,
    Ping,
}

impl Pull {
    /// Waits until the service has answered.
    pub(super) async fn opened(&mut self) -> Result<(), Fault> {
        if let Self::Opening(opening) = self {
            let opened = opening.await?;
            *self = Self::Open(Box::new(opened));
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<StreamingPullResponse>, Fault> {
        self.opened().await?;
        match self {
            Self::Open(stream) => stream.message().await.map_err(|status| Fault::answered(&status, ROLE)),
            Self::Opening(_) | Self::Ended => Ok(None),
        }
    }
}

impl Session {
    /// Runs until the source has left, and all that it was given is settled. It answers what could not be given back, if so.
    pub(super) fn spawn(setup: Setup) -> Running {
        let (arrivals, arriving) = mpsc::channel(1);
        // Each message is the subject of one command at most, so that the prefetch bounds these too.
        let (commanding, commands) = mpsc::unbounded_channel();
        let session = Self {
            leases: Leases::new(setup.deadline, setup.longest),
            setup,
            arrivals,
            commands,
            commanding: commanding.downgrade(),
            done: Unsettleds::new(Fate::Done),
            again: Unsettleds::new(Fate::Again),
            telling: FuturesUnordered::new(),
            extending: HashSet::new(),
            lost: None,
        };
        Running { arriving, commanding, task: tokio::spawn(session.run()) }
    }

    async fn run(mut self) -> Option<String> {
        let (mut ticks, mut pings) = (every(self.leases.period()), every(PING_PERIOD));
        let mut is_commanded = true;
        while is_commanded || !(self.done.is_empty() && self.again.is_empty()) {
            match self.step(is_commanded, &mut ticks, &mut pings).await {
                Step::Pulled(Ok(Some(response))) => self.keep(response),
                Step::Pulled(Ok(None)) => self.end(Fault::unreachable("the service has ended the stream")),
                Step::Pulled(Err(fault)) => self.end(fault),
                Step::Room(Ok(())) => self.hand_on(),
                Step::Room(Err(_)) | Step::Left => self.leave(),
                Step::Commanded(Some(command)) => self.obey(command),
                Step::Commanded(None) => {
                    is_commanded = false;
                    self.leave();
                }
                Step::Told(told) => self.hear(told),
                Step::Tick => self.extend(),
                Step::Ping => self.ping(),
            }
            self.tell();
        }
        self.again.lost()
    }

    async fn step(&mut self, is_commanded: bool, ticks: &mut Interval, pings: &mut Interval) -> Step {
        let is_pulling = !matches!(self.setup.pull, Pull::Ended) && self.leases.waiting() < self.setup.prefetch;
        let has_arrival = self.leases.has_ready() || (self.lost.is_some() && self.leases.waiting() == 0);
        let is_left = self.arrivals.is_closed();
        tokio::select! {
            pulled = self.setup.pull.next(), if is_pulling => Step::Pulled(pulled),
            room = self.arrivals.reserve(), if has_arrival && !is_left => Step::Room(room.map(drop)),
            command = self.commands.recv(), if is_commanded => Step::Commanded(command),
            Some(told) = self.telling.next() => Step::Told(told),
            () = self.arrivals.closed(), if !matches!(self.setup.pull, Pull::Ended) || has_arrival => Step::Left,
            _ = ticks.tick() => Step::Tick,
            _ = pings.tick() => Step::Ping,
        }
    }

    /// Takes what the service has sent.
    fn keep(&mut self, response: StreamingPullResponse) {
        let is_ordered = response.subscription_properties.is_some_and(|known| known.message_ordering_enabled);
        let now = Instant::now();
        for received in response.received_messages {
            let ReceivedMessage { ack_id: id, message: bytes, delivery_attempt } = received;
            let subscription = &self.setup.subscription;
            let (key, message, unreadable) = match PubsubMessage::decode(bytes.clone()) {
                Ok(message) => {
                    let key = Some(message.ordering_key.clone()).filter(|key| is_ordered && !key.is_empty());
                    (key, message::incoming(message, delivery_attempt, subscription), None)
                }
                Err(error) => {
                    let error = format!("the message cannot be read: {error}");
                    (None, message::unreadable(bytes, delivery_attempt, subscription), Some(error))
                }
            };
            let has_dead_letters = delivery_attempt > 0;
            self.leases.add(Waiting { id, key, message, unreadable, has_dead_letters }, now);
        }
    }

    fn hand_on(&mut self) {
        let Some(commanding) = self.commanding.upgrade() else { return };
        let arrival = match self.leases.pop() {
            Some(Waiting { id, message, unreadable, has_dead_letters, .. }) => {
                let settle = PubSubSettle::new(id, rejection(has_dead_letters), commanding);
                let received = Received::new(message, settle);
                Ok(match unreadable {
                    Some(error) => received.unreadable(error),
                    None => received,
                })
            }
            None => match self.lost.take() {
                Some(fault) => Err(SourceError::new(fault.to_string())),
                None => return,
            },
        };
        // What nobody takes any more gives itself back.
        let _ = self.arrivals.try_send(arrival);
    }

    fn ping(&self) {
        if let Some(pings) = &self.setup.pings {
            // A stream that does not take it is about to end, or has one on its way.
            let _ = pings.try_send(StreamingPullRequest::default());
        }
    }

    fn end_pull(&mut self) {
        (self.setup.pull, self.setup.pings) = (Pull::Ended, None);
    }

    fn end(&mut self, fault: Fault) {
        self.end_pull();
        self.lost = Some(fault.at(&format!("cannot read `{}`", self.setup.subscription)));
    }

    /// Nobody takes anything any more: not now, and not what may be handed on later.
    fn leave(&mut self) {
        self.end_pull();
        self.lost = None;
        for id in self.leases.give_back_ready() {
            self.settle(id, Fate::Again, None);
        }
    }

    fn obey(&mut self, Command { id, fate, answer }: Command) {
        match fate {
            Fate::Done => self.leases.end(&id),
            Fate::Again => {
                for behind in self.leases.give_back(&id) {
                    self.settle(behind, Fate::Again, None);
                }
            }
        }
        self.settle(id, fate, answer);
        if self.arrivals.is_closed() {
            self.leave();
        }
    }

    fn settle(&mut self, id: String, fate: Fate, answer: Option<Answer>) {
        self.unsettled(fate).push(id, answer);
    }

    fn unsettled(&mut self, fate: Fate) -> &mut Unsettleds {
        match fate {
            Fate::Done => &mut self.done,
            Fate::Again => &mut self.again,
        }
    }

    fn extend(&mut self) {
        let due = self.leases.due(Instant::now());
        for ids in due.chunks(IDS) {
            let Setup { link, subscription, deadline, .. } = &self.setup;
            self.extending.extend(ids.iter().cloned());
            self.telling.push(settle::extend(link, subscription, ids.to_vec(), *deadline));
        }
    }

    fn tell(&mut self) {
        let Setup { link, subscription, .. } = &self.setup;
        let done = self.done.tell(link, subscription, |_| true);
        let again = self.again.tell(link, subscription, |id| !self.extending.contains(id));
        self.telling.extend(done.into_iter().chain(again));
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Settled(fate, batch, told) => self.unsettled(fate).told(batch, told),
            Told::Extended(ids, told) => {
                for id in &ids {
                    self.extending.remove(id);
                }
                if let Err(fault) = told {
                    tracing::debug!(target: "events", error = %fault, "the deadlines of messages were not extended");
                    self.leases.not_extended(&ids);
                }
            }
        }
    }
}

/// What there is instead of a rejection: with a dead-letter policy the message is given back until that takes it, without one it
/// would come back for ever.
fn rejection(has_dead_letters: bool) -> Fate {
    if has_dead_letters { Fate::Again } else { Fate::Done }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
