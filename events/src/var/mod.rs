//! Statics with one value for each lifespan.

mod store;

use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::context::Ambient;
use crate::lifespan::Lifespan;
use store::Value;
pub(crate) use store::VarStore;

/// A `static` with one value for each lifespan.
///
/// Whatever runs in a lifespan, on whichever task or thread, sees the same value; what runs in another lifespan sees another
/// one. The lifespan is the one around the caller: that of the scope, handler, hook, or task of [`spawn`](crate::spawn) and
/// [`spawn_blocking`](crate::spawn_blocking) that the caller runs in. Elsewhere, name it: [`get_in`](Self::get_in).
///
/// Values are shared as [`Arc`], so that one that has been got stays alive while others are set. They are dropped when the
/// lifespan has ended, after its last shutdown hook. Two statics are two variables, whatever their types and their names;
/// only in a `static` can it be used.
///
/// For a value that is there from the start to the end, [`State`](crate::State) is simpler.
///
/// ```compile_fail,E0716
/// # use events::LifespanVar;
/// const SEEN: LifespanVar<u64> = LifespanVar::new();
/// let seen = SEEN.get(); // every use of a constant would be a variable of its own
/// ```
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, LifespanVar, VarError, on};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// static SEEN: LifespanVar<AtomicU64> = LifespanVar::with_default(AtomicU64::default);
///
/// #[derive(Event)]
/// struct CatFed;
///
/// #[on]
/// async fn count(_: &CatFed) -> Result<(), VarError> {
///     SEEN.get()?.fetch_add(1, Ordering::Relaxed);
///     Ok(())
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     let app = Lifespan::builder().start().await?;
///     for _ in 0..2 {
///         assert!(app.deliver(CatFed).await?.is_ok());
///     }
///     assert_eq!(SEEN.get_in(&app)?.load(Ordering::Relaxed), 2);
///     app.shutdown().await?;
///     assert_eq!(SEEN.get_in(&app).err(), Some(VarError::Closed));
///     Ok(())
/// }
/// ```
pub struct LifespanVar<T> {
    default: Option<fn() -> T>,
    /// Keeps a `const` from being taken for a `static`: the compiler may give two equal constants one address, but not what
    /// may change.
    _place: AtomicBool,
}

/// Why a [`LifespanVar`] has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VarError {
    /// The caller stands in no scope, handler or task of a lifespan.
    #[error(
        "a `LifespanVar` was used outside of a lifespan: use it inside `lifespan.scope(..)` or a handler, or name the lifespan with `get_in`"
    )]
    NoLifespan,
    /// Nothing has set it in this lifespan, and it has no default.
    #[error(
        "the `LifespanVar` has no value in this lifespan: call `set` before, or `get_or_init`, or declare it `with_default`"
    )]
    Unset,
    /// The lifespan has ended, and the value with it.
    #[error("the value of a `LifespanVar` was asked for after the lifespan's end: it has been shut down")]
    Closed,
    /// The function that makes the value has asked for that value.
    #[error("the value of a `LifespanVar` was asked for by the function that makes it")]
    Recursive,
}

impl<T> LifespanVar<T> {
    /// A variable that has no value until one is set.
    pub const fn new() -> Self {
        Self { default: None, _place: AtomicBool::new(false) }
    }

    /// A variable whose value is made by `default`, in each lifespan that asks for it, when it first does.
    pub const fn with_default(default: fn() -> T) -> Self {
        Self { default: Some(default), _place: AtomicBool::new(false) }
    }
}

impl<T: Send + Sync + 'static> LifespanVar<T> {
    /// The value in the lifespan around the caller: the one that was set last, or else the default, made once.
    ///
    /// # Errors
    ///
    /// - [`VarError::NoLifespan`] outside of a lifespan, also where there is a default.
    /// - [`VarError::Unset`] where there is neither a value nor a default.
    /// - [`VarError::Closed`] after the lifespan's end.
    /// - [`VarError::Recursive`] inside of its own default.
    ///
    /// # Panics
    ///
    /// When the default panics. The next caller tries again.
    pub fn get(&'static self) -> Result<Arc<T>, VarError> {
        self.get_in(&surrounding()?)
    }

    /// The value in the lifespan around the caller; where there is none, what `init` makes.
    ///
    /// The closure runs once for each lifespan: of many callers at once, one runs its own and the others wait, with their
    /// threads, for the value. It should be short, therefore, and must not wait for another thread that asks for the value.
    /// A default is not looked at.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Lifespan, LifespanVar, VarError};
    ///
    /// static GREETING: LifespanVar<String> = LifespanVar::new();
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let app = Lifespan::builder().start().await?;
    /// app.scope(async {
    ///     assert_eq!(GREETING.get().err(), Some(VarError::Unset));
    ///     assert_eq!(*GREETING.get_or_init(|| "hello".to_owned())?, "hello");
    ///     assert_eq!(*GREETING.get_or_init(|| unreachable!("it is there"))?, "hello");
    ///     Ok::<_, VarError>(())
    /// })
    /// .await?;
    /// # app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VarError::NoLifespan`], [`VarError::Closed`] and [`VarError::Recursive`], as [`get`](Self::get).
    ///
    /// # Panics
    ///
    /// When the closure panics. The next caller tries again.
    pub fn get_or_init(&'static self, init: impl FnOnce() -> T) -> Result<Arc<T>, VarError> {
        self.get_or_init_in(&surrounding()?, init)
    }

    /// Sets the value in the lifespan around the caller. All of its tasks see it at once, until the guard is dropped; then
    /// they see again what was there before.
    ///
    /// Guards may be dropped in any order. One that is not the newest changes nothing that anybody sees: its value is
    /// forgotten, and does not come back when the newer ones are gone.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Lifespan, LifespanVar, VarError};
    ///
    /// static LANGUAGE: LifespanVar<&str> = LifespanVar::with_default(|| "en");
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let app = Lifespan::builder().start().await?;
    /// app.scope(async {
    ///     let german = LANGUAGE.set("de")?;
    ///     assert_eq!(*LANGUAGE.get()?, "de");
    ///     drop(german);
    ///     assert_eq!(*LANGUAGE.get()?, "en");
    ///     LANGUAGE.set("fr")?.keep();
    ///     assert_eq!(*LANGUAGE.get()?, "fr");
    ///     Ok::<_, VarError>(())
    /// })
    /// .await?;
    /// # app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VarError::NoLifespan`] and [`VarError::Closed`], as [`get`](Self::get).
    pub fn set(&'static self, value: T) -> Result<VarGuard, VarError> {
        self.set_in(&surrounding()?, value)
    }

    /// The value in a lifespan that is named. Otherwise as [`get`](Self::get).
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), except for [`VarError::NoLifespan`].
    ///
    /// # Panics
    ///
    /// As [`get`](Self::get).
    pub fn get_in(&'static self, lifespan: &Lifespan) -> Result<Arc<T>, VarError> {
        match self.default {
            Some(default) => self.get_or_init_in(lifespan, default),
            None => typed(lifespan.core().vars.get(self.key())),
        }
    }

    /// The value in a lifespan that is named, or what `init` makes. Otherwise as [`get_or_init`](Self::get_or_init).
    ///
    /// # Errors
    ///
    /// As [`get_or_init`](Self::get_or_init), except for [`VarError::NoLifespan`].
    ///
    /// # Panics
    ///
    /// As [`get_or_init`](Self::get_or_init).
    pub fn get_or_init_in(&'static self, lifespan: &Lifespan, init: impl FnOnce() -> T) -> Result<Arc<T>, VarError> {
        typed(lifespan.core().vars.get_or_make(self.key(), || Arc::new(init())))
    }

    /// Sets the value in a lifespan that is named. Otherwise as [`set`](Self::set).
    ///
    /// # Errors
    ///
    /// [`VarError::Closed`] after the lifespan's end.
    pub fn set_in(&'static self, lifespan: &Lifespan, value: T) -> Result<VarGuard, VarError> {
        let key = self.key();
        let number = lifespan.core().vars.set(key, Arc::new(value))?;
        Ok(VarGuard { lifespan: lifespan.internal(), key, number })
    }

    /// A static is never moved and never dropped, so that its address is its own.
    fn key(&'static self) -> usize {
        ptr::from_ref(self).addr()
    }
}

fn surrounding() -> Result<Lifespan, VarError> {
    Ambient::current().map(|ambient| ambient.lifespan().clone()).ok_or(VarError::NoLifespan)
}

/// Only values of `T` are stored under the address of a `LifespanVar<T>`.
fn typed<T: Send + Sync + 'static>(value: Result<Value, VarError>) -> Result<Arc<T>, VarError> {
    value?.downcast().map_err(|_| VarError::Unset)
}

impl<T> Default for LifespanVar<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the value in the lifespan around the caller, if it is there; it makes none.
impl<T: fmt::Debug + Send + Sync + 'static> fmt::Debug for LifespanVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = surrounding().and_then(|lifespan| lifespan.core().vars.get(ptr::from_ref(self).addr()));
        match typed::<T>(value) {
            Ok(value) => f.debug_tuple("LifespanVar").field(&value).finish(),
            Err(_) => f.debug_struct("LifespanVar").finish_non_exhaustive(),
        }
    }
}

/// Takes a value of a [`LifespanVar`] back when it is dropped. Made by [`LifespanVar::set`].
///
/// It may outlive the lifespan; then it does nothing.
#[must_use = "the value is taken back as soon as the guard is dropped: hold it, or call `keep`"]
pub struct VarGuard {
    lifespan: Lifespan,
    key: usize,
    number: u64,
}

impl VarGuard {
    /// Leaves the value for good. Older guards, when they are dropped, bring nothing back.
    pub fn keep(self) {
        // What has been kept is no guard's any more, so that the drop of this one finds nothing.
        self.lifespan.core().vars.keep(self.key, self.number);
    }
}

impl Drop for VarGuard {
    fn drop(&mut self) {
        self.lifespan.core().vars.take_back(self.key, self.number);
    }
}

impl fmt::Debug for VarGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VarGuard").field("lifespan", &self.lifespan).finish_non_exhaustive()
    }
}
