//! Functions that are called again and again: `#[every(..)]`.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::{Either, select};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

use super::{Lifespan, Work};
use crate::context::{About, Ambient};
use crate::extract::{Accepts, Schedule};
use crate::failure::{Failure, FailureCause};
use crate::handler::HandlerDecl;

impl Lifespan {
    /// Starts the clocks. Each stops as soon as the lifespan takes nothing more from outside.
    pub(super) fn start_periodic(&self) {
        for function in &self.core().hooks.every {
            if let Accepts::Tick(schedule) = function.accepts {
                self.core().runtime.spawn(keep_calling(self.internal(), function, schedule));
            }
        }
    }
}

async fn keep_calling(lifespan: Lifespan, function: &'static HandlerDecl, schedule: Schedule) {
    let places = Arc::new(Semaphore::new(schedule.max));
    let mut clock = tokio::time::interval(schedule.interval);
    // A tick that was missed is not made up for: the next run begins on the grid of the first.
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut draining = pin!(lifespan.core().gate.draining());
    while let Either::Left(_) = select(pin!(clock.tick()), draining.as_mut()).await {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let Some(work) = lifespan.begin(false) else { return };
        lifespan.core().runtime.spawn(async move {
            run_once(work, function).await;
            drop(place);
        });
    }
}

async fn run_once(work: Work, function: &'static HandlerDecl) {
    let lifespan = work.lifespan();
    let begun = Instant::now();
    let run = lifespan.run_hook(function, About::Nothing, Ambient::of(lifespan.clone()));
    let failure = match select(pin!(run), pin!(lifespan.core().force.wait())).await {
        Either::Left((failure, _)) => failure,
        Either::Right(_) => Some(Failure::of_interruption(function.site, FailureCause::Aborted, begun.elapsed())),
    };
    if let Some(failure) = failure {
        lifespan.report(&failure);
    }
}
