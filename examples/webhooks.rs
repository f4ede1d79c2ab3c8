//! A service that takes events by HTTP from those who know its token, and passes on what comes of them to another webhook.
//!
//! ```text
//! TOKEN=swordfish cargo run --example webhooks -- --listen 127.0.0.1:3001
//! TOKEN=trout NEXT_TOKEN=swordfish cargo run --example webhooks -- --next http://127.0.0.1:3001/hooks
//! curl -i http://127.0.0.1:3000/hooks/events/order-placed -H 'authorization: Bearer trout' --json '{"customer": "Tom", "pieces": 2}'
//! curl -i http://127.0.0.1:3000/hooks/events/order-placed -H 'authorization: Bearer trout' -H 'prefer: wait=5' \
//!     --json '{"customer": "Tom", "pieces": 0}'
//! ```
//!
//! The second service packs the order, and sends `parcel-packed` to the first one, which has nowhere to send it, and delivers
//! the parcel itself. Both are this program. Tokens come from the environment, since everybody sees a command line.
//!
//! SIGINT or SIGTERM ends it: requests are answered with 503 and `Retry-After`, parcels that are on their way are sent, and the
//! server stops at last.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::{ExitCode, Termination as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Known};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use events::http::{Intake, Webhook};
use events::{Event, Failure, Lifespan, LifespanBuilder, SinkExt as _, State, on};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use validator::Validate;

/// How long clients may take to end what they have begun when the service stops.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
struct OrderPlaced {
    #[validate(length(min = 1))]
    customer: String,
    #[validate(range(min = 1, max = 100))]
    pieces: u32,
}

#[derive(Debug, Event, Serialize, Deserialize)]
struct ParcelPacked {
    customer: String,
    pieces: u32,
}

#[on]
async fn pack(order: &OrderPlaced) -> ParcelPacked {
    ParcelPacked { customer: order.customer.clone(), pieces: order.pieces }
}

/// Where there is a next service, its sink alone gets the parcels.
#[on]
fn deliver(parcel: &ParcelPacked) -> io::Result<()> {
    writeln!(io::stdout(), "{} pieces for {}", parcel.pieces, parcel.customer)
}

#[on(failure)]
fn tell(failure: &Failure) {
    // Where that fails, nobody is left to be told.
    let _ = writeln!(io::stderr(), "{failure}");
}

/// What the service was told at its start.
struct Config {
    listen: String,
    token: Arc<str>,
}

/// The server, while it runs.
#[derive(Default)]
struct Server {
    stop: Arc<Notify>,
    task: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

#[on(startup)]
async fn listen(
    app: Lifespan,
    config: State<Config>,
    server: State<Server>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind(&config.listen).await?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let intake = Intake::new(&app).accept("order-placed").accept("parcel-packed").body_limit(64 * 1024);
    let router = Router::new()
        .nest("/hooks", intake.router())
        .layer(from_fn_with_state(Arc::clone(&config.token), authenticate));
    let running = axum::serve(listener, router).with_graceful_shutdown(Arc::clone(&server.stop).notified_owned());
    *server.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokio::spawn(running.into_future()));
    Ok(())
}

/// Runs when everything that was taken has been delivered.
#[on(shutdown)]
async fn stop(server: State<Server>) -> Result<(), Box<dyn Error + Send + Sync>> {
    server.stop.notify_one();
    let task = server.task.lock().unwrap_or_else(PoisonError::into_inner).take();
    match task {
        Some(task) => Ok(timeout(LAST_REQUESTS, task).await???),
        None => Ok(()),
    }
}

/// Lets nobody pass but those who know the token.
async fn authenticate(Known(token): Known<Arc<str>>, request: Request, next: Next) -> Response {
    let credentials = request.headers().get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if credentials.is_some_and(|given| is_same(given, token.as_bytes())) {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response()
}

/// Looks at every byte, so that the time it takes does not tell how many were right.
fn is_same(given: &[u8], token: &[u8]) -> bool {
    given.len() == token.len() && given.iter().zip(token).fold(0, |wrong, (a, b)| wrong | (a ^ b)) == 0
}

fn configured() -> Result<LifespanBuilder, Box<dyn Error>> {
    let (mut listen, mut next) = ("127.0.0.1:3000".to_owned(), None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("`{arg}` needs a value"))?;
        match arg.as_str() {
            "--listen" => listen = value,
            "--next" => next = Some(value),
            _ => return Err(format!("unknown argument `{arg}`: there are `--listen ADDRESS` and `--next URL`").into()),
        }
    }
    let token = std::env::var("TOKEN").ok().filter(|token| !token.is_empty());
    let token = token.ok_or("set the environment variable `TOKEN` to what senders have to know")?.into();
    let builder = Lifespan::builder().origin("/webhooks").state(Config { listen, token }).state(Server::default());
    let Some(url) = next else { return Ok(builder) };
    let mut webhook = Webhook::new(&url)?;
    if let Ok(token) = std::env::var("NEXT_TOKEN") {
        webhook = webhook.bearer(&token)?;
    }
    Ok(builder.sink("parcel-*", webhook.only()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match configured() {
        Ok(builder) => events::run(builder).await.report(),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
