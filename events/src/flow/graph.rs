//! The flow as a graph: what there is, and what leads where.

use crate::place::Place;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Event,
    /// A handler, a hook, a periodic function or a closure.
    Function,
    Provider,
    Moment,
    Source,
    Sink,
    /// Whatever has a name that some patterns match.
    Names,
}

impl Kind {
    /// What the identifiers of such nodes begin with.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Event => 'e',
            Self::Function => 'h',
            Self::Provider => 'p',
            Self::Moment => 'm',
            Self::Source => 'i',
            Self::Sink => 'o',
            Self::Names => 'n',
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) label: String,
    /// The path of a function.
    pub(super) path: String,
    /// The module that it is declared in; empty where there is none.
    pub(super) module: &'static str,
    pub(super) place: Option<Place>,
    /// The patterns of what takes or brings events of any type.
    pub(super) patterns: Option<String>,
    /// What is said of all that leads here.
    pub(super) how: String,
}

impl Node {
    pub(super) fn new(kind: Kind, label: impl Into<String>) -> Self {
        let (path, how) = Default::default();
        Self { kind, label: label.into(), path, module: "", place: None, patterns: None, how }
    }
}

/// What an edge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// An event goes to a handler.
    Takes,
    /// A function emits an event.
    Emits,
    /// A provider makes what another function asks for.
    Provides,
    /// An event goes to a sink.
    Leaves,
    /// A source brings events in.
    Arrives,
    /// A function is called at a moment.
    Calls,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) link: Link,
}

/// Nodes, in the order in which they are told, and what leads from one to another.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

impl Graph {
    pub(super) fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    pub(super) fn link(&mut self, from: usize, to: usize, link: Link) {
        self.edges.push(Edge { from, to, link });
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().enumerate().filter(move |(_, node)| node.kind == kind)
    }

    /// Where events lead: what they go to, and what that emits.
    pub(super) fn steps(&self) -> Vec<Vec<usize>> {
        let mut steps = vec![Vec::new(); self.nodes.len()];
        for edge in self.edges.iter().filter(|edge| matches!(edge.link, Link::Takes | Link::Emits)) {
            steps[edge.from].push(edge.to);
        }
        steps
    }
}
