//! What providers have made, for one call or for a lifespan, and how it ends.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::error::{ProviderError, What};
use super::teardown::{Ending, Slot, Teardown};
use super::{LifespanProvider, ProviderDecl, Value};
use crate::call::caught;
use crate::failure::{FailureCause, panic_text};
use crate::lifespan::Lifespan;

impl Lifespan {
    /// The value that a [`#[provide(lifespan)]`](macro@crate::provide) has made, for code that is no handler: `main`, the
    /// routes of a server. Where another stands in for the provider, the value is that of the other.
    ///
    /// It is there before the startup hooks. None where no function that the lifespan was started with depends on the provider,
    /// not over other providers either, so that it was not asked; a startup hook that depends on it is such a function. None,
    /// too, once the value's teardown is over. Whoever keeps the value has it beyond that, as the teardown left it.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Lifespan, on, provide};
    ///
    /// struct Database(&'static str);
    ///
    /// #[provide(lifespan)]
    /// async fn database() -> Database {
    ///     Database("cafe.db")
    /// }
    ///
    /// #[on(startup)]
    /// async fn create_tables(#[depends(database)] database: &Database) {
    ///     println!("in {}", database.0);
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().start().await?;
    /// assert_eq!(app.provided::<database>().unwrap().0, "cafe.db");
    /// app.shutdown().await?;
    /// assert!(app.provided::<database>().is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn provided<P: LifespanProvider>(&self) -> Option<Arc<P::Value>> {
        self.core().provided.get(P::__declaration())?.downcast().ok()
    }
}

/// The values of one call, or of a lifespan, in the order in which they were made.
#[derive(Default)]
pub struct Provided {
    entries: Mutex<Vec<Entry>>,
    /// Whose turn it is.
    at: Mutex<Option<&'static ProviderDecl>>,
}

struct Entry {
    provider: &'static ProviderDecl,
    /// Absent where it was taken, or could not be made.
    value: Option<Value>,
    teardown: Arc<Slot>,
}

impl Provided {
    pub(crate) fn get(&self, provider: &ProviderDecl) -> Option<Value> {
        let entries = self.entries();
        entries.iter().find(|entry| entry.provider.is(provider)).and_then(|entry| entry.value.clone())
    }

    /// Takes a value out, for the one that takes it by value.
    pub(super) fn take(&self, provider: &ProviderDecl) -> Option<Value> {
        let mut entries = self.entries();
        entries.iter_mut().find(|entry| entry.provider.is(provider)).and_then(|entry| entry.value.take())
    }

    /// Keeps a value that no provider of the program has made.
    pub(super) fn keep(&self, provider: &'static ProviderDecl, value: Value) {
        self.entries().push(Entry { provider, value: Some(value), teardown: Arc::default() });
    }

    /// Whose turn it is: which provider makes its value, or is torn down.
    pub(crate) fn at(&self) -> Option<&'static ProviderDecl> {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_at(&self, provider: Option<&'static ProviderDecl>) -> Option<&'static ProviderDecl> {
        std::mem::replace(&mut *self.at.lock().unwrap_or_else(PoisonError::into_inner), provider)
    }

    /// Ends as `end` does, in the time that there is; what is left then is dropped.
    pub(crate) async fn end_until(&self, end: Instant, ending: Ending) -> Vec<ProviderError> {
        let (mut failed, begun) = (Vec::new(), Instant::now());
        if tokio::time::timeout_at(end, self.end(ending, &mut failed)).await.is_err() {
            let late = |provider| ProviderError::new(provider, What::Teardown, FailureCause::Timeout(begun.elapsed()));
            failed.extend(self.at().map(late));
            self.drop_all();
        }
        failed.iter().for_each(ProviderError::log);
        failed
    }

    /// Tears everything down and drops it, the last first, and adds what failed.
    pub(crate) async fn end(&self, ending: Ending, failed: &mut Vec<ProviderError>) {
        // What is torn down stays here meanwhile: whoever stops waiting finds it among the others.
        while let Some((provider, teardown)) = self.last() {
            self.set_at(Some(provider));
            let mut fail = |cause| failed.push(ProviderError::new(provider, What::Teardown, cause));
            if let Some(work) = teardown.close() {
                match caught(work(ending)).await {
                    Ok(outcome) => outcome.err().into_iter().for_each(|error| fail(FailureCause::Error(error))),
                    Err(panic) => fail(panic),
                }
            }
            dropped(self.pop()).err().into_iter().for_each(&mut fail);
        }
        self.set_at(None);
    }

    fn last(&self) -> Option<(&'static ProviderDecl, Arc<Slot>)> {
        self.entries().last().map(|entry| (entry.provider, Arc::clone(&entry.teardown)))
    }

    fn pop(&self) -> Option<Entry> {
        self.entries().pop()
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops everything, the last first, where there is no time for more.
    pub(crate) fn drop_all(&self) {
        while let Some(Entry { provider, value, teardown }) = self.pop() {
            for panic in [dropped(teardown.close()).err(), dropped(value).err()].into_iter().flatten() {
                ProviderError::new(provider, What::Teardown, panic).log();
            }
        }
    }
}

/// Drops what is the user's. A panic stops nothing: a second one on top of it would end the process.
fn dropped<T>(value: T) -> Result<(), FailureCause> {
    catch_unwind(AssertUnwindSafe(|| drop(value))).map_err(|panic| FailureCause::Panic(panic_text(&*panic)))
}

impl Drop for Provided {
    fn drop(&mut self) {
        self.drop_all();
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries().iter().map(|entry| entry.provider)).finish()
    }
}

/// A provider at work. Whether or not it makes its value, what it has registered is kept.
pub struct Making<'a> {
    provider: &'static ProviderDecl,
    before: Option<&'static ProviderDecl>,
    values: &'a Provided,
    value: Option<Value>,
    teardown: Arc<Slot>,
}

impl<'a> Making<'a> {
    pub(super) fn begin(provider: &'static ProviderDecl, values: &'a Provided) -> Self {
        let before = values.set_at(Some(provider));
        Self { provider, before, values, value: None, teardown: Arc::default() }
    }

    /// The values of the call that it is made for.
    pub fn provided(&self) -> Option<&'a Provided> {
        Some(self.values)
    }

    pub(super) fn teardown(&self) -> Teardown {
        self.teardown.handle()
    }

    /// Ends with a value.
    pub(super) fn end(mut self, value: &Value) {
        self.value = Some(Arc::clone(value));
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let value = self.value.take();
        // Whoever waits for too long asks whose turn it was.
        if value.is_some() {
            self.values.set_at(self.before);
        }
        let entry = Entry { provider: self.provider, value, teardown: Arc::clone(&self.teardown) };
        self.values.entries().push(entry);
    }
}

impl fmt::Debug for Making<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.provider, f)
    }
}
