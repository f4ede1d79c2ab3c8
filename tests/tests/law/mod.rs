//! One law over random trees of actions: what is accepted is delivered once, or told.

mod config;
mod handlers;
mod judge;
mod ledger;
mod play;
mod print;
mod tree;

pub(crate) use config::config;
pub(crate) use judge::judge;
pub(crate) use play::{Clock, play};
pub(crate) use tree::{Case, cases};
