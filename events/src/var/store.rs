//! The values of one lifespan's variables.

use std::any::Any;
use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use super::VarError;

pub(super) type Value = Arc<dyn Any + Send + Sync>;

/// The values by the addresses of their statics. The lock is never held while code of the user runs, destructors included.
#[derive(Debug, Default)]
pub(crate) struct VarStore {
    slots: Mutex<Slots>,
    /// Told when somebody has made a value, has failed to, or need not make it any more.
    made: Condvar,
}

#[derive(Debug, Default)]
struct Slots {
    closed: bool,
    by_key: HashMap<usize, Slot>,
    last_number: u64,
}

/// The values of one variable.
#[derive(Debug, Default)]
struct Slot {
    /// What is there without any guard.
    base: Option<Value>,
    /// What guards have set, the newest one last.
    set: Vec<(u64, Value)>,
    /// Who is making the base.
    maker: Option<ThreadId>,
}

impl Slot {
    fn current(&self) -> Option<&Value> {
        self.set.last().map(|(_, value)| value).or(self.base.as_ref())
    }

    fn position(&self, number: u64) -> Option<usize> {
        self.set.iter().position(|(known, _)| *known == number)
    }
}

impl VarStore {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, Slots>, VarError> {
        let slots = self.lock();
        if slots.closed { Err(VarError::Closed) } else { Ok(slots) }
    }

    pub(super) fn get(&self, key: usize) -> Result<Value, VarError> {
        self.open()?.by_key.get(&key).and_then(Slot::current).cloned().ok_or(VarError::Unset)
    }

    /// The value, made by the first caller while the others wait for it.
    pub(super) fn get_or_make(&self, key: usize, make: impl FnOnce() -> Value) -> Result<Value, VarError> {
        let me = thread::current().id();
        let mut slots = self.open()?;
        loop {
            let slot = slots.by_key.entry(key).or_default();
            if let Some(value) = slot.current() {
                return Ok(Arc::clone(value));
            }
            match slot.maker {
                None => slot.maker = Some(me),
                Some(maker) if maker == me => return Err(VarError::Recursive),
                Some(_) => {
                    slots = self.made.wait(slots).unwrap_or_else(PoisonError::into_inner);
                    if slots.closed {
                        return Err(VarError::Closed);
                    }
                    continue;
                }
            }
            break;
        }
        drop(slots);
        let making = Making { store: self, key };
        let value = make();
        making.finish(value)
    }

    /// Puts a value above all others, and answers the number by which it can be taken back.
    pub(super) fn set(&self, key: usize, value: Value) -> Result<u64, VarError> {
        let mut slots = self.open()?;
        slots.last_number += 1;
        let number = slots.last_number;
        slots.by_key.entry(key).or_default().set.push((number, value));
        drop(slots);
        self.made.notify_all();
        Ok(number)
    }

    /// Takes one value back, wherever it stands.
    pub(super) fn take_back(&self, key: usize, number: u64) {
        let mut slots = self.lock();
        let slot = slots.by_key.get_mut(&key);
        let taken = slot.and_then(|slot| Some(slot.set.remove(slot.position(number)?)));
        drop(slots);
        drop(taken);
    }

    /// Makes one value the base. Those beneath it would never be seen again.
    pub(super) fn keep(&self, key: usize, number: u64) {
        let mut slots = self.lock();
        let mut hidden = (None, Vec::new());
        if let Some(slot) = slots.by_key.get_mut(&key)
            && let Some(position) = slot.position(number)
        {
            let (_, kept) = slot.set.remove(position);
            hidden = (slot.base.replace(kept), slot.set.drain(..position).collect());
        }
        drop(slots);
        drop(hidden);
    }

    /// Frees everything, and takes nothing more.
    pub(crate) fn close(&self) {
        let mut slots = self.lock();
        slots.closed = true;
        let freed = mem::take(&mut slots.by_key);
        drop(slots);
        self.made.notify_all();
        let values = freed.into_values().flat_map(|slot| slot.set.into_iter().map(|(_, value)| value).chain(slot.base));
        for value in values {
            // Others wait for the end of the lifespan, which no destructor may stop.
            if catch_unwind(AssertUnwindSafe(|| drop(value))).is_err() {
                tracing::error!(target: "events", "a value of a `LifespanVar` panicked when it was dropped");
            }
        }
    }
}

/// The right to make a value. Dropped without one, by a panic, it passes the right on.
struct Making<'a> {
    store: &'a VarStore,
    key: usize,
}

impl Making<'_> {
    /// Stores the value, and answers the one that counts: somebody may have set another one in the meantime.
    fn finish(self, value: Value) -> Result<Value, VarError> {
        let mut slots = self.store.open()?;
        let slot = slots.by_key.entry(self.key).or_default();
        let unused = if slot.base.is_none() { slot.base.replace(value) } else { Some(value) };
        let current = slot.current().cloned();
        drop(slots);
        drop(unused);
        current.ok_or(VarError::Unset)
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.store.lock().by_key.get_mut(&self.key) {
            slot.maker = None;
        }
        self.store.made.notify_all();
    }
}
