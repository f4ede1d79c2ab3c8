//! The switch that makes a lifespan drop its events.

use std::env;
use std::ffi::OsStr;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::{Lifespan, StartFinding};
use crate::dispatch::shortened;

/// The environment variable that disables dispatch where code does not decide.
const VARIABLE: &str = "EVENTS_DISABLE_DISPATCH";
const ON: [&str; 6] = ["1", "true", "yes", "on", "y", "t"];
const OFF: [&str; 6] = ["0", "false", "no", "off", "n", "f"];

/// Whether a lifespan drops its events once they have been checked.
#[derive(Debug, Default)]
pub(crate) struct Switch {
    disabled: AtomicBool,
    turned: Notify,
}

impl Switch {
    pub(super) fn turn(&self, disabled: bool) {
        self.disabled.store(disabled, Ordering::Release);
        self.turned.notify_waiters();
    }

    pub(crate) fn is_off(&self) -> bool {
        self.disabled.load(Ordering::Relaxed)
    }

    /// Waits until events are not dropped.
    pub(crate) async fn on(&self) {
        loop {
            let turned = self.turned.notified();
            if !self.disabled.load(Ordering::Acquire) {
                return;
            }
            turned.await;
        }
    }
}

/// Whether a lifespan starts disabled: what code says, or else the environment.
pub(super) fn decide(by_code: Option<bool>) -> Result<bool, StartFinding> {
    by_code.map_or_else(environment, Ok)
}

/// Whether the environment disables dispatch. Asked anew each time: an answer that is kept would be a global.
pub(crate) fn environment_disables() -> bool {
    environment().unwrap_or(false)
}

fn environment() -> Result<bool, StartFinding> {
    let Some(value) = env::var_os(VARIABLE) else { return Ok(false) };
    meaning(&value).ok_or_else(|| {
        let held = shortened(&value.to_string_lossy());
        let [on, off] = [ON, OFF].map(|words| words.join("`, `"));
        StartFinding::new(format!(
            "the environment variable `{VARIABLE}` holds `{held}`, which says neither yes nor no: set it to one of `{on}` to \
             drop events, to one of `{off}` to deliver them, or unset it"
        ))
    })
}

fn meaning(value: &OsStr) -> Option<bool> {
    let word = value.to_str()?.trim();
    let is_one_of = |words: [&str; 6]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is_one_of(ON) { Some(true) } else { is_one_of(OFF).then_some(false) }
}

impl Lifespan {
    /// Disables dispatch from now on, or enables it again. See
    /// [`LifespanBuilder::disable_dispatch`](crate::LifespanBuilder::disable_dispatch).
    ///
    /// Events that were accepted before are delivered all the same; what their handlers dispatch in turn is dropped. Sources
    /// read nothing more while it is disabled, and go on when it is not: messages are not dropped. A
    /// dispatch that runs at the same time on another thread comes before or after.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Event, Lifespan, dispatch};
    ///
    /// #[derive(Event)]
    /// struct CatFed;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().disable_dispatch(false).on(async |_: std::sync::Arc<CatFed>| ()).start().await?;
    /// app.scope(async {
    ///     dispatch(CatFed)?; // delivered when the scope ends
    ///     app.disable_dispatch(true);
    ///     dispatch(CatFed) // dropped
    /// })
    /// .await?;
    /// assert_eq!(app.shutdown().await?.delivered, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn disable_dispatch(&self, disabled: bool) {
        self.core().switch.turn(disabled);
    }

    /// Whether events are dropped once they have been checked. See [`disable_dispatch`](Self::disable_dispatch).
    pub fn is_dispatch_disabled(&self) -> bool {
        self.core().switch.is_off()
    }

    /// Tells it where the lifespan starts disabled, since nothing else will say where its events are.
    pub(super) fn warn_where_disabled(&self) {
        if self.is_dispatch_disabled() {
            tracing::warn!(
                target: "events",
                lifespan = format_args!("{:016x}", self.core().id),
                "dispatch is disabled, by code or by `{VARIABLE}`: events are checked, then dropped",
            );
        }
    }
}
