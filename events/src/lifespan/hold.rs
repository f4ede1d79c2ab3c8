//! Who holds a lifespan, and what happens when nobody does any more.
//!
//! Each scope, and each delivery, holds its lifespan. One count for all of them would go from processor to processor: handles of
//! users have a count each, and the lifespan's own work has one for each thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Lifespan;
use super::core::Core;
use super::stripes::Stripes;

pub(super) enum Hold {
    /// Of users: when the last one goes, so does the lifespan.
    User(Arc<Owner>),
    /// Of the lifespan's own work.
    Work(Arc<Share>),
}

/// What one handle of a user has, and everything that was made of it.
pub(super) struct Owner {
    core: Arc<Core>,
    alive: Arc<Alive>,
    /// Counts of two handles are not on one cache line.
    _apart: [u64; 12],
}

/// What the work of a thread has.
#[repr(align(128))]
pub(super) struct Share(Arc<Core>);

/// Ends a lifespan that nobody has a handle of any more.
struct Alive {
    core: Arc<Core>,
    shares: Stripes<Arc<Share>>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        if !self.core.ending.load(Ordering::Acquire) {
            tracing::warn!(
                target: "events",
                lifespan = format_args!("{:016x}", self.core.id),
                "the last handle of a lifespan was dropped without `shutdown`: what is at work is aborted",
            );
            Lifespan(Hold::Work(Arc::clone(self.shares.mine()))).abort();
        }
    }
}

impl Hold {
    /// That of whoever starts the lifespan.
    pub(super) fn first(core: Core) -> Self {
        let core = Arc::new(core);
        let threads = core.runtime.metrics().num_workers();
        let shares = Stripes::of(threads, || Arc::new(Share(Arc::clone(&core))));
        Self::of(Arc::new(Alive { core, shares }))
    }

    /// That of a lifespan that no user has.
    #[cfg(feature = "testing")]
    pub(super) fn of_nobody(core: Core) -> Self {
        Self::Work(Arc::new(Share(Arc::new(core))))
    }

    fn of(alive: Arc<Alive>) -> Self {
        Self::User(Arc::new(Owner { core: Arc::clone(&alive.core), alive, _apart: [0; 12] }))
    }

    /// The same one.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::User(owner) => Self::User(Arc::clone(owner)),
            Self::Work(share) => Self::Work(Arc::clone(share)),
        }
    }

    /// One of the same kind, with a count of its own.
    pub(super) fn another(&self) -> Self {
        match self {
            Self::User(owner) => Self::of(Arc::clone(&owner.alive)),
            Self::Work(share) => Self::Work(Arc::clone(share)),
        }
    }

    /// One of the lifespan's own work.
    pub(super) fn internal(&self) -> Self {
        match self {
            Self::User(owner) => Self::Work(Arc::clone(owner.alive.shares.mine())),
            Self::Work(share) => Self::Work(Arc::clone(share)),
        }
    }

    #[inline]
    pub(super) fn core(&self) -> &Arc<Core> {
        match self {
            Self::User(owner) => &owner.core,
            Self::Work(share) => &share.0,
        }
    }
}
