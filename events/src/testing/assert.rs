//! Assertions about what has happened, which print all of it.

use std::fmt::Write as _;

use super::TestLifespan;
use super::record::{CAPACITY, Record};
use crate::any::AnyEvent;
use crate::event::Event;
use crate::metadata::EventId;

/// Assertions look at what has happened so far: `settled().await` stands before most of them. A failing one prints what it
/// expected and everything that did happen, as `Display` does.
impl TestLifespan {
    /// Asserts that an `E` was dispatched that `is_expected` accepts.
    ///
    /// # Panics
    ///
    /// When none was, and when the record is full.
    #[track_caller]
    pub fn assert_dispatched<E: Event>(&self, is_expected: impl Fn(&E) -> bool) {
        self.check(|record| {
            let all = record.events().filter_map(AnyEvent::downcast_ref::<E>);
            let expected = format!("expected {} that the closure accepts", names::<E>());
            match all.clone().count() {
                _ if all.clone().any(is_expected) => Ok(()),
                0 => Err(format!("{expected}; none was dispatched")),
                others => Err(format!("{expected}; {}, and it accepts none of them", were_dispatched(others))),
            }
        });
    }

    /// Asserts that an `E` was dispatched so many times.
    ///
    /// # Panics
    ///
    /// When it was another number, and when the record is full.
    #[track_caller]
    pub fn assert_count<E: Event>(&self, times: usize) {
        self.check(|record| {
            let expected = format!("expected {times} of {}", names::<E>());
            is_count(&expected, count::<E>(record), times)
        });
    }

    /// Asserts that no `E` was dispatched.
    ///
    /// # Panics
    ///
    /// When one was, and when the record is full.
    #[track_caller]
    pub fn assert_not_dispatched<E: Event>(&self) {
        self.check(|record| is_count(&format!("expected no {}", names::<E>()), count::<E>(record), 0));
    }

    /// Asserts that no event was dispatched.
    ///
    /// # Panics
    ///
    /// When one was.
    #[track_caller]
    pub fn assert_nothing_dispatched(&self) {
        self.check(|record| is_count("expected no event", record.events().count(), 0));
    }

    /// Asserts that events with these names were dispatched in this order. Others may stand between them.
    ///
    /// # Panics
    ///
    /// When one is missing after those before it, and when the record is full.
    #[track_caller]
    pub fn assert_order<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) {
        let names: Vec<_> = names.into_iter().collect();
        self.check(|record| {
            let mut events = record.events();
            let missing = names.iter().position(|name| !events.any(|event| event.name() == name.as_ref()));
            found(missing, &names, "in this order", "after")
        });
    }

    /// Asserts that an event with the first name was dispatched, that one of its handlers dispatched an event with the second
    /// name, one of whose handlers dispatched an event with the third name, and so on.
    ///
    /// # Panics
    ///
    /// When there is no such chain, and when the record is full.
    #[track_caller]
    pub fn assert_chain<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) {
        let names: Vec<_> = names.into_iter().collect();
        self.check(|record| {
            let mut causes: Option<Vec<&EventId>> = None;
            let missing = names.iter().position(|name| {
                let is_next = |event: &&AnyEvent| {
                    let is_caused = |causes: &Vec<_>| event.causation().is_some_and(|cause| causes.contains(&cause));
                    event.name() == name.as_ref() && causes.as_ref().is_none_or(is_caused)
                };
                let next: Vec<_> = record.events().filter(is_next).map(AnyEvent::id).collect();
                causes.insert(next).is_empty()
            });
            found(missing, &names, "each by a handler of the one before", "by a handler of")
        });
    }

    /// Asserts that something failed, and that the text of the [`Failure`](crate::Failure) has this part.
    ///
    /// # Panics
    ///
    /// When no failure has it, and when the record is full.
    #[track_caller]
    pub fn assert_failed(&self, part: &str) {
        self.check(|record| match record.failures().count() {
            _ if record.failures().any(|failure| failure.to_string().contains(part)) => Ok(()),
            0 => Err(format!("expected a failure that says `{part}`; nothing failed")),
            others => Err(format!("expected a failure that says `{part}`; none of {others} does")),
        });
    }

    /// Asserts that nothing failed: no handler, hook or periodic function.
    ///
    /// # Panics
    ///
    /// When something did, and when the record is full.
    #[track_caller]
    pub fn assert_no_failures(&self) {
        self.check(|record| match record.failures().count() {
            0 => Ok(()),
            failures => Err(format!("expected no failure; there {}", were(failures))),
        });
    }

    #[track_caller]
    fn check(&self, holds: impl FnOnce(&Record) -> Result<(), String>) {
        let record = self.kit.record();
        let held = if record.is_full {
            Err(format!("the record is full: it holds {CAPACITY} entries, and cannot tell of what came after them"))
        } else {
            holds(&record)
        };
        let Err(mut text) = held else { return };
        if self.core().gate.left() > 0 {
            text.push_str("\n(the lifespan is still at work: `settled().await` waits for it)");
        }
        if self.is_dispatch_disabled() {
            text.push_str("\n(dispatch is disabled: events are checked and dropped, and leave nothing in the record)");
        }
        panic!("{text}\n\n{record}");
    }
}

/// The names of a type, of which an event has one.
fn names<E: Event>() -> String {
    let names: Vec<_> = E::NAMES.iter().map(|name| format!("`{name}`")).collect();
    names.join(" or ")
}

fn count<E: Event>(record: &Record) -> usize {
    record.events().filter_map(AnyEvent::downcast_ref::<E>).count()
}

fn is_count(expected: &str, count: usize, times: usize) -> Result<(), String> {
    if count == times { Ok(()) } else { Err(format!("{expected}; {}", were_dispatched(count))) }
}

fn were_dispatched(count: usize) -> String {
    match count {
        0 => "none was dispatched".into(),
        1 => "1 was dispatched".into(),
        _ => format!("{count} were dispatched"),
    }
}

fn were(count: usize) -> String {
    if count == 1 { "was 1".into() } else { format!("were {count}") }
}

/// Says which of the names is the first that is missing.
fn found<N: AsRef<str>>(missing: Option<usize>, names: &[N], how: &str, relation: &str) -> Result<(), String> {
    let Some(missing) = missing else { return Ok(()) };
    let mut text = String::from("expected ");
    for (i, name) in names.iter().enumerate() {
        let _ = write!(text, "{}`{}`", if i == 0 { "" } else { ", " }, name.as_ref());
    }
    let _ = write!(text, ", {how}; no `{}` was dispatched", names[missing].as_ref());
    if let Some(before) = missing.checked_sub(1) {
        let _ = write!(text, " {relation} `{}`", names[before].as_ref());
    }
    Err(text)
}
