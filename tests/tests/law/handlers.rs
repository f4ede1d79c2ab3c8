//! The events and their handlers, which do what the event says and write down that they did.

use std::panic::resume_unwind;
use std::sync::Arc;

use events::{AnyEvent, DispatchError, Event, Failure, FailureCause, Lifespan, Scope, State, on};

use super::ledger::{Answer, Fault, Id};
use super::play::{ScopeTag, World, drive};
use super::tree::{Fate, Kind, Link, Note, Slot, Way};

#[derive(Event)]
pub(crate) enum Law {
    Wide(Body),
    Plain(Body),
    Block(Body),
    Instant(Body),
    Unheard(Body),
}

pub(crate) struct Body {
    id: Id,
    note: Note,
    world: Arc<World>,
}

impl Law {
    fn new(world: &Arc<World>, note: &Note) -> (Id, Self) {
        let id = world.ledger.new_event(note);
        let body = Body { id, note: note.clone(), world: Arc::clone(world) };
        let law = match note.kind {
            Kind::Wide => Self::Wide(body),
            Kind::Plain => Self::Plain(body),
            Kind::Block => Self::Block(body),
            Kind::Instant => Self::Instant(body),
            Kind::Unheard => Self::Unheard(body),
        };
        (id, law)
    }

    fn body(&self) -> &Body {
        let (Self::Wide(body) | Self::Plain(body) | Self::Block(body) | Self::Instant(body) | Self::Unheard(body)) =
            self;
        body
    }
}

fn home() -> Option<usize> {
    Scope::current()?.value::<ScopeTag>().map(|tag| tag.id)
}

/// Dispatches where the caller stands.
pub(crate) fn offer(world: &Arc<World>, note: &Note) {
    let home = home();
    let (id, law) = Law::new(world, note);
    settle(world, id, events::dispatch(law), home);
}

/// Dispatches through the handle.
pub(crate) fn offer_outside(app: &Lifespan, world: &Arc<World>, note: &Note) {
    let (id, law) = Law::new(world, note);
    settle(world, id, app.dispatch(law), None);
}

fn settle<T>(world: &World, id: Id, answer: Result<T, DispatchError>, home: Option<usize>) -> Option<T> {
    match answer {
        Ok(value) => {
            world.ledger.answered(id, Answer::Accepted, home);
            return Some(value);
        }
        Err(DispatchError::Full { event, .. }) => match event.try_into_inner::<Law>() {
            Ok(law) if law.body().id == id => {}
            Ok(law) => world.ledger.complain(format!("{id} was refused, {} given back", law.body().id)),
            Err(_) => world.ledger.complain(format!("{id} was not given back")),
        },
        Err(_) => {}
    }
    world.ledger.answered(id, Answer::Refused, None);
    None
}

/// Delivers, and drops the delivery after so many polls.
pub(crate) async fn offer_delivery(world: &Arc<World>, note: &Note, polls: Option<u8>) {
    let (id, law) = Law::new(world, note);
    let accepted = || world.ledger.answered(id, Answer::Accepted, None);
    if let Some(answer) = drive(events::deliver(law), polls, accepted).await.done(world)
        && let Some(delivery) = settle(world, id, answer, None)
    {
        world.ledger.book().events[id].delivery = Some((delivery.handlers(), delivery.failures().len()));
    }
}

type Returned = Result<Option<Law>, &'static str>;

impl Body {
    fn links(&self, slot: Slot) -> impl Iterator<Item = &Link> {
        self.note.links.iter().filter(move |link| link.slot == slot)
    }

    /// Ends a run: what it returns, or how it fails.
    fn end(&self, slot: Slot) -> Returned {
        self.world.ledger.ended(self.id, slot);
        match self.note.fate(slot) {
            Some(Fate::Fail) => return Err("it was told to fail"),
            Some(Fate::Panic) => resume_unwind(Box::new("it was told to panic")),
            Some(Fate::Stuck) | None => {}
        }
        let returned = self.links(slot).find(|link| link.way == Way::Return);
        Ok(returned.map(|link| {
            let (id, law) = Law::new(&self.world, &link.note);
            self.world.ledger.answered(id, Answer::Returned { by: self.id, slot }, home());
            law
        }))
    }

    fn act_at_once(&self, slot: Slot) -> Returned {
        self.world.ledger.begun(self.id, slot);
        for link in self.links(slot).filter(|link| link.way != Way::Return) {
            match link.way {
                Way::Spawn => self.spawn(&link.note),
                _ => offer(&self.world, &link.note),
            }
        }
        self.end(slot)
    }

    async fn act(&self, slot: Slot, app: &Lifespan) -> Returned {
        self.world.ledger.begun(self.id, slot);
        self.world.give_way(0).await;
        for link in self.links(slot) {
            match link.way {
                Way::Return => {}
                Way::Dispatch => offer(&self.world, &link.note),
                Way::Spawn => self.spawn(&link.note),
                Way::Deliver => offer_delivery(&self.world, &link.note, None).await,
                Way::Scope => {
                    let tag = ScopeTag { id: self.world.ledger.new_scope() };
                    app.scope(async { offer(&self.world, &link.note) }).value(tag).await;
                }
            }
        }
        if self.note.fate(slot) == Some(Fate::Stuck) {
            self.world.stay().await;
        }
        self.end(slot)
    }

    fn spawn(&self, note: &Note) {
        let (world, note) = (Arc::clone(&self.world), note.clone());
        // Refused where the lifespan has ended: then nothing has been offered.
        let _ = events::spawn(async move {
            world.give_way(0).await;
            offer(&world, &note);
        });
    }
}

#[on("wide", "instant", now)]
fn now(event: &Law) -> Returned {
    event.body().act_at_once(Slot::Now)
}

#[on("wide", "plain", "block", order = -1)]
fn first(event: &Law) -> Returned {
    event.body().act_at_once(Slot::First)
}

#[on("wide")]
async fn left(event: &Law, app: Lifespan) -> Returned {
    event.body().act(Slot::Left, &app).await
}

#[on("wide", timeout = "60s")]
async fn right(event: &Law, app: Lifespan) -> Returned {
    event.body().act(Slot::Right, &app).await
}

#[on("block", order = 1, blocking)]
fn off(event: &Law) -> Returned {
    event.body().act_at_once(Slot::Off)
}

#[on("wid*", order = 2)]
async fn last(event: &AnyEvent, app: Lifespan) -> Returned {
    event.downcast_ref::<Law>().expect("no other event has the name").body().act(Slot::Last, &app).await
}

fn slot_of(handler: &str) -> Option<Slot> {
    Some(match handler.rsplit("::").next()? {
        "now" => Slot::Now,
        "first" => Slot::First,
        "left" => Slot::Left,
        "right" => Slot::Right,
        "off" => Slot::Off,
        "last" => Slot::Last,
        _ => return None,
    })
}

#[on(failure)]
async fn hear(failure: &Failure, world: State<Arc<World>>) {
    world.give_way(0).await;
    let law = failure.event().and_then(AnyEvent::downcast_ref::<Law>);
    let (Some(law), Some(slot)) = (law, slot_of(&failure.handler())) else {
        return world.ledger.complain(format!("an unknown failure: {failure}"));
    };
    let fault = match failure.cause() {
        FailureCause::Error(error) if error.is::<DispatchError>() => Fault::Refused,
        FailureCause::Error(_) => Fault::Error,
        FailureCause::Panic(_) => Fault::Panic,
        FailureCause::Timeout(_) => Fault::Timeout,
        FailureCause::Aborted => Fault::Aborted,
        cause => return world.ledger.complain(format!("an unknown cause: {cause}")),
    };
    world.ledger.failed(law.body().id, slot, fault);
}

#[derive(Event)]
struct Probe;

#[on]
fn probed(_: &Probe) {}

/// Fills the lifespan where all work is known to have ended: as much room as there is, there must be.
#[on(shutdown)]
async fn probe(app: Lifespan, world: State<Arc<World>>) {
    if !world.is_empty_at_end() {
        return;
    }
    let room = app.scope(async {
        let mut room = 0;
        while events::dispatch(Probe).is_ok() {
            room += 1;
        }
        room
    });
    let room = room.await;
    world.ledger.book().room = Some(room);
}
