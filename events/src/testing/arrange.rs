//! In which order handlers run that nothing orders.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::record::{CAPACITY, Record};
use crate::handler::Handler;
use crate::place::Site;

/// How many orders of one stage are tried at most: all of six handlers.
const MAX_ORDERS: usize = 720;

/// One of the orders in which the handlers of each stage can run.
#[derive(Debug)]
pub(super) struct Arrangement {
    number: usize,
    /// The stages of several handlers, as they were arranged, by the name of their event.
    arranged: Mutex<BTreeMap<Box<str>, Vec<Vec<Site>>>>,
}

impl Arrangement {
    pub(super) fn new(number: usize) -> Self {
        Self { number, arranged: Mutex::default() }
    }

    /// Arranges each stage of the handlers of a name. Those that run inside the dispatch have stages of their own.
    pub(super) fn arrange(&self, name: &str, handlers: &mut [&Handler]) {
        handlers.sort_by_key(|handler| (handler.now().is_none(), handler.order()));
        let mut stages = Vec::new();
        for stage in handlers.chunk_by_mut(|a, b| a.order() == b.order() && a.now().is_some() == b.now().is_some()) {
            reorder(stage, self.number);
            if stage.len() > 1 {
                stages.push(stage.iter().map(|handler| *handler.site()).collect());
            }
        }
        let mut arranged = self.arranged.lock().unwrap_or_else(PoisonError::into_inner);
        // No record has events of more names.
        if !stages.is_empty() && arranged.len() < CAPACITY {
            arranged.insert(name.into(), stages);
        }
    }

    /// The stages of several handlers that the events of a record went through.
    pub(super) fn met(&self, record: &Record) -> Met {
        let arranged = self.arranged.lock().unwrap_or_else(PoisonError::into_inner);
        let stages = |name: &str| Some((Box::from(name), arranged.get(name)?.clone()));
        Met(record.events().filter_map(|event| stages(event.name())).collect())
    }
}

/// Stages by the names of their events.
pub(super) struct Met(BTreeMap<Box<str>, Vec<Vec<Site>>>);

impl Met {
    /// How many orders there are to try.
    pub(super) fn orders(&self) -> usize {
        self.0.values().flatten().map(|stage| orders(stage.len())).max().unwrap_or(1)
    }
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, stages) in &self.0 {
            for stage in stages {
                let handlers: Vec<_> = stage.iter().map(Site::to_string).collect();
                write!(f, "\n  `{name}`: {}", handlers.join(", "))?;
            }
        }
        Ok(())
    }
}

/// How many orders of so many handlers are tried.
fn orders(handlers: usize) -> usize {
    (1..=handlers).try_fold(1, |all, n| Some(all * n).filter(|all| *all <= MAX_ORDERS)).unwrap_or(MAX_ORDERS)
}

/// Puts a stage into one of its orders; number 0 is the one that it has.
///
/// The number over the count of orders is a fraction whose digits, one for each place, say which of the handlers that are
/// left comes next. So the orders lie evenly among all that there are, however many handlers there are.
fn reorder<T>(stage: &mut [T], number: usize) {
    let orders = orders(stage.len());
    let mut fraction = number % orders;
    for place in 0..stage.len() {
        let left = &mut stage[place..];
        fraction *= left.len();
        let next = fraction / orders;
        fraction %= orders;
        left[..=next].rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{MAX_ORDERS, orders, reorder};

    fn seen(handlers: usize) -> HashSet<Vec<usize>> {
        let order = |number| {
            let mut stage: Vec<_> = (0..handlers).collect();
            reorder(&mut stage, number);
            stage
        };
        assert!(order(0).is_sorted(), "the first is the normal one");
        (0..orders(handlers)).map(order).collect()
    }

    #[test]
    fn every_order_of_few_is_seen() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(|handlers| seen(handlers).len()), [1, 1, 2, 6, 24, 120, 720]);
    }

    #[test]
    fn of_many_each_pair_is_seen_both_ways() {
        for handlers in [7, 8, 30, 700] {
            let seen = seen(handlers);
            assert_eq!(seen.len(), MAX_ORDERS, "of {handlers}, no order twice");
            let firsts: HashSet<_> = seen.iter().map(|order| order[0]).collect();
            assert_eq!(firsts.len(), handlers, "each comes first in some order");
        }
    }
}
