//! The way in: a router that takes events.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, post};

use super::handshake::{Decision, Handshake, HandshakeRequest};
use super::problem::{Problem, Refusal};
use super::request::Bounds;
use crate::lifespan::Lifespan;
use crate::pattern::Pattern;

/// Takes events by HTTP, as [routes](Self::router) of an [`axum`] server. See the [module](super) for what is sent and what is
/// answered.
///
/// It holds a handle of the lifespan.
///
/// # Examples
///
/// ```standalone_crate
/// use axum::Router;
/// use events::http::Intake;
/// use events::{Event, Lifespan, on};
/// # use tower::ServiceExt as _;
///
/// #[derive(Event, serde::Deserialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// #[on]
/// async fn count(event: &CatFed) {
///     println!("{} fish", event.fish);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = Lifespan::builder().start().await?;
/// let intake = Intake::new(&app).accept("cat-*").body_limit(64 * 1024);
/// let router: Router = Router::new().nest("/hooks", intake.router()); // .layer(authentication)
/// # let request = axum::extract::Request::post("/hooks/events/cat-fed").header("content-type", "application/json");
/// # let answer = router.oneshot(request.body(axum::body::Body::from(r#"{"fish":2}"#))?).await?;
/// # assert_eq!(answer.status(), 202);
/// // axum::serve(listener, router).with_graceful_shutdown(signal).await?;
/// let report = app.shutdown().await?; // after the server
/// # assert_eq!(report.delivered, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "its `router` takes the events"]
pub struct Intake {
    settings: Settings,
}

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) lifespan: Lifespan,
    pub(super) bounds: Bounds,
    pub(super) batch_limit: usize,
    pub(super) max_wait: Duration,
    patterns: Vec<String>,
    pub(super) takes_unknown: bool,
    pub(super) tells_errors: bool,
    handshake: Option<Decision>,
}

impl Settings {
    /// Whether events of a name may come in.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| Pattern::new(pattern).matches(name))
    }
}

impl Intake {
    /// Takes events for a lifespan: all that this binary declares.
    pub fn new(lifespan: &Lifespan) -> Self {
        Self {
            settings: Settings {
                lifespan: lifespan.clone(),
                bounds: Bounds { bytes: 1 << 20, time: Duration::from_secs(30) },
                batch_limit: 100,
                max_wait: Duration::from_secs(30),
                patterns: Vec::new(),
                takes_unknown: false,
                tells_errors: false,
                handshake: None,
            },
        }
    }

    /// Takes events whose names match, and no others; of several patterns one is enough. An event that comes under an alias
    /// has the name that its type declares.
    ///
    /// Without it, whoever may send at all may send every event that is declared, those that were meant to stay inside too.
    pub fn accept(mut self, pattern: &str) -> Self {
        self.settings.patterns.push(pattern.into());
        self
    }

    /// Takes events with names that no type has: they go, unchecked, to the handlers over [`AnyEvent`](crate::AnyEvent) and
    /// [`View<T>`](crate::View), and to sinks. Without it they are refused.
    pub fn accept_unknown(mut self) -> Self {
        self.settings.takes_unknown = true;
        self
    }

    /// How many bytes a body may have. The default is 1 MiB; `CloudEvents` asks for 64 KiB at least.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.bounds.bytes = bytes;
        self
    }

    /// How long a body may take from its first byte to its last. The default is 30 s.
    pub fn body_timeout(mut self, limit: Duration) -> Self {
        self.settings.bounds.time = limit;
        self
    }

    /// How many events a batch may have. The default is 100; more than the lifespan's
    /// [`max_pending`](crate::LifespanBuilder::max_pending) never are taken together.
    pub fn batch_limit(mut self, events: usize) -> Self {
        self.settings.batch_limit = events;
        self
    }

    /// How long a client may wait for the outcome, whatever it prefers. The default is 30 s; with less than 1 s nobody waits.
    pub fn max_wait(mut self, limit: Duration) -> Self {
        self.settings.max_wait = Duration::from_secs(limit.as_secs());
        self
    }

    /// Tells clients that wait what went wrong in a handler, in the handler's own words. Without it they are told which one
    /// failed and of what kind the failure is: an error's text may hold what is nobody's business outside.
    pub fn tell_errors(mut self) -> Self {
        self.settings.tells_errors = true;
        self
    }

    /// Answers the handshake of webhooks, by which a sender asks before it sends anything, as `decide` says. Without it, the
    /// answer to `OPTIONS` is 405, by which a sender may take it that nobody agrees.
    ///
    /// A sender proves nothing by it, and is not remembered. A layer that asks for authentication is asked of `OPTIONS` as well,
    /// unless it lets that pass: not every sender has its credentials in the handshake.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::Lifespan;
    /// use events::http::{Handshake, Intake};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().start().await?;
    /// let intake = Intake::new(&app).handshake(|asked| match asked.origin.as_str() {
    ///     "eventemitter.example.com" => Handshake::Allow { rate: Some(120) },
    ///     _ => Handshake::Withhold,
    /// });
    /// # drop(intake);
    /// # app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn handshake(mut self, decide: impl Fn(&HandshakeRequest) -> Handshake + Send + Sync + 'static) -> Self {
        self.settings.handshake = Some(Decision::new(decide));
        self
    }

    /// The routes `POST /` and `POST /events/{name}`, to be nested and layered as any other.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let settings = Arc::new(self.settings);
        let with_handshake = |route: MethodRouter<Arc<Settings>>| match settings.handshake.clone() {
            Some(decision) => route.options(async move |request: Request| decision.answer(request.headers())),
            None => route,
        };
        Router::new()
            .route("/", with_handshake(post(message)))
            .route("/events/{name}", with_handshake(post(named)))
            .with_state(settings)
    }
}

async fn message(State(settings): State<Arc<Settings>>, request: Request) -> Result<Response, Problem> {
    settings.take(None, request).await
}

async fn named(
    State(settings): State<Arc<Settings>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let taken = match name {
        Ok(Path(name)) => settings.take(Some(&name), request).await,
        Err(_) => Err(Refusal::malformed("the name in the path is not UTF-8 behind its percents").into()),
    };
    taken.unwrap_or_else(Problem::into_response)
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("lifespan", &self.settings.lifespan)
            .field("bounds", &self.settings.bounds)
            .field("patterns", &self.settings.patterns)
            .finish_non_exhaustive()
    }
}
