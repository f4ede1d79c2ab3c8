//! Events that are known by their name and their JSON alone.

use super::accept::Accepted;
use super::error::shortened;
use super::{DispatchError, outside};
use crate::any::{Payload, Subject};
use crate::context::Ambient;
use crate::event::{Taker, Taking};
use crate::lifespan::Lifespan;
use crate::name;
use crate::registry::{Named, Registry};

/// Dispatches an event that is known by its name and its JSON alone, as a message from elsewhere is.
///
/// Where a linked type has the name, the payload becomes a value of that type and is validated, and the event is the same
/// as one that was dispatched by [`dispatch`](crate::dispatch). Where none has, it goes, unvalidated, to the handlers over `&AnyEvent` and
/// [`View<T>`](crate::View) whose patterns match. `json` is text or bytes: JSON, in UTF-8.
///
/// A name may be an `alias`: the event has its real name then, and handlers see no other one. A payload that does not fit
/// is tried as those of the older types of `upgrade`, the newest first; where none fits, the error is that of today's type.
/// Where the sender says the version, [`dispatch_named_version`] does not guess.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{DispatchError, Event, Lifespan, dispatch_named};
///
/// #[derive(Event, serde::Deserialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// app.scope(async {
///     dispatch_named("cat-fed", r#"{"fish":2}"#)?;
///     let error = dispatch_named("cat-fed", r#"{"fish":"two"}"#).unwrap_err();
///     assert!(error.to_string().contains("at `fish`"), "{error}");
///     Ok::<(), DispatchError>(())
/// })
/// .await?;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`dispatch`](crate::dispatch), and [`DispatchError::Name`] for a text that cannot be a name,
/// [`Malformed`](DispatchError::Malformed) for a payload that does not fit,
/// [`NotDeserialize`](DispatchError::NotDeserialize) for a type that cannot be made of JSON.
pub fn dispatch_named(name: &str, json: impl AsRef<[u8]>) -> Result<(), DispatchError> {
    match Ambient::current() {
        Some(ambient) => dispatch_in(&ambient, name, None, json.as_ref()),
        None => outside::check_named(name, None, json.as_ref()),
    }
}

/// Dispatches an event by its name and a payload of a version that is known: what the sender said of it.
///
/// It is [`dispatch_named`], but that the payload is read as the type of that version and as no other one:
/// today's, or one of those that `#[event(upgrade = ..)]` names. A name that no type has is in no version.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, dispatch_named_version};
/// use serde::Deserialize;
///
/// #[derive(Event, Deserialize)]
/// #[event(name = "cat-fed", version = 2, upgrade = CatFedV1)]
/// struct CatFed {
///     grams: u32,
/// }
///
/// #[derive(Deserialize)]
/// struct CatFedV1 {
///     kilos: u32,
/// }
///
/// impl From<CatFedV1> for CatFed {
///     fn from(old: CatFedV1) -> Self {
///         Self { grams: old.kilos * 1000 }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// app.scope(async {
///     dispatch_named_version("cat-fed", 1, r#"{"kilos":2}"#)?;
///     let error = dispatch_named_version("cat-fed", 3, "{}").unwrap_err();
///     assert_eq!(error.to_string(), "`cat-fed` is in version 3, and this binary reads versions 1 to 2");
///     Ok::<(), events::DispatchError>(())
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`dispatch_named`], and [`DispatchError::Version`] for a version that this binary does not read.
pub fn dispatch_named_version(name: &str, version: u32, json: impl AsRef<[u8]>) -> Result<(), DispatchError> {
    match Ambient::current() {
        Some(ambient) => dispatch_in(&ambient, name, Some(version), json.as_ref()),
        None => outside::check_named(name, Some(version), json.as_ref()),
    }
}

impl Lifespan {
    /// Dispatches an event to this lifespan, at once, by its name and its JSON. See [`dispatch_named`].
    ///
    /// # Errors
    ///
    /// As [`dispatch_named`], [`NoLifespan`](DispatchError::NoLifespan) excepted.
    pub fn dispatch_named(&self, name: &str, json: impl AsRef<[u8]>) -> Result<(), DispatchError> {
        let ambient = self.ambient_for(name)?;
        dispatch_in(&ambient, name, None, json.as_ref())
    }

    /// Dispatches an event to this lifespan, at once, by its name and its JSON in a version. See
    /// [`dispatch_named_version`].
    ///
    /// # Errors
    ///
    /// As [`dispatch_named_version`], [`NoLifespan`](DispatchError::NoLifespan) excepted.
    pub fn dispatch_named_version(
        &self,
        name: &str,
        version: u32,
        json: impl AsRef<[u8]>,
    ) -> Result<(), DispatchError> {
        let ambient = self.ambient_for(name)?;
        dispatch_in(&ambient, name, Some(version), json.as_ref())
    }
}

fn dispatch_in(ambient: &Ambient, name: &str, version: Option<u32>, json: &[u8]) -> Result<(), DispatchError> {
    accept(ambient, name, version, json).inspect_err(|error| ambient.refused(error))
}

fn accept(ambient: &Ambient, name: &str, version: Option<u32>, json: &[u8]) -> Result<(), DispatchError> {
    let accepted = decode(name, version, json, &mut |named, payload| {
        let subject = subject_of(ambient.lifespan(), named, name);
        ambient.dispatch(subject, payload).map(|()| Accepted::default())
    });
    accepted.map(drop)
}

/// What an event is about that has a name, and a type where one is known.
#[inline]
pub(super) fn subject_of(lifespan: &Lifespan, named: Option<Named>, name: &str) -> Subject {
    match named {
        Some(Named { decl, variant }) => Subject::Declared { decl, variant },
        None => Subject::Unknown { name: name.into(), route: lifespan.core().routes.unknown(name) },
    }
}

/// Makes what a name and its JSON stand for, and has it taken; it is of no type where none has the name.
pub(super) fn decode(
    name: &str,
    version: Option<u32>,
    json: &[u8],
    take: &mut dyn FnMut(Option<Named>, &mut dyn Payload) -> Taking,
) -> Taking {
    decode_as(Registry::get().find(name), name, version, json, take)
}

/// The same, for who knows what the name stands for.
#[inline]
pub(super) fn decode_as(
    named: Option<Named>,
    name: &str,
    version: Option<u32>,
    json: &[u8],
    mut take: impl FnMut(Option<Named>, &mut dyn Payload) -> Taking,
) -> Taking {
    if let Some(named) = named {
        return named.decode(version, json, &mut |variant, payload| take(Some(Named { variant, ..named }), payload));
    }
    name::check(name).map_err(|error| DispatchError::Name { name: shortened(name), error })?;
    let payload = crate::wire::raw(json);
    let mut payload = payload.map_err(|error| DispatchError::Malformed { event: name.into(), error })?;
    take(None, &mut payload)
}

impl Named {
    /// Makes the event out of JSON: in the version that is known, or else in the newest one that it fits.
    fn decode(
        self,
        version: Option<u32>,
        json: &[u8],
        take: &mut dyn FnMut(usize, &mut dyn Payload) -> Taking,
    ) -> Taking {
        let Self { decl, variant } = self;
        let taker = &mut Taker::new(take);
        let event = || decl.names[variant].into();
        let today = decl
            .deserialize
            .ok_or_else(|| DispatchError::NotDeserialize { event: event(), type_name: decl.type_name })?;
        let declared = &decl.variants[variant];
        let malformed = |error: crate::DecodeError| DispatchError::Malformed {
            event: event(),
            error: error.without_secrets(declared.fields),
        };
        let newest = declared.version;
        let mut older = declared.upgrades.iter().rev();
        let decoded = match version {
            None => match today(variant, json, taker) {
                Ok(decoded) => Ok(decoded),
                Err(error) => older.find_map(|upgrade| upgrade(variant, json, taker).ok()).ok_or(error),
            },
            Some(version) if version == newest => today(variant, json, taker),
            Some(version) => {
                let steps = newest.checked_sub(version).and_then(|steps| usize::try_from(steps).ok());
                let upgrade = steps.and_then(|steps| older.nth(steps - 1));
                let oldest = newest - u32::try_from(declared.upgrades.len()).unwrap_or(newest);
                let unread = || DispatchError::Version { event: event(), version, oldest, newest };
                upgrade.ok_or_else(unread)?(variant, json, taker)
            }
        };
        decoded.map_err(malformed)?.0
    }
}
