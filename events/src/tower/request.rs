//! The scope of one request, on its way from the call of the service to the end of the body.

use std::sync::Arc;

use http::request::Parts;
use http::{Request, StatusCode};

use crate::context::{Ambient, Lent};
use crate::lifespan::Lifespan;
use crate::scope::OpenScope;

/// Decides by the status of a response whether its events are forgotten.
#[derive(Clone, Default)]
pub(super) struct Policy(Option<Arc<dyn Fn(StatusCode) -> bool + Send + Sync>>);

impl Policy {
    pub(super) fn new(forgets: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(forgets)))
    }

    fn forgets(&self, status: StatusCode) -> bool {
        self.0.as_ref().is_some_and(|forgets| forgets(status))
    }
}

type Give = dyn Fn(&Parts, &OpenScope) + Send + Sync;

/// Makes values for the scope of a request, of its head.
#[derive(Clone, Default)]
pub(super) struct Values(Option<Arc<Give>>);

impl Values {
    pub(super) fn and<T: Send + Sync + 'static>(
        self,
        make: impl Fn(&Parts) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(move |head, scope| {
            if let Some(before) = &self.0 {
                before(head, scope);
            }
            if let Some(value) = make(head) {
                scope.insert(value);
            }
        })))
    }

    /// Gives the scope its values.
    pub(super) fn give<B>(&self, request: Request<B>, scope: &RequestScope) -> Request<B> {
        let Some(give) = &self.0 else { return request };
        let (head, body) = request.into_parts();
        give(&head, &scope.open);
        Request::from_parts(head, body)
    }
}

/// Its end, wherever that comes, hands what was collected to the lifespan, so that nobody waits for the delivery.
pub(super) struct RequestScope {
    ambient: Option<Ambient>,
    open: OpenScope,
    forgets: bool,
}

impl RequestScope {
    pub(super) fn new(lifespan: &Lifespan) -> Self {
        let open = OpenScope::new(lifespan);
        Self { ambient: Some(open.ambient(lifespan)), open, forgets: false }
    }

    /// Surrounds the caller until the guard is dropped.
    pub(super) fn enter(&mut self) -> (Lent<'_>, Option<tracing::span::Entered<'_>>) {
        (Lent::new(&mut self.ambient), self.open.enter_span())
    }

    /// Settles what becomes of the events, those of the body included.
    pub(super) fn decide(&mut self, policy: &Policy, status: StatusCode) {
        self.forgets = policy.forgets(status);
    }
}

impl Drop for RequestScope {
    fn drop(&mut self) {
        if self.forgets {
            self.open.discard();
        }
    }
}
