//! A scope for each request: [`EventsLayer`], for axum, hyper, tonic and every other tower service over HTTP.
//!
//! [`dispatch`](crate::dispatch) in a handler of the wrapped service queues, as it does in a
//! [scope](crate::Lifespan::scope). The scope ends with the **body** of the response, so that a body that streams may
//! dispatch too, and its events are delivered by a task of the lifespan: no client waits for them.
//!
//! # Examples
//!
//! ```standalone_crate
//! use axum::Router;
//! use axum::routing::post;
//! use events::tower::EventsLayer;
//! use events::{DispatchError, Event, Lifespan, dispatch, on};
//! # use tower::ServiceExt as _;
//!
//! #[derive(Event)]
//! struct OrderPlaced;
//!
//! #[on]
//! async fn pack(_: &OrderPlaced) {
//!     println!("packed");
//! }
//!
//! async fn order() -> Result<&'static str, String> {
//!     dispatch(OrderPlaced).map_err(|error: DispatchError| error.to_string())?; // queued
//!     Ok("thank you") // delivered once this has been sent
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let app = Lifespan::builder().start().await?;
//! let router: Router = Router::new().route("/orders", post(order)).layer(EventsLayer::new(app.clone()));
//! # let request = axum::extract::Request::post("/orders").body(axum::body::Body::empty())?;
//! # assert!(router.oneshot(request).await?.status().is_success());
//! // axum::serve(listener, router).with_graceful_shutdown(signal).await?;
//! let report = app.shutdown().await?; // after the server, which opens scopes
//! # assert_eq!(report.delivered, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # When a scope ends
//!
//! | what happens | what becomes of the events |
//! |---|---|
//! | the body has ended, failed, or is empty from the start | they are delivered |
//! | the body is dropped on the way: the client has gone, or sent `HEAD` | they are delivered |
//! | the future of the response is dropped: the client has gone before there was one | they are delivered |
//! | the service fails, or panics; the panic goes on | they are delivered |
//! | a response with a status that [`discard_if`](EventsLayer::discard_if) names | they are forgotten, whatever becomes of its body |
//!
//! In the wrapped service [`Scope::current`](crate::Scope::current) is the request's scope, for values of its own and for a
//! [`flush`](crate::Scope::flush) in the middle of a long response.
//!
//! # Layers in layers
//!
//! The innermost scope owns the event, as everywhere: of two layers, be they of one lifespan or of two, the one next to the
//! handler. A layer that makes a response of its own (a time-out, a caught panic) decides by its place: inside of
//! `EventsLayer` its status counts for [`discard_if`](EventsLayer::discard_if); outside, the scope just ends.
//!
//! # Tasks and upgrades
//!
//! A task that a handler starts is in the request's scope when it is started by [`events::spawn`](crate::spawn()), or carries
//! [`.in_scope()`](crate::InScopeExt::in_scope). What it dispatches after the scope has ended goes to the lifespan, at once.
//! That is the way of a connection that was upgraded: its response has no body, so that its scope has ended before the
//! first message.
//!
//! ```standalone_crate,no_run
//! use axum::extract::Request;
//! use axum::http::StatusCode;
//! use events::{Event, InScopeExt as _, dispatch};
//!
//! #[derive(Event)]
//! struct PeerConnected;
//!
//! async fn upgrade(request: Request) -> StatusCode {
//!     let task = async move {
//!         // let connection = hyper::upgrade::on(request).await?;
//! #       drop(request);
//!         dispatch(PeerConnected) // to the lifespan: the scope has ended
//!     };
//!     tokio::spawn(task.in_scope());
//!     StatusCode::SWITCHING_PROTOCOLS
//! }
//! ```
//!
//! Where a framework starts the task, as `on_upgrade` of axum does, the code in it stands in no scope. It takes one, which
//! may collect and deliver message by message:
//!
//! ```standalone_crate,no_run
//! # type WebSocket = tokio::sync::mpsc::Receiver<String>;
//! # struct WebSocketUpgrade;
//! # impl WebSocketUpgrade {
//! #     fn on_upgrade<F: Future>(self, _: impl FnOnce(WebSocket) -> F) {}
//! # }
//! use events::{DispatchError, Event, Lifespan, Scope, dispatch};
//!
//! #[derive(Event)]
//! struct MessageReceived(String);
//!
//! fn connect(upgrade: WebSocketUpgrade, app: Lifespan) {
//!     upgrade.on_upgrade(move |socket| async move { app.scope(talk(socket)).await })
//! }
//!
//! async fn talk(mut socket: WebSocket) -> Result<(), DispatchError> {
//!     let scope = Scope::current().expect("`connect` has opened one");
//!     while let Some(message) = socket.recv().await {
//!         dispatch(MessageReceived(message))?;
//!         let _delivery = scope.flush().await; // a failure has been reported
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # The end of the lifespan
//!
//! [`shutdown`](crate::Lifespan::shutdown) waits for every request whose body has not ended, up to its deadline. Requests that
//! come while it waits are served, and have scopes; those that come after it are served too, and a `dispatch` in them
//! answers [`Closed`](crate::DispatchError::Closed). So stop the server first, then the lifespan.

mod body;
mod request;
mod service;

use std::fmt;

use http::StatusCode;
use http::request::Parts;
use tower_layer::Layer;

use crate::lifespan::Lifespan;

pub use body::EventsBody;
use request::{Policy, Values};
pub use service::{EventsService, ResponseFuture};

/// Runs each request of a service in a scope of its own. See the [module](self) for what that means.
///
/// The layer holds a handle of the lifespan.
#[derive(Clone)]
pub struct EventsLayer {
    lifespan: Lifespan,
    policy: Policy,
    values: Values,
}

impl EventsLayer {
    /// A layer whose requests dispatch in scopes of `lifespan`, and whose events are always delivered.
    pub fn new(lifespan: Lifespan) -> Self {
        Self { lifespan, policy: Policy::default(), values: Values::default() }
    }

    /// Forgets what a request has dispatched when `forgets` says so of its response's status.
    ///
    /// It is asked once, when the head of the response is known, and its answer holds for what the body dispatches later as
    /// well. A request that ends without a status (the service failed or panicked, the client has gone) is not asked
    /// about: its events are delivered. What was [flushed](crate::Scope::flush), and what `now` handlers have done, has
    /// been done.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::Lifespan;
    /// use events::tower::EventsLayer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().start().await?;
    /// let layer = EventsLayer::new(app.clone())
    ///     .discard_if(|status| status.is_client_error() || status.is_server_error());
    /// # drop(layer);
    /// app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "it answers the layer that has the policy"]
    pub fn discard_if<P>(self, forgets: P) -> Self
    where
        P: Fn(StatusCode) -> bool + Send + Sync + 'static,
    {
        Self { policy: Policy::new(forgets), ..self }
    }

    /// Gives the scope of each request a value that is made of the request's head, if it makes one: handlers ask for it as
    /// [`ScopeValue<T>`](crate::ScopeValue). One value for each type: a later one replaces an earlier one.
    ///
    /// What a layer inside of this one finds out is given by [`Scope::insert`](crate::Scope::insert).
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::tower::EventsLayer;
    /// use events::{Event, Lifespan, ScopeValue, on};
    ///
    /// struct Locale(String);
    ///
    /// #[derive(Event)]
    /// struct OrderPlaced;
    ///
    /// #[on]
    /// async fn thank(_: &OrderPlaced, locale: Option<ScopeValue<Locale>>) {
    ///     println!("in {}", locale.map_or("en".into(), |locale| locale.0.clone()));
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().start().await?;
    /// let layer = EventsLayer::new(app.clone()).value(|head| {
    ///     let locale = head.headers.get("accept-language")?.to_str().ok()?;
    ///     Some(Locale(locale.to_owned()))
    /// });
    /// # drop(layer);
    /// app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "it answers the layer that gives the value"]
    pub fn value<T, F>(self, make: F) -> Self
    where
        T: Send + Sync + 'static,
        F: Fn(&Parts) -> Option<T> + Send + Sync + 'static,
    {
        Self { values: self.values.and(make), ..self }
    }
}

impl<S> Layer<S> for EventsLayer {
    type Service = EventsService<S>;

    fn layer(&self, inner: S) -> EventsService<S> {
        EventsService::new(inner, self.lifespan.clone(), self.policy.clone(), self.values.clone())
    }
}

impl fmt::Debug for EventsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsLayer").field("lifespan", &self.lifespan).finish_non_exhaustive()
    }
}
