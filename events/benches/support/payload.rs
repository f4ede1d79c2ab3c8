//! The payload of every event and the body of every handler, the same for the library and for its baselines.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

static TOTAL: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Payload {
    amount: u64,
    _rest: [u64; 3],
}

impl Payload {
    /// A payload that the compiler knows nothing about.
    pub(crate) fn new() -> Self {
        let amount = black_box(1000);
        Self { amount, _rest: [amount; 3] }
    }

    /// What a handler does. Each has a number of its own, or the compiler would make one function of all.
    pub(crate) fn add(&self, number: u64) {
        add(self.amount ^ number);
    }
}

pub(crate) fn add(amount: u64) {
    TOTAL.fetch_add(amount, Ordering::Relaxed);
}

/// What all handlers have added up: equal work gives equal totals.
pub(crate) fn total() -> u64 {
    TOTAL.load(Ordering::Relaxed)
}
