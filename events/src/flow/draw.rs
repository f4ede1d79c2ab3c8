//! What a picture shows of a flow, whatever language it is written in.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Flow;
use super::graph::{Edge, Kind, Link};

/// How many events are drawn one by one to what takes events of any type. Where more match, the pattern stands for all.
const MOST_ONE_BY_ONE: usize = 4;

/// A picture of a flow.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) remarks: Vec<String>,
    /// What stands outside of all groups.
    pub(super) alone: Vec<Drawn>,
    pub(super) groups: Vec<Group>,
    pub(super) lines: Vec<Line>,
}

/// What one module declares.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) module: &'static str,
    pub(super) nodes: Vec<Drawn>,
}

#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) label: String,
    /// Its path and its place.
    pub(super) told: Option<String>,
    /// Whether it is an event that goes nowhere, or something that no event goes to.
    pub(super) is_idle: bool,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) label: String,
    pub(super) is_provided: bool,
    pub(super) is_in_cycle: bool,
}

impl Drawing {
    pub(super) fn new(flow: &Flow) -> Self {
        let mut ids = Ids::default();
        let idle: HashSet<_> =
            [Kind::Event, Kind::Function, Kind::Sink].into_iter().flat_map(|kind| flow.left_alone(kind)).collect();
        let mut drawn: Vec<_> = flow
            .graph
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| Drawn {
                id: ids.next(node.kind),
                kind: node.kind,
                label: node.label.clone(),
                told: node.place.map(|place| format!("{} ({place})", node.path)),
                is_idle: idle.contains(&index),
            })
            .collect();
        let (short, direct) = by_patterns(flow);
        let mut lines: Vec<_> = direct.iter().map(|edge| line(flow, edge, &drawn)).collect();
        lines.extend(names(flow, &short, &mut ids, &mut drawn));
        let (alone, groups) = grouped(flow, drawn);
        Self { remarks: flow.remarks().collect(), alone, groups, lines }
    }
}

/// Numbers, for each kind its own.
#[derive(Default)]
struct Ids(HashMap<Kind, usize>);

impl Ids {
    fn next(&mut self, kind: Kind) -> String {
        let number = self.0.entry(kind).or_default();
        *number += 1;
        format!("{}{number}", kind.letter())
    }
}

fn line(flow: &Flow, edge: &Edge, drawn: &[Drawn]) -> Line {
    let &Edge { from, to, link } = edge;
    let said = matches!(link, Link::Takes | Link::Leaves | Link::Calls);
    Line {
        from: drawn[from].id.clone(),
        to: drawn[to].id.clone(),
        label: if said { flow.graph.nodes[to].how.clone() } else { String::new() },
        is_provided: link == Link::Provides,
        is_in_cycle: is_in_cycle(flow, edge),
    }
}

/// The nodes for which their patterns stand, and the edges that are drawn one by one. Cycles are, always.
fn by_patterns(flow: &Flow) -> (Vec<usize>, Vec<Edge>) {
    let graph = &flow.graph;
    let is_of_event = |edge: &Edge| matches!(edge.link, Link::Takes | Link::Leaves);
    let mut events = vec![0; graph.nodes.len()];
    graph.edges.iter().filter(|edge| is_of_event(edge)).for_each(|edge| events[edge.to] += 1);
    let stands_for =
        |node: usize| graph.nodes[node].patterns.is_some() && (events[node] == 0 || events[node] > MOST_ONE_BY_ONE);
    let is_direct = |edge: &&Edge| !(is_of_event(edge) && stands_for(edge.to)) || is_in_cycle(flow, edge);
    let short = (0..graph.nodes.len()).filter(|&node| stands_for(node)).collect();
    (short, graph.edges.iter().filter(is_direct).copied().collect())
}

fn is_in_cycle(flow: &Flow, edge: &Edge) -> bool {
    matches!(edge.link, Link::Takes | Link::Emits) && flow.components[edge.from] == flow.components[edge.to]
}

/// Draws the patterns of nodes.
fn names(flow: &Flow, short: &[usize], ids: &mut Ids, drawn: &mut Vec<Drawn>) -> Vec<Line> {
    let mut known: HashMap<&str, String> = HashMap::new();
    let mut lines = Vec::new();
    for &node in short {
        let of_flow = &flow.graph.nodes[node];
        let Some(patterns) = of_flow.patterns.as_deref() else { continue };
        let names = known.entry(patterns).or_insert_with(|| {
            let id = ids.next(Kind::Names);
            drawn.push(Drawn { id: id.clone(), kind: Kind::Names, label: patterns.into(), told: None, is_idle: false });
            id
        });
        let (names, id) = (names.clone(), drawn[node].id.clone());
        let (from, to) = if of_flow.kind == Kind::Source { (id, names) } else { (names, id) };
        lines.push(Line { from, to, label: of_flow.how.clone(), is_provided: false, is_in_cycle: false });
    }
    lines
}

/// Puts what is of one module together, where there is more than one.
fn grouped(flow: &Flow, drawn: Vec<Drawn>) -> (Vec<Drawn>, Vec<Group>) {
    let mut alone = Vec::new();
    let mut groups: BTreeMap<&'static str, Vec<Drawn>> = BTreeMap::new();
    for (index, node) in drawn.into_iter().enumerate() {
        match flow.graph.nodes.get(index).map_or("", |node| node.module) {
            "" => alone.push(node),
            module => groups.entry(module).or_default().push(node),
        }
    }
    if groups.len() == 1 {
        let nodes: Vec<_> = groups.into_values().flatten().collect();
        return (nodes.into_iter().chain(alone).collect(), Vec::new());
    }
    (alone, groups.into_iter().map(|(module, nodes)| Group { module, nodes }).collect())
}
