//! How events flow: which handlers take an event, what these emit, and what all of them stand on.

mod build;
mod cycle;
mod dot;
mod draw;
mod graph;
mod label;
mod mermaid;
mod parts;

use std::fmt;

use crate::place::Place;
use crate::registry::Registry;

pub use cycle::{Cycle, CycleStep};
use draw::Drawing;
use graph::{Graph, Kind, Link};
pub(crate) use parts::{ClosurePart, Parts, SinkPart, SourcePart};

/// How events flow through a program, as it is written in its signatures: which handlers take an event, what these return or
/// [`Emit`](crate::Emit), which providers they stand on.
///
/// [`Catalog::flow`](crate::Catalog::flow) has all that the binary declares, [`LifespanBuilder::flow`] and [`Lifespan::flow`]
/// what one lifespan has of it, with its closures, sources and sinks. Nothing is run for it. What a function dispatches by
/// [`dispatch`](crate::dispatch) stands in no signature, and is not here.
///
/// `Display` prints the cycles, the events that go nowhere and the handlers that nothing goes to, each on a line of its own;
/// nothing where there are none. See [the guide](crate::docs::flow) for what a picture shows.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, on};
///
/// #[derive(Event)]
/// struct OrderPlaced;
/// #[derive(Event)]
/// struct PaymentMade;
/// #[derive(Event)]
/// struct ParcelSent;
///
/// #[on]
/// fn bill(_: &OrderPlaced) -> PaymentMade {
///     PaymentMade
/// }
///
/// #[on]
/// fn ship(_: &PaymentMade) -> (ParcelSent, Option<OrderPlaced>) {
///     (ParcelSent, None)
/// }
///
/// # fn main() {
/// let flow = events::catalog().flow();
/// let [cycle] = flow.cycles() else { panic!("there is one") };
/// let events: Vec<_> = cycle.steps().iter().map(|step| step.event()).collect();
/// assert_eq!(events, ["order-placed", "payment-made"]);
/// assert!(cycle.to_string().starts_with("order-placed -> "));
/// assert!(flow.unhandled().eq(["parcel-sent"]));
/// assert!(flow.idle().next().is_none());
/// println!("{}", flow.mermaid());
/// # }
/// ```
///
/// [`Lifespan::flow`]: crate::Lifespan::flow
/// [`LifespanBuilder::flow`]: crate::LifespanBuilder::flow
#[derive(Clone)]
pub struct Flow {
    graph: Graph,
    /// Which nodes lead to each other, by a number for each node.
    components: Vec<usize>,
    cycles: Vec<Cycle>,
}

impl Flow {
    pub(crate) fn new(parts: &Parts, registry: &Registry) -> Self {
        Self::of_graph(build::build(parts, registry))
    }

    fn of_graph(graph: Graph) -> Self {
        let steps = graph.steps();
        let components = cycle::components(&steps);
        let cycles = cycles(&graph, &steps, &components);
        Self { graph, components, cycles }
    }

    /// Events that lead to themselves. Each handler that takes part in a cycle is in at least one of those that are told, which
    /// is a shortest one through one of its handlers.
    ///
    /// A cycle need not be a mistake: a handler that returns an `Option` may well end it. What does not end is stopped by
    /// [`max_hops`](crate::LifespanBuilder::max_hops).
    pub fn cycles(&self) -> &[Cycle] {
        &self.cycles
    }

    /// The names of the events that go to no handler and to no sink, in order.
    pub fn unhandled(&self) -> impl Iterator<Item = &str> {
        self.left_alone(Kind::Event).map(|node| self.graph.nodes[node].label.as_str())
    }

    /// The handlers and the sinks that no event goes to: a pattern over events of any type that matches none of them, or one
    /// whose events a sink keeps to itself. What arrives by a name that no type has may reach them all the same.
    pub fn idle(&self) -> impl Iterator<Item = FlowNode> {
        self.left_alone(Kind::Function).chain(self.left_alone(Kind::Sink)).filter_map(|node| self.told(node))
    }

    /// The flow in the language of [Mermaid](https://mermaid.js.org), which GitHub, GitLab and many editors draw.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// std::fs::write("flow.mmd", events::catalog().flow().mermaid())?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn mermaid(&self) -> String {
        mermaid::write(&Drawing::new(self))
    }

    /// The flow in the language of [Graphviz](https://graphviz.org): `dot -Tsvg` makes an image of it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// std::fs::write("flow.dot", events::catalog().flow().dot())?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn dot(&self) -> String {
        dot::write(&Drawing::new(self))
    }

    /// Nodes of a kind that events should lead from, or to, and do not.
    fn left_alone(&self, kind: Kind) -> impl Iterator<Item = usize> {
        let mut used = vec![false; self.graph.nodes.len()];
        for edge in self.graph.edges.iter().filter(|edge| matches!(edge.link, Link::Takes | Link::Leaves | Link::Calls))
        {
            used[if kind == Kind::Event { edge.from } else { edge.to }] = true;
        }
        self.graph.of_kind(kind).map(|(node, _)| node).filter(move |node| !used[*node])
    }

    fn told(&self, node: usize) -> Option<FlowNode> {
        let node = &self.graph.nodes[node];
        Some(FlowNode { path: node.path.clone(), place: node.place? })
    }

    /// What is remarkable, a line for each.
    fn remarks(&self) -> impl Iterator<Item = String> {
        let cycles = self.cycles.iter().map(|cycle| format!("cycle: {cycle}"));
        let unhandled = self.unhandled().map(|event| format!("no handler: {event}"));
        cycles.chain(unhandled).chain(self.idle().map(|node| format!("no event: {node}")))
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.remarks().try_for_each(|remark| writeln!(f, "{remark}"))
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("nodes", &self.graph.nodes.len())
            .field("edges", &self.graph.edges.len())
            .field("cycles", &self.cycles)
            .finish_non_exhaustive()
    }
}

/// A handler, a closure or a sink of a [`Flow`]. `Display` writes both its path and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowNode {
    path: String,
    place: Place,
}

impl FlowNode {
    /// The path of its function: `my_app::billing::charge`; `closure` or `sink`, where it has none.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where it is declared, or given to the lifespan.
    pub fn place(&self) -> Place {
        self.place
    }
}

impl fmt::Display for FlowNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path, self.place)
    }
}

/// A shortest cycle through each handler that is in one, but for those that an earlier cycle has.
fn cycles(graph: &Graph, steps: &[Vec<usize>], components: &[usize]) -> Vec<Cycle> {
    let mut told = vec![false; graph.nodes.len()];
    let mut cycles = Vec::new();
    for (handler, _) in graph.of_kind(Kind::Function) {
        let way = if told[handler] { None } else { cycle::way_back(handler, steps, components) };
        let Some(mut way) = way else { continue };
        // Events come before handlers among the nodes, so that the first of the events leads.
        let first = (0..way.len()).min_by_key(|&index| way[index]).unwrap_or_default();
        way.rotate_left(first);
        for &node in &way {
            told[node] = true;
        }
        cycles.push(Cycle { steps: way.chunks(2).filter_map(|pair| step(graph, pair)).collect() });
    }
    cycles
}

fn step(graph: &Graph, pair: &[usize]) -> Option<CycleStep> {
    let &[event, handler] = pair else { return None };
    let (event, handler) = (&graph.nodes[event], &graph.nodes[handler]);
    let handler = FlowNode { path: handler.path.clone(), place: handler.place? };
    Some(CycleStep { event: event.label.clone(), handler })
}
