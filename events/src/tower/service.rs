//! The service that a request comes to, and the future of its response.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::EventsBody;
use super::request::{Policy, RequestScope, Values};
use crate::lifespan::Lifespan;

/// A service whose requests run in scopes: what [`EventsLayer`](super::EventsLayer) makes of a service.
pub struct EventsService<S> {
    inner: S,
    lifespan: Lifespan,
    policy: Policy,
    values: Values,
}

impl<S> EventsService<S> {
    pub(super) fn new(inner: S, lifespan: Lifespan, policy: Policy, values: Values) -> Self {
        Self { inner, lifespan, policy, values }
    }
}

/// Routers clone their services for every request.
impl<S: Clone> Clone for EventsService<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.lifespan.again(), self.policy.clone(), self.values.clone())
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for EventsService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Response = Response<EventsBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let mut scope = RequestScope::new(&self.lifespan);
        let response = {
            let request = self.values.give(request, &scope);
            let _entered = scope.enter();
            self.inner.call(request)
        };
        ResponseFuture { response: Some(response), scope: Some(scope), policy: self.policy.clone() }
    }
}

impl<S: fmt::Debug> fmt::Debug for EventsService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsService")
            .field("inner", &self.inner)
            .field("lifespan", &self.lifespan)
            .finish_non_exhaustive()
    }
}

pin_project_lite::pin_project! {
    /// The future of a response whose request runs in a scope.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the service's own future, and loses no event: what was dispatched is delivered by the lifespan.
    #[must_use = "futures do nothing until they are polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        response: Option<F>,
        scope: Option<RequestScope>,
        policy: Policy,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.response.is_some() {
                // Before the scope, and inside of it, so that destructors may dispatch.
                let _entered = this.scope.as_mut().map(RequestScope::enter);
                this.response.set(None);
            }
        }
    }
}

impl<F, ResBody, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: Body,
{
    type Output = Result<Response<EventsBody<ResBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(scope) = this.scope else { return Poll::Pending };
        let output = {
            let _entered = scope.enter();
            let Some(response) = this.response.as_mut().as_pin_mut() else { return Poll::Pending };
            let output = ready!(response.poll(cx));
            this.response.set(None);
            output
        };
        if let Ok(response) = &output {
            scope.decide(this.policy, response.status());
        }
        let scope = this.scope.take();
        Poll::Ready(output.map(|response| response.map(|body| EventsBody::new(body, scope))))
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("ended", &self.response.is_none()).finish_non_exhaustive()
    }
}
