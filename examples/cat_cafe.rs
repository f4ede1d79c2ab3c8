//! A café that takes orders over HTTP, keeps them in a database of `SQLite`, and serves them once the answer is out.
//!
//! ```text
//! cargo run --example cat_cafe                        # all is forgotten at the end
//! cargo run --example cat_cafe -- --database cafe.db --listen 127.0.0.1:0
//! curl -i http://127.0.0.1:3000/orders --json '{"cat": "Tom", "fish": 2}'
//! curl -i http://127.0.0.1:3000/orders/1
//! ```
//!
//! A request inserts an order, dispatches `order-placed`, commits and answers: see `counter.rs`. What happens then is told
//! by `kitchen.rs`: handlers cook, serve and bill, each in a transaction of its own. `database.rs` provides it, of a database
//! that is opened and closed with the lifespan that `main` starts.
//!
//! An order and its event are one: the event is dispatched before the commit, so that no order is kept whose event was
//! refused; and an answer that tells of a failure, that of the commit too, takes the event back. A client that goes away
//! changes nothing of it. But events live in memory: when the process is killed, orders that were not cooked stay `placed`.
//!
//! SIGINT or SIGTERM closes the café: it takes no more connections, finishes the requests and all that they have led to, and
//! prints the account of its events at last. A second signal waits for nothing, and what it cuts off is told there.
//!
//! The exit code is 0 when nothing was lost, 1 when the café did not open, 2 when its end was not clean, and 130 or 143
//! when a second SIGINT or SIGTERM forced it.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::{ExitCode, Termination as _};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use events::{Exit, Lifespan};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::timeout;

#[path = "cat_cafe/arguments.rs"]
mod arguments;
#[path = "cat_cafe/counter.rs"]
mod counter;
#[path = "cat_cafe/database.rs"]
mod database;
#[path = "cat_cafe/kitchen.rs"]
mod kitchen;
#[path = "cat_cafe/signals.rs"]
mod signals;

use arguments::{Config, Request, USAGE};
use signals::Signals;

/// How long clients may take to end what they have begun when the café closes.
const LAST_ORDERS: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Request::parse(std::env::args_os().skip(1)) {
        Ok(Request::Help) => write!(io::stdout(), "{USAGE}").map(|()| ExitCode::SUCCESS).map_err(Into::into),
        Ok(Request::Open(config)) => run(config).await.map(Exit::report),
        Err(mistake) => Err(format!("{mistake}\n\n{USAGE}").into()),
    };
    done.unwrap_or_else(|error| {
        tell(format_args!("error: {error}"));
        ExitCode::FAILURE
    })
}

async fn run(config: Config) -> Result<Exit, Box<dyn Error>> {
    let signals = Signals::new()?;
    let listener = TcpListener::bind(&config.listen).await;
    let listener = listener.map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
    let app = Lifespan::builder().state(config).start().await?;
    let pool = app.provided::<database::pool>().ok_or("nothing depends on the database")?;

    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let exit = serve(listener, counter::router(app.clone(), pool), &app, signals).await?;
    writeln!(io::stdout(), "{exit}")?;
    Ok(exit)
}

async fn serve(
    listener: TcpListener,
    router: Router,
    app: &Lifespan,
    mut signals: Signals,
) -> Result<Exit, events::Error> {
    let closing = Arc::new(Notify::new());
    let server = axum::serve(listener, router).with_graceful_shutdown(Arc::clone(&closing).notified_owned());
    let server = tokio::spawn(server.into_future());

    let first = signals.next().await;
    tell(format_args!("{first}: closing; another signal does not wait for the end"));
    closing.notify_one();
    // The server ends first, since a lifespan that ends refuses what comes from outside.
    let end = async {
        if timeout(LAST_ORDERS, server).await.is_err() {
            tell("some clients have not ended their requests in time");
        }
        app.shutdown().await
    };
    let report = tokio::select! {
        report = end => report?,
        second = signals.next() => {
            app.abort();
            return Ok(Exit::Forced(second, app.shutdown().await?));
        }
    };
    Ok(if report.is_clean() { Exit::Clean(report) } else { Exit::Unclean(report) })
}

/// Writes a line to standard error. Where that fails, nobody is left to be told.
fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
