//! Where a test looks into a lifespan, and arranges its handlers. Without the feature `testing` nothing is left of it.

#[cfg(not(feature = "testing"))]
pub(crate) use absent::Seam;

#[cfg(feature = "testing")]
pub(crate) use crate::testing::Seam;

#[cfg(not(feature = "testing"))]
#[expect(clippy::unused_self, reason = "as `testing::Seam`")]
mod absent {
    use crate::any::AnyEvent;
    use crate::dispatch::DispatchError;
    use crate::failure::Failure;
    use crate::handler::Handler;
    use crate::metadata::Cause;

    #[derive(Clone, Debug, Default)]
    pub(crate) struct Seam(());

    impl Seam {
        pub(crate) fn is_on(&self) -> bool {
            false
        }

        pub(crate) fn dispatched(&self, _: &AnyEvent) {}

        pub(crate) fn refused(&self, _: &DispatchError, _: Option<&Cause>) {}

        pub(crate) fn ran(&self, _: &AnyEvent, _handlers: usize) {}

        pub(crate) fn delivered(&self, _: &AnyEvent) {}

        pub(crate) fn failed(&self, _: &Failure) {}

        pub(crate) fn arrange(&self, _name: &str, _: &mut [&Handler]) {}
    }
}
