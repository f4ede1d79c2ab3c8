//! A source that is somewhere, and of which nothing ever comes.

#![allow(dead_code, reason = "not every test has a source")]

use events::{Incoming, Received, Settlement, Source, SourceError};

/// Where it says that it is.
pub(crate) struct At<A>(pub(crate) A);

pub(crate) struct Silent;

impl<A: AsRef<str> + Send + Sync + 'static> Source for At<A> {
    type Incoming = Silent;

    fn address(&self) -> String {
        self.0.as_ref().into()
    }

    async fn connect(&self, _: usize) -> Result<Silent, SourceError> {
        Ok(Silent)
    }
}

impl Incoming for Silent {
    type Settle = fn(Settlement) -> std::future::Ready<Result<(), SourceError>>;

    async fn next(&mut self) -> Result<Received<Self::Settle>, SourceError> {
        std::future::pending().await
    }
}
