//! Futures that wait, and of which any may be the next to end.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

/// Futures that are polled together. One alone, as most are, is kept where it is.
pub(super) enum Crowd<F> {
    Few(Option<F>),
    Many(FuturesUnordered<F>),
}

impl<F> Default for Crowd<F> {
    fn default() -> Self {
        Self::Few(None)
    }
}

impl<F: Future + Unpin> Crowd<F> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(one) => one.is_none(),
            Self::Many(many) => many.is_empty(),
        }
    }

    pub(super) fn push(&mut self, future: F) {
        match self {
            Self::Few(one @ None) => *one = Some(future),
            Self::Few(one) => *self = Self::Many(one.take().into_iter().chain([future]).collect()),
            Self::Many(many) => many.push(future),
        }
    }

    /// What the next one answers that ends; nothing when none is left.
    pub(super) fn poll_next(&mut self, cx: &mut task::Context<'_>) -> Poll<Option<F::Output>> {
        match self {
            Self::Few(one) => {
                let Some(future) = one else { return Poll::Ready(None) };
                let output = ready!(Pin::new(future).poll(cx));
                *one = None;
                Poll::Ready(Some(output))
            }
            Self::Many(many) => many.poll_next_unpin(cx),
        }
    }

    /// Takes out those that have not ended.
    pub(super) fn take(&mut self) -> Vec<F> {
        match std::mem::take(self) {
            Self::Few(one) => one.into_iter().collect(),
            Self::Many(many) => many.into_iter().collect(),
        }
    }
}
