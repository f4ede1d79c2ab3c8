//! As `present`, where nobody collects metrics.
#![expect(clippy::unused_self, reason = "as `present`")]

use std::time::SystemTime;

use crate::any::Subject;
use crate::call::Ended;
use crate::dispatch::DispatchError;
use crate::failure::Failure;
use crate::handler::HandlerDecl;
use crate::place::Site;
use crate::registry::Registry;
use crate::source::Settlement;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch;

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self
    }
}

#[derive(Debug)]
pub(crate) struct Meters;

#[derive(Debug)]
pub(crate) struct AtWork;

impl Meters {
    pub(crate) fn new(_: &Registry, _: &[&'static HandlerDecl], _: impl Iterator<Item = Site>) -> Self {
        Self
    }

    pub(crate) fn dispatched(&self, _: &Subject) {}

    pub(crate) fn refused(_: &DispatchError) {}

    pub(crate) fn delivered(&self, _: &Subject, _: Stopwatch) {}

    pub(crate) fn at_work(&self) -> AtWork {
        AtWork
    }

    pub(crate) fn ran(&self, _: &Ended<'_>) {}

    pub(crate) fn batch(&self, _: Site, _events: usize) {}

    pub(crate) fn failed(_: &Failure) {}

    pub(crate) fn took(&self, _places: usize) {}

    pub(crate) fn gave_back(&self, _places: usize) {}
}

#[derive(Debug)]
pub(crate) struct SinkMeters;

impl SinkMeters {
    pub(crate) fn new(_sink: &str) -> Self {
        Self
    }

    pub(crate) fn tried(&self, _events: usize, _failed: usize, _: Stopwatch) {}
}

#[derive(Debug)]
pub(crate) struct SourceMeters;

impl SourceMeters {
    pub(crate) fn new(_source: &str) -> Self {
        Self
    }

    pub(crate) fn received(&self) {}

    pub(crate) fn arrived(&self, _: Option<SystemTime>) {}

    pub(crate) fn settled(&self, _: Settlement) {}

    pub(crate) fn connected(&self, _: bool) {}

    pub(crate) fn lost(&self) {}
}
