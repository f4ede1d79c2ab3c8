//! A future that is timed.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::report::{Timing, TimingOutcome};
use super::run::{Callback, Run, current};
use super::tree::Place;

pin_project_lite::pin_project! {
    /// A future that is timed from its first poll to its end. Made by [`timed`](fn@crate::timed) and
    /// [`try_timed`](crate::try_timed).
    #[must_use = "futures do nothing until they are polled"]
    pub struct Timed<F: Future> {
        #[pin]
        future: Option<F>,
        begin: Option<Begin>,
        run: Option<Run>,
        outcome: fn(&F::Output) -> TimingOutcome,
    }

    impl<F: Future> PinnedDrop for Timed<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(mut run) = this.run.take() else { return };
            match run.within(|| this.future.set(None)) {
                Ok(()) => run.end(TimingOutcome::Dropped),
                Err(panic) => run.end_in_panic(panic),
            }
        }
    }
}

/// What is kept for the first poll.
struct Begin {
    name: Cow<'static, str>,
    parent: Option<Place>,
    callback: Option<Callback>,
}

impl<F: Future> Timed<F> {
    pub(super) fn new(name: Cow<'static, str>, future: F, outcome: fn(&F::Output) -> TimingOutcome) -> Self {
        let begin = Begin { name, parent: None, callback: None };
        Self { future: Some(future), begin: Some(begin), run: None, outcome }
    }

    /// Tells `callback` when the work has ended, instead of the lifespan or the log. It is ignored where the work is part of
    /// something larger that is timed: only the outermost timing is reported.
    ///
    /// A panic of the callback goes no further than the log.
    pub fn report(mut self, callback: impl FnOnce(&Timing) + Send + 'static) -> Self {
        if let Some(begin) = &mut self.begin {
            begin.callback = Some(Box::new(callback));
        }
        self
    }

    /// Makes the work a part of the timing around the caller, also where another task polls it. Without it, the timing
    /// around the first poll counts, so that the work of a spawned task stands for itself.
    ///
    /// What has not ended when the outermost timing is reported stands in the report with a count of 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use events::timed;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let page = timed("page", async { tokio::spawn(timed("query", async {}).attached()).await });
    /// page.report(|timing| assert_eq!(timing.children()[0].name(), "query")).await.expect("no panic");
    /// # }
    /// ```
    pub fn attached(mut self) -> Self {
        if let Some(begin) = &mut self.begin {
            begin.parent = current();
        }
        self
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(Begin { name, parent, callback }) = this.begin.take() {
            *this.run = Some(Run::begin(name, parent.or_else(current), callback));
        }
        let Some(mut run) = this.run.take() else { return Poll::Pending };
        let polled = run.within(|| {
            let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
            let output = ready!(future.poll(cx));
            this.future.set(None);
            let outcome = (this.outcome)(&output);
            Poll::Ready((output, outcome))
        });
        match polled {
            Ok(Poll::Pending) => {
                *this.run = Some(run);
                Poll::Pending
            }
            Ok(Poll::Ready((output, outcome))) => {
                run.end(outcome);
                Poll::Ready(output)
            }
            Err(panic) => run.end_in_panic(panic),
        }
    }
}

impl<F: Future> fmt::Debug for Timed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.begin.as_ref().map(|begin| &begin.name);
        f.debug_struct("Timed").field("name", &name).field("run", &self.run).finish_non_exhaustive()
    }
}
