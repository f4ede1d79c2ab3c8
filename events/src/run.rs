//! A whole program: start, wait for a signal, shut down.

use std::fmt;
use std::io;
use std::pin::pin;
use std::process::{ExitCode, Termination};

use futures_util::future::{Either, select};

use crate::lifespan::{LifespanBuilder, ShutdownReport, StartError};

/// Starts a lifespan, waits for SIGINT or SIGTERM, and shuts it down. A second signal forces the end. A lifespan that is shut
/// down in another way ends the program as well.
///
/// What it answers is made for `main`, and says how the program ended:
///
/// | exit code | meaning |
/// |---|---|
/// | 0 | everything that was accepted was delivered, and every shutdown hook did its work |
/// | 1 | the lifespan did not start, or the signals could not be listened to; the reason is on standard error |
/// | 2 | the shutdown was not clean: something was aborted, or a hook failed; the report is on standard error |
/// | 130, 143 | a second SIGINT or SIGTERM forced the end, as 128 and the signal's number by the shells' custom |
///
/// A signal that comes while the lifespan starts ends it as [`abort`](crate::Lifespan::abort) does. Outside of Unix there
/// is no SIGTERM, and Ctrl-C stands for SIGINT.
///
/// # Examples
///
/// ```no_run
/// use events::{Exit, Lifespan};
///
/// #[tokio::main]
/// async fn main() -> Exit {
///     events::run(Lifespan::builder().state(String::from("configuration"))).await
/// }
/// ```
///
/// # Cancel safety
///
/// Dropping the future drops the lifespan's handle, which aborts it.
pub async fn run(builder: LifespanBuilder) -> Exit {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return Exit::Signals(error),
    };
    let app = match select(pin!(builder.start()), pin!(signals.next())).await {
        Either::Left((Ok(app), _)) => app,
        Either::Left((Err(error), _)) => return Exit::NotStarted(error),
        Either::Right((signal, _)) => return Exit::Forced(signal, ShutdownReport::default()),
    };
    // Where the program ends itself, nobody need tell it to.
    select(pin!(signals.next()), pin!(app.core().ended.wait())).await;
    let report = match select(pin!(app.shutdown()), pin!(signals.next())).await {
        Either::Left((report, _)) => report,
        Either::Right((second, _)) => {
            app.abort();
            return Exit::Forced(second, app.shutdown().await.unwrap_or_default());
        }
    };
    match report {
        Ok(report) if report.is_clean() => Exit::Clean(report),
        Ok(report) => Exit::Unclean(report),
        Err(_) => Exit::Unclean(ShutdownReport::default()),
    }
}

/// A signal that ends a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: what supervisors send.
    Terminate,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// How a program that [`run`] ran has ended. As the answer of `main` it becomes the exit code.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "it is the exit code of the program"]
pub enum Exit {
    /// Nothing was lost.
    Clean(ShutdownReport),
    /// Something was aborted, or a shutdown hook failed.
    Unclean(ShutdownReport),
    /// A second signal did not wait for the end, or the first came before the start was complete.
    Forced(Signal, ShutdownReport),
    /// The lifespan did not start.
    NotStarted(StartError),
    /// The program could not listen to signals.
    Signals(io::Error),
}

impl Exit {
    /// The number that the program answers to whoever started it.
    pub fn code(&self) -> u8 {
        match self {
            Self::Clean(_) => 0,
            Self::NotStarted(_) | Self::Signals(_) => 1,
            Self::Unclean(_) => 2,
            Self::Forced(Signal::Interrupt, _) => 128 + 2,
            Self::Forced(Signal::Terminate, _) => 128 + 15,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean(report) => write!(f, "shut down: {report}"),
            Self::Unclean(report) => write!(f, "the shutdown was not clean: {report}"),
            Self::Forced(signal, report) => write!(f, "{signal} forced the end: {report}"),
            Self::NotStarted(error) => write!(f, "{error}"),
            Self::Signals(error) => write!(f, "cannot listen to signals: {error}"),
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        if !matches!(self, Self::Clean(_)) {
            eprintln!("{self}");
        }
        ExitCode::from(self.code())
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        match select(pin!(self.interrupt.recv()), pin!(self.terminate.recv())).await {
            Either::Left(_) => Signal::Interrupt,
            Either::Right(_) => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "listening can fail elsewhere")]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            // Nobody will ever be heard.
            Err(_) => std::future::pending().await,
        }
    }
}
