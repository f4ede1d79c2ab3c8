//! Functions that do what a test tells them, and values that log their end.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use events::{Lifespan, Place, State, Teardown, catalog};

use super::Log;

/// What a function does, beside its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Fail,
    Panic,
    Hang,
    /// It takes so many milliseconds.
    Take(u64),
}

/// What each function does, by its name; those that it has no word for do their work.
#[derive(Debug, Default)]
pub(crate) struct Script(Mutex<HashMap<&'static str, Does>>);

impl Script {
    pub(crate) fn of(lines: impl IntoIterator<Item = (&'static str, Does)>) -> Self {
        Self(Mutex::new(lines.into_iter().collect()))
    }

    pub(crate) fn tell(&self, name: &'static str, does: Does) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, does);
    }

    fn get(&self, name: &str) -> Option<Does> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// Does what the script says, where nothing can be waited for.
    pub(crate) fn act_at_once(&self, name: &str) -> Result<(), String> {
        match self.get(name) {
            Some(Does::Fail) => Err(format!("{name} fails")),
            Some(Does::Panic) => panic!("{name} panics"),
            Some(Does::Hang | Does::Take(_)) => panic!("{name} cannot wait"),
            None => Ok(()),
        }
    }

    /// Does what the script says.
    pub(crate) async fn act(&self, name: &str) -> Result<(), String> {
        tokio::task::yield_now().await;
        match self.get(name) {
            Some(Does::Hang) => pending().await,
            Some(Does::Take(time)) => {
                tokio::time::sleep(Duration::from_millis(time)).await;
                Ok(())
            }
            _ => self.act_at_once(name),
        }
    }
}

/// A value that logs its end.
pub(crate) struct Value {
    pub(crate) name: String,
    log: State<Log>,
}

impl Value {
    pub(crate) fn new(name: impl Into<String>, log: &State<Log>) -> Self {
        let name = name.into();
        log.write(format!("make {name}"));
        Self { name, log: log.clone() }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.log.write(format!("drop {}", self.name));
    }
}

/// Registers a teardown that waits, and logs what it was told.
pub(crate) fn log_end(teardown: Teardown, name: &'static str, log: &State<Log>) {
    let log = log.clone();
    teardown.register(async move |ending| {
        tokio::task::yield_now().await;
        log.write(format!("end {name} {ending:?}"));
    });
}

/// Registers a teardown that logs what it was told, and then does what the script has for `work`.
pub(crate) fn script_end(
    teardown: Teardown,
    (name, work): (&'static str, &'static str),
    log: &State<Log>,
    script: &State<Script>,
) {
    let (log, script) = (log.clone(), script.clone());
    teardown.register(async move |ending| {
        log.write(format!("end {name} {ending:?}"));
        script.act(work).await
    });
}

/// Where a function is declared, by its path.
pub(crate) fn place(path: &str) -> Place {
    let functions = catalog().handlers().chain(catalog().hooks()).map(|function| (function.path(), function.place()));
    let providers = catalog().providers().map(|provider| (provider.path(), provider.place()));
    functions.chain(providers).find(|(known, _)| known == path).expect("a function of this binary").1
}

/// Lets everything that can go on do so, in virtual time.
pub(crate) async fn rest() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// The script that a lifespan was given.
pub(crate) fn script(app: &Lifespan) -> State<Script> {
    app.state().expect("it was given one")
}
