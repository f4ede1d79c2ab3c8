//! What the benchmarks share.

pub(crate) mod args;
pub(crate) mod operation;
pub(crate) mod payload;
