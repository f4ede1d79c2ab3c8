//! What is done to a lifespan: a tree of actions, and how trees are drawn.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A limit that no tree reaches.
pub(crate) const AMPLE: usize = 1000;

/// One run of an application.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) max_pending: usize,
    pub(crate) max_hops: u32,
    pub(crate) max_at_work: usize,
    /// Decides how often each waiting point gives way.
    pub(crate) seed: u64,
    /// Each stands in a task of its own, outside of the lifespan.
    pub(crate) roots: Vec<Step>,
    /// How many times the roots get their turn before the end begins; absent: until they have ended.
    pub(crate) until_end: Option<u8>,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Drain,
    NoDeadline,
    Abort,
}

#[derive(Clone)]
pub(crate) enum Step {
    Dispatch(Note),
    /// Through the handle, past the scope.
    Outside(Note),
    /// Dropped after so many polls, where there is a number.
    Deliver(Note, Option<u8>),
    Yield(u8),
    Sleep(u16),
    Scope(Box<ScopePlan>),
    Task {
        carrier: Carrier,
        joined: bool,
        steps: Vec<Step>,
    },
    Flush(Option<u8>),
    Discard,
    /// A destructor of the work dispatches.
    AtDrop(Note),
}

#[derive(Clone)]
pub(crate) struct ScopePlan {
    pub(crate) discards: bool,
    pub(crate) ends: Ends,
    /// Dropped after so many polls.
    pub(crate) cut: Option<u8>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Well,
    Error,
    Panic,
}

/// How work gets to another task or thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Spawn,
    InScope,
    /// `lifespan.spawn`, which leaves the scope.
    Lifespan,
    /// Of the steps it takes those that do not wait.
    Blocking,
}

/// An event before it is dispatched: what its handlers will do.
#[derive(Clone)]
pub(crate) struct Note {
    pub(crate) kind: Kind,
    pub(crate) flaws: Vec<(Slot, Fate)>,
    pub(crate) links: Vec<Link>,
}

/// The kinds of events, by their handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Wide,
    Plain,
    Block,
    Instant,
    Unheard,
}

/// The handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    Now,
    First,
    Left,
    Right,
    Off,
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Fail,
    Panic,
    /// It waits for ever, where time is virtual.
    Stuck,
}

/// An event that a handler dispatches.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) slot: Slot,
    pub(crate) way: Way,
    pub(crate) note: Note,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Dispatch,
    Return,
    Scope,
    Deliver,
    Spawn,
}

impl Kind {
    pub(crate) fn slots(self) -> &'static [Slot] {
        match self {
            Self::Wide => &[Slot::Now, Slot::First, Slot::Left, Slot::Right, Slot::Last],
            Self::Plain => &[Slot::First],
            Self::Block => &[Slot::First, Slot::Off],
            Self::Instant => &[Slot::Now],
            Self::Unheard => &[],
        }
    }

    /// The handlers that run in a delivery.
    pub(crate) fn delivered_to(self) -> impl Iterator<Item = Slot> {
        self.slots().iter().copied().filter(|slot| *slot != Slot::Now)
    }

    pub(crate) fn is_delivered(self) -> bool {
        self.delivered_to().next().is_some()
    }
}

impl Note {
    pub(crate) fn fate(&self, slot: Slot) -> Option<Fate> {
        self.flaws.iter().find(|(flawed, _)| *flawed == slot).map(|(_, fate)| *fate)
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Plain),
        4 => Just(Kind::Wide),
        1 => Just(Kind::Block),
        1 => Just(Kind::Instant),
        1 => Just(Kind::Unheard),
    ]
}

fn slot() -> impl Strategy<Value = Slot> {
    prop::sample::select(vec![Slot::First, Slot::Left, Slot::Now, Slot::Right, Slot::Off, Slot::Last])
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![4 => Just(Fate::Fail), 4 => Just(Fate::Panic), 1 => Just(Fate::Stuck)]
}

fn way() -> impl Strategy<Value = Way> {
    prop::sample::select(vec![Way::Dispatch, Way::Return, Way::Scope, Way::Deliver, Way::Spawn])
}

fn note() -> impl Strategy<Value = Note> {
    let flaws = || prop_oneof![3 => Just(Vec::new()), 1 => vec((slot(), fate()), 1..3)];
    let leaf = (kind(), flaws()).prop_map(|(kind, flaws)| Note { kind, flaws, links: Vec::new() });
    leaf.prop_recursive(3, 8, 3, move |inner| {
        let link = (slot(), way(), inner).prop_map(|(slot, way, note)| Link { slot, way, note });
        (kind(), flaws(), vec(link, 0..3)).prop_map(|(kind, flaws, links)| Note { kind, flaws, links })
    })
}

fn polls() -> impl Strategy<Value = Option<u8>> {
    option::weighted(0.3, 1..8_u8)
}

fn simple_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => note().prop_map(Step::Dispatch),
        1 => note().prop_map(Step::Outside),
        2 => (note(), polls()).prop_map(|(note, polls)| Step::Deliver(note, polls)),
        3 => (1..4_u8).prop_map(Step::Yield),
        1 => (1..3000_u16).prop_map(Step::Sleep),
        1 => polls().prop_map(Step::Flush),
        1 => Just(Step::Discard),
        1 => note().prop_map(Step::AtDrop),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    simple_step().prop_recursive(3, 24, 6, |inner| {
        let carrier =
            prop::sample::select(vec![Carrier::Spawn, Carrier::InScope, Carrier::Lifespan, Carrier::Blocking]);
        let task = (carrier, any::<bool>(), vec(inner.clone(), 0..6));
        prop_oneof![
            2 => scope(inner.boxed()),
            1 => task.prop_map(|(carrier, joined, steps)| Step::Task { carrier, joined, steps }),
        ]
    })
}

fn scope(inner: BoxedStrategy<Step>) -> impl Strategy<Value = Step> {
    let ends = prop_oneof![4 => Just(Ends::Well), 1 => Just(Ends::Error), 1 => Just(Ends::Panic)];
    (any::<bool>(), ends, polls(), vec(inner, 0..6))
        .prop_map(|(discards, ends, cut, steps)| Step::Scope(Box::new(ScopePlan { discards, ends, cut, steps })))
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let limit = || prop_oneof![2 => Just(AMPLE), 1 => 1..8_usize];
    let hops = prop_oneof![2 => Just(64_u32), 1 => 0..3_u32];
    let at_work = prop_oneof![1 => Just(AMPLE), 3 => 1..4_usize];
    let roots = vec(prop_oneof![3 => scope(step().boxed()), 1 => step()], 1..5);
    let end = prop_oneof![3 => Just(End::Drain), 1 => Just(End::NoDeadline), 1 => Just(End::Abort)];
    (limit(), hops, at_work, any::<u64>(), roots, option::of(0..40_u8), end).prop_map(
        |(max_pending, max_hops, max_at_work, seed, roots, until_end, end)| Case {
            max_pending,
            max_hops,
            max_at_work,
            seed,
            roots,
            until_end,
            end,
        },
    )
}
