//! The body of a response, which the request's scope ends with.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};

use super::request::RequestScope;

pin_project_lite::pin_project! {
    /// The body of a response whose request runs in a scope.
    ///
    /// It passes the frames of the service's own body on, and ends the scope with the last of them.
    ///
    /// # Cancel safety
    ///
    /// Dropping it on the way drops the service's own body, and loses no event: what was dispatched is delivered by the
    /// lifespan.
    pub struct EventsBody<B> {
        #[pin]
        body: Option<B>,
        scope: Option<RequestScope>,
    }

    impl<B> PinnedDrop for EventsBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.body.is_some() {
                // Before the scope, and inside of it, so that destructors may dispatch.
                let _entered = this.scope.as_mut().map(RequestScope::enter);
                this.body.set(None);
            }
        }
    }
}

impl<B: Body> EventsBody<B> {
    pub(super) fn new(body: B, mut scope: Option<RequestScope>) -> Self {
        // Nobody polls what has ended from the start.
        if body.is_end_stream() {
            let _entered = scope.as_mut().map(RequestScope::enter);
            drop(body);
            return Self { body: None, scope: None };
        }
        Self { body: Some(body), scope }
    }
}

impl<B: Body> Body for EventsBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let (frame, ended) = {
            let _entered = this.scope.as_mut().map(RequestScope::enter);
            let frame = ready!(body.as_mut().poll_frame(cx));
            let ended = !matches!(frame, Some(Ok(_))) || body.is_end_stream();
            if ended {
                this.body.set(None);
            }
            (frame, ended)
        };
        if ended {
            *this.scope = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// A body in no scope, for layers that answer for the service, as one for time-outs does.
impl<B: Default> Default for EventsBody<B> {
    fn default() -> Self {
        Self { body: Some(B::default()), scope: None }
    }
}

impl<B: fmt::Debug> fmt::Debug for EventsBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsBody").field("body", &self.body).finish_non_exhaustive()
    }
}
