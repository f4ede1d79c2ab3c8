//! The measurements of one root, while it goes on.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::report::{Timing, TimingOutcome};

/// How many names are told apart below one root, itself included.
pub(super) const MAX_NODES: usize = 1000;

const ROOT: usize = 0;

/// Where a call is counted.
#[derive(Clone, Debug)]
pub(super) struct Place {
    tree: Arc<Tree>,
    slot: Slot,
}

#[derive(Clone, Copy, Debug)]
enum Slot {
    Node(usize),
    /// With the others of this node, for which there was no room.
    OtherOf(usize),
    /// Below such another one.
    Uncounted,
}

#[derive(Debug)]
struct Tree {
    nodes: Mutex<Vec<Node>>,
}

#[derive(Debug)]
struct Node {
    name: Cow<'static, str>,
    calls: Calls,
    other: Calls,
    children: Vec<usize>,
}

/// The calls of one name in one place.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) count: u64,
    pub(super) total: Duration,
    pub(super) max: Duration,
    pub(super) outcome: TimingOutcome,
}

impl Calls {
    fn add(&mut self, duration: Duration, outcome: TimingOutcome) {
        self.count += 1;
        self.total = self.total.saturating_add(duration);
        self.max = self.max.max(duration);
        if let TimingOutcome::Completed = self.outcome {
            self.outcome = outcome;
        }
    }
}

impl Node {
    fn new(name: Cow<'static, str>) -> Self {
        Self { name, calls: Calls::default(), other: Calls::default(), children: Vec::new() }
    }
}

impl Tree {
    fn lock(&self) -> MutexGuard<'_, Vec<Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// A root of its own.
    pub(super) fn root(name: Cow<'static, str>) -> Self {
        let tree = Tree { nodes: Mutex::new(vec![Node::new(name)]) };
        Self { tree: Arc::new(tree), slot: Slot::Node(ROOT) }
    }

    /// The place of a name below this one: the one that the name has already, or a new one.
    pub(super) fn child(&self, name: Cow<'static, str>) -> Self {
        let slot = match self.slot {
            Slot::Node(parent) => slot_below(&mut self.tree.lock(), parent, name),
            Slot::OtherOf(_) | Slot::Uncounted => Slot::Uncounted,
        };
        Self { tree: Arc::clone(&self.tree), slot }
    }

    /// Counts a call that has ended.
    pub(super) fn add(&self, duration: Duration, outcome: TimingOutcome) {
        let mut nodes = self.tree.lock();
        let calls = match self.slot {
            Slot::Node(index) => nodes.get_mut(index).map(|node| &mut node.calls),
            Slot::OtherOf(index) => nodes.get_mut(index).map(|node| &mut node.other),
            Slot::Uncounted => None,
        };
        if let Some(calls) = calls {
            calls.add(duration, outcome);
        }
    }

    /// What has been counted, once the root has ended. Whoever ends later counts for nobody.
    pub(super) fn finish(&self) -> Timing {
        let mut nodes = std::mem::take(&mut *self.tree.lock());
        timing(&mut nodes, ROOT)
    }
}

fn slot_below(nodes: &mut Vec<Node>, parent: usize, name: Cow<'static, str>) -> Slot {
    let known = nodes.get(parent).and_then(|node| {
        node.children.iter().copied().find(|child| nodes.get(*child).is_some_and(|child| child.name == name))
    });
    let next = nodes.len();
    match (known, nodes.get_mut(parent)) {
        (Some(known), _) => Slot::Node(known),
        (None, Some(_)) if next >= MAX_NODES => Slot::OtherOf(parent),
        (None, Some(node)) => {
            node.children.push(next);
            nodes.push(Node::new(name));
            Slot::Node(next)
        }
        (None, None) => Slot::Uncounted,
    }
}

fn timing(nodes: &mut [Node], index: usize) -> Timing {
    let Some(node) = nodes.get_mut(index) else { return Timing::default() };
    let node = std::mem::replace(node, Node::new(Cow::Borrowed("")));
    let mut children: Vec<Timing> = node.children.into_iter().map(|child| timing(nodes, child)).collect();
    if node.other.count > 0 {
        children.push(Timing::new(Cow::Borrowed("other"), node.other, Vec::new()));
    }
    Timing::new(node.name, node.calls, children)
}
