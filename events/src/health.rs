//! Whether a lifespan does its work, over HTTP: for orchestrators and load balancers.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::{Health, LastError, Lifespan, rfc3339};

/// Routes that say how a lifespan does: `GET /livez` and `GET /readyz`, as Kubernetes calls them.
///
/// `/livez` answers 200 until the lifespan has ended, and `/readyz` while work should come here: see [`Health::is_live`] and
/// [`Health::is_ready`]. Else they answer 503. The body is one word, `ok` or `unavailable`, so that whoever asks learns nothing
/// of what is behind; [`detailed`](Self::detailed) says more. No answer is to be kept: `Cache-Control: no-store`.
///
/// The routes do not keep the lifespan alive.
///
/// # Examples
///
/// ```standalone_crate
/// use axum::Router;
/// use events::{Lifespan, health::Probes};
/// # use tower::ServiceExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = Lifespan::builder().start().await?;
/// let router = Router::new().merge(Probes::new(&app).routes());
/// # let ask = |path| router.clone().oneshot(axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap());
/// # assert_eq!((ask("/livez").await?.status(), ask("/readyz").await?.status()), (200.try_into()?, 200.try_into()?));
/// app.shutdown().await?;
/// # assert_eq!((ask("/livez").await?.status(), ask("/readyz").await?.status()), (503.try_into()?, 503.try_into()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until its routes are served"]
pub struct Probes {
    lifespan: Lifespan,
    is_detailed: bool,
}

impl Probes {
    /// The probes of a lifespan.
    pub fn new(lifespan: &Lifespan) -> Self {
        Self { lifespan: lifespan.internal(), is_detailed: false }
    }

    /// Says more: a JSON object with `status`, `pending`, `max_pending`, and for each source and each sink its name, its place in
    /// the source, and what was last wrong with it. Names are addresses, and errors tell of the network: this is for those who run the service, and not
    /// for the world.
    pub fn detailed(mut self) -> Self {
        self.is_detailed = true;
        self
    }

    /// The routes `/livez` and `/readyz`.
    pub fn routes<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let answer = |question: fn(&Health) -> bool| {
            get(move |State(probes): State<Self>| async move { probes.answer(question) })
        };
        let routes = Router::new().route("/livez", answer(Health::is_live)).route("/readyz", answer(Health::is_ready));
        routes.with_state(self)
    }

    fn answer(&self, question: fn(&Health) -> bool) -> Response {
        let health = self.lifespan.health();
        let (status, word) =
            if question(&health) { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
        let (media_type, body) = if self.is_detailed {
            ("application/json", details(&health, word).to_string())
        } else {
            ("text/plain; charset=utf-8", word.to_owned())
        };
        let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-store")];
        (status, headers.map(|(name, value)| (name, HeaderValue::from_static(value))), body).into_response()
    }
}

fn details(health: &Health, word: &str) -> Value {
    let (pending, max_pending) = health.pending();
    let sources = health.sources().iter().map(
        |source| json!({"name": source.name(), "place": source.place().to_string(), "connected": source.is_connected(), "last_error": error(source.last_error())}),
    );
    let sinks = health.sinks().iter().map(
        |sink| json!({"name": sink.name(), "place": sink.place().to_string(), "failed_attempts": sink.failed_attempts(), "last_error": error(sink.last_error())}),
    );
    json!({
        "status": word,
        "summary": health.to_string(),
        "pending": pending,
        "max_pending": max_pending,
        "sources": sources.collect::<Value>(),
        "sinks": sinks.collect::<Value>(),
    })
}

fn error(error: Option<&LastError>) -> Value {
    error.map_or(Value::Null, |error| json!({"error": error.to_string(), "time": rfc3339::write(error.time())}))
}
