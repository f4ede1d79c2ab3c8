//! Events that lead to themselves.

use std::collections::VecDeque;
use std::fmt;

use super::FlowNode;

/// Events that lead to themselves, by way of what their handlers emit.
///
/// `Display` writes it from its first event back to it: `order-placed -> bill (src/bill.rs:12) -> order-placed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    pub(super) steps: Vec<CycleStep>,
}

impl Cycle {
    /// Its steps, of which the last one leads to the event of the first.
    pub fn steps(&self) -> &[CycleStep] {
        &self.steps
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for CycleStep { event, handler } in &self.steps {
            write!(f, "{event} -> {handler} -> ")?;
        }
        f.write_str(self.steps.first().map_or("", CycleStep::event))
    }
}

/// A step of a [`Cycle`]: an event, and the handler of it that emits the event of the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleStep {
    pub(super) event: String,
    pub(super) handler: FlowNode,
}

impl CycleStep {
    /// The name of the event.
    pub fn event(&self) -> &str {
        &self.event
    }

    /// The handler.
    pub fn handler(&self) -> &FlowNode {
        &self.handler
    }
}

/// Which nodes lead to each other: two have one number if each can be reached from the other.
pub(super) fn components(steps: &[Vec<usize>]) -> Vec<usize> {
    let mut back = vec![Vec::new(); steps.len()];
    for (from, to) in steps.iter().enumerate().flat_map(|(from, to)| to.iter().map(move |&to| (from, to))) {
        back[to].push(from);
    }
    let mut numbers = vec![usize::MAX; steps.len()];
    for (number, root) in last_first(steps).into_iter().enumerate() {
        let mut left = vec![root];
        while let Some(node) = left.pop() {
            if numbers[node] == usize::MAX {
                numbers[node] = number;
                left.extend(back[node].iter().filter(|&&before| numbers[before] == usize::MAX));
            }
        }
    }
    numbers
}

/// The nodes, those first from which a search returned last.
fn last_first(steps: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(steps.len());
    let mut seen = vec![false; steps.len()];
    for root in 0..steps.len() {
        let mut path = if seen[root] { Vec::new() } else { vec![(root, 0)] };
        seen[root] = true;
        // A search that calls itself would go as deep as the longest chain of events.
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            match steps[node].get(*next) {
                Some(&to) => {
                    *next += 1;
                    if !std::mem::replace(&mut seen[to], true) {
                        path.push((to, 0));
                    }
                }
                None => {
                    order.push(node);
                    path.pop();
                }
            }
        }
    }
    order.reverse();
    order
}

/// A shortest way from a node to itself, which it begins with; nothing where there is none.
pub(super) fn way_back(from: usize, steps: &[Vec<usize>], components: &[usize]) -> Option<Vec<usize>> {
    let mut came_from = vec![usize::MAX; steps.len()];
    let mut left = VecDeque::from([from]);
    while let Some(node) = left.pop_front() {
        for &to in steps[node].iter().filter(|&&to| components[to] == components[from]) {
            if to == from {
                return Some(retrace(from, node, &came_from));
            }
            if came_from[to] == usize::MAX {
                came_from[to] = node;
                left.push_back(to);
            }
        }
    }
    None
}

fn retrace(from: usize, mut node: usize, came_from: &[usize]) -> Vec<usize> {
    let mut way = vec![node];
    while node != from {
        node = came_from[node];
        way.push(node);
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{components, way_back};

    /// How many steps it takes from each node to each, found by trying every node as the one in between.
    fn distances(steps: &[Vec<usize>]) -> Vec<Vec<usize>> {
        let far = usize::MAX / 2;
        let of = |from: usize, to: usize| if steps[from].contains(&to) { 1 } else { far };
        let all = 0..steps.len();
        let mut distances: Vec<Vec<_>> = all.clone().map(|a| all.clone().map(|b| of(a, b)).collect()).collect();
        for via in all.clone() {
            for from in all.clone() {
                for to in all.clone() {
                    let by = distances[from][via] + distances[via][to];
                    distances[from][to] = distances[from][to].min(by);
                }
            }
        }
        distances
    }

    fn graphs() -> impl Strategy<Value = Vec<Vec<usize>>> {
        (1_usize..14).prop_flat_map(|nodes| prop::collection::vec(prop::collection::vec(0..nodes, 0..3), nodes))
    }

    proptest! {
        #[test]
        fn they_are_those_that_reach_each_other(steps in graphs()) {
            let (numbers, distances) = (components(&steps), distances(&steps));
            let reaches = |from: usize, to: usize| distances[from][to] < steps.len() * 2;
            for a in 0..steps.len() {
                for b in 0..steps.len() {
                    let both = a == b || (reaches(a, b) && reaches(b, a));
                    prop_assert_eq!(numbers[a] == numbers[b], both, "{} and {}", a, b);
                }
            }
        }

        #[test]
        fn a_way_back_is_there_if_any_is_and_none_is_shorter(steps in graphs()) {
            let (numbers, distances) = (components(&steps), distances(&steps));
            for (from, distances) in distances.iter().enumerate() {
                let way = way_back(from, &steps, &numbers);
                let shortest = Some(distances[from]).filter(|&length| length <= steps.len());
                prop_assert_eq!(way.as_ref().map(Vec::len), shortest);
                let Some(way) = way else { continue };
                prop_assert_eq!(way[0], from);
                for (index, node) in way.iter().enumerate() {
                    let next = way[(index + 1) % way.len()];
                    prop_assert!(steps[*node].contains(&next), "no step from {} to {}", node, next);
                }
            }
        }
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let nodes = 200_000;
        let steps: Vec<_> = (0..nodes).map(|node| vec![(node + 1) % nodes]).collect();
        let numbers = components(&steps);
        assert!(numbers.iter().all(|number| *number == numbers[0]));
        assert_eq!(way_back(7, &steps, &numbers).map(|way| way.len()), Some(nodes));
    }
}
