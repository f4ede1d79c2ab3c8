//! The macros of the [`events`](https://docs.rs/events) crate, which re-exports them. Depend on that one.

mod debug;
mod diagnostics;
mod event;
mod function;
mod on;
mod options;
mod params;
mod provide;
mod timed;
mod tokens;

use proc_macro::TokenStream;

/// Makes a struct an event, or every variant of an enum one.
///
/// The name is the type's in kebab-case, `CatRequestedAFish` being `cat-requested-a-fish`; for a variant, the enum's
/// `prefix` and the variant's name in kebab-case. What the type can do is found without a flag: a type that implements
/// `validator::Validate` is validated at every dispatch, one that implements `serde::Serialize` has a
/// JSON form, and one that implements `serde::Deserialize` can be dispatched by name.
///
/// The type must own what it holds and be concrete: lifetimes and type parameters are refused, because a type is put into
/// the link table, which is built before anything could choose them.
///
/// # Options
///
/// | option | on | meaning |
/// |---|---|---|
/// | `name = "cat.born"` | struct, variant | the name, instead of the one that the identifier makes |
/// | `prefix = "user-"` | enum | what the default names of the variants begin with |
/// | `alias = "cat_born"` | struct, variant | another name under which payloads may arrive; may be given several times |
/// | `version = 2` | struct, variant | which version of the payload the type is; 1 where it is not said |
/// | `upgrade = CatBornV1` | struct, variant | the types of the versions before, as one or as `[CatBornV1, CatBornV2]` |
/// | `secret` | field | keeps the field's value out of errors and of what else is shown |
/// | `partition_key` | field | its value, as `Display` writes it, says which events brokers keep in order |
/// | `crate = path` | struct, enum | where the `events` crate is, when it is renamed or re-exported |
///
/// A name has 1 to 255 bytes, without white space, control characters and `* ? [ ]`.
///
/// # Old names and old payloads
///
/// What arrives by name, from `dispatch_named` or from a source, may bear an `alias`: handlers see the event under its real
/// name, and patterns match that one alone. A payload of an older `version` is read as the type that `upgrade` names for it,
/// which is `serde::Deserialize`, and becomes an event through `From`. What does not say its version is read as the newest
/// one that it fits. The outcome is checked by the rules of today.
///
/// ```
/// use events::Event;
/// use serde::Deserialize;
///
/// #[derive(Event, Deserialize)]
/// #[event(name = "cat-fed", alias = "cat_fed", version = 2, upgrade = CatFedV1)]
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
/// ```
///
/// # Partition keys
///
/// Brokers that spread events over partitions, or over queues, keep in order those that have the same key. The field that is
/// marked has it, of a struct or of a variant; sinks find it in [`Envelope::partition_key`], and it travels as the attribute
/// `partitionkey` of `CloudEvents`. A value that is written as an empty text is no key.
///
/// ```
/// use events::Event;
/// use serde::Serialize;
///
/// #[derive(Event, Serialize)]
/// struct OrderPlaced {
///     #[event(partition_key)]
///     customer: String,
///     fish: u32,
/// }
/// ```
///
/// [`Envelope::partition_key`]: struct.Envelope.html#method.partition_key
///
/// # Enums on the wire
///
/// The payload of a variant is its fields alone. The variant is known from the event's name, so that serde's `tag`,
/// `content`, `untagged` and skipped variants are refused.
///
/// # Examples
///
/// ```
/// use events::Event;
///
/// #[derive(Event)]
/// #[event(name = "cat.born")]
/// struct CatBorn {
///     name: String,
/// }
///
/// #[derive(Event)]
/// #[event(prefix = "user-")]
/// enum UserEvent {
///     SignedUp { email: String },
///     #[event(name = "user-left")]
///     Deleted,
/// }
///
/// assert_eq!(CatBorn::NAMES, ["cat.born"]);
/// assert_eq!(UserEvent::NAMES, ["user-signed-up", "user-left"]);
/// ```
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    debug::shown("derive(Event)", event::expand(input.into())).into()
}

/// Makes a function a handler: it is called for every event that its first parameter takes and its patterns match.
///
/// The function stays what it was, callable under its own name. The registration stands beside it, in the link table, and
/// is found without being mentioned anywhere.
///
/// # Patterns
///
/// `#[on("cat*", "dog?")]` takes shell-style globs, as [`Pattern`] describes them; without one, the handler takes every
/// event of its parameter's type. A handler runs once for an event, however many of its patterns match. A pattern that
/// matches no name of the parameter's type is a compile error.
///
/// # Parameters
///
/// The first one is the event:
///
/// | parameter | events |
/// |---|---|
/// | `&E`, `Arc<E>`, `E` where `E: Clone` | those of the type `E` |
/// | `&AnyEvent`, `AnyEvent` | all |
/// | `View<T>` where `T: DeserializeOwned` | all, read by their shape from their JSON |
/// | `Batch<E>` | those of the type `E`, several at a time |
///
/// The others are made for each call: `State<T>`, `Lifespan`, `Metadata`, `Emit<(A, B)>`, or a type that implements
/// [`FromContext`].
///
/// # Returns
///
/// `()`, an event, an `Option`, `Vec` or tuple of these, or a `Result` whose error converts into a boxed error. Returned
/// events are dispatched as if the handler had called `dispatch`.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `order = -10` | handlers with a lower number run first, the default being 0; those with equal numbers run concurrently |
/// | `now` | a `fn` that runs inside the dispatch, before the scope decides anything |
/// | `blocking` | a `fn` that runs on the runtime's blocking pool; any other `fn` runs in the delivery's task and must not block |
/// | `group = "billing"` | a lifespan can take groups in or leave them out |
/// | `batch = 100, within = "500ms"` | the handler takes `Batch<E>`: so many events at a time, or those that are there when the oldest has waited so long |
/// | `concurrency = 4` | how many batches are handled at a time, the default being 1 |
/// | `timeout = "5s"` | an `async` or `blocking` handler that takes longer fails; the text is a duration as `humantime` reads it |
/// | `crate = path` | where the `events` crate is, when it is renamed or re-exported |
///
/// Several `#[on]` on one function add up.
///
/// # Moments of the lifespan
///
/// | attribute | the function is called | parameters |
/// |---|---|---|
/// | `#[on(startup)]` | in order, before the first event is delivered; an error fails the start | made for the call |
/// | `#[on(shutdown)]` | last one first, when everything has been delivered | made for the call |
/// | `#[on(failure)]` | whenever something has failed | `&Failure`, then those made for the call |
///
/// # Failures
///
/// A handler that answers with an error, panics or takes too long stops no other one and never reaches the dispatcher. It
/// becomes a [`Failure`], which is logged, counted, and in the answer of `deliver`.
///
/// # Examples
///
/// ```
/// use events::{AnyEvent, Event, Metadata, on};
///
/// #[derive(Event)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// #[derive(Event)]
/// struct CatPurred;
///
/// #[on("cat-*", timeout = "2s")]
/// async fn purr(event: &CatFed, metadata: Metadata) -> Option<CatPurred> {
///     println!("{} fish, by {}", event.fish, metadata.id());
///     (event.fish > 0).then_some(CatPurred)
/// }
///
/// #[on("*", order = 100)]
/// fn audit(event: &AnyEvent) {
///     println!("{}", event.name());
/// }
/// # fn main() {}
/// ```
///
/// [`Pattern`]: https://docs.rs/events/latest/events/struct.Pattern.html
/// [`FromContext`]: https://docs.rs/events/latest/events/trait.FromContext.html
/// [`Failure`]: https://docs.rs/events/latest/events/struct.Failure.html
#[proc_macro_attribute]
pub fn on(args: TokenStream, item: TokenStream) -> TokenStream {
    debug::shown("on", on::expand(on::Attribute::On, args.into(), &item.into())).into()
}

/// Calls a function again and again while a lifespan runs: `#[every("5s")]`.
///
/// The first run begins when the start is complete, the next ones on the grid of the interval. At most `max` runs go on at a
/// time; a tick that finds no place is dropped and not made up for. A run that fails or panics keeps the schedule, and is a
/// [`Failure`]. Shutdown interrupts the wait for the next tick, and waits for runs that have begun.
///
/// The function takes what is made for each call, `State<T>`, `Lifespan` or a type that implements [`FromContext`], and
/// returns what a handler may return.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `max = 4` | how many runs may go on at a time, the default being 1 |
/// | `timeout = "2s"` | an `async` or `blocking` run that takes longer fails |
/// | `blocking` | a `fn` that runs on the runtime's blocking pool |
/// | `group = "billing"` | a lifespan can take groups in or leave them out |
/// | `crate = path` | where the `events` crate is, when it is renamed or re-exported |
///
/// # Examples
///
/// ```
/// use events::{Event, every};
///
/// #[derive(Event)]
/// struct CacheCleared;
///
/// #[every("30s", timeout = "10s")]
/// async fn clear_cache() -> Result<CacheCleared, std::io::Error> {
///     Ok(CacheCleared)
/// }
/// # fn main() {}
/// ```
///
/// [`FromContext`]: https://docs.rs/events/latest/events/trait.FromContext.html
/// [`Failure`]: https://docs.rs/events/latest/events/struct.Failure.html
#[proc_macro_attribute]
pub fn every(args: TokenStream, item: TokenStream) -> TokenStream {
    debug::shown("every", on::expand(on::Attribute::Every, args.into(), &item.into())).into()
}

/// Makes a function a provider: it makes what handlers, hooks, periodic functions and other providers ask for by
/// `#[depends(..)]`.
///
/// `#[depends(database)]` on a parameter names the provider by its path, so that the type may be anybody's, a jump leads to
/// the function, and a rename that forgets one of the two does not compile. What it makes is borrowed by `&T`. What is made
/// for the call may be taken by value, as `T`, where nothing else in the call takes it. A `&str` is borrowed from a `String`,
/// and a `&dyn Trait` from a `Box<dyn Trait>`.
///
/// - `#[provide]`: once for each call of a handler, whether one parameter asks for it or many. It is dropped when the handler
///   has ended: after success, an error, a panic, a time-out and an abort, the last one made first.
/// - `#[provide(lifespan)]`: once for each lifespan, before the startup hooks, those first that others depend on, and side by
///   side where they do not. A failure keeps the lifespan from starting. Only what functions of the lifespan depend on is
///   made. It is dropped after the shutdown hooks, the last one made first.
///
/// The function is `async` or not, and takes what handlers take beside the event: `State<T>`, `Lifespan`, for a call
/// `Metadata`, types that implement `FromContext`, and what other providers make. `Teardown` lets it say what is to be done at
/// the end. Where the type after the arrow is written as a `Result`, its error is a `Failure` that names the provider, and
/// the handler does not run; a panic and a time-out are the same.
///
/// A provider that depends on itself, over others or not, does not compile; nor does a lifespan provider that depends on one
/// that is made for calls, nor a `now` handler that would have to wait.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `lifespan` | once for each lifespan instead of once for each call |
/// | `timeout = "5s"` | how long an `async fn` may take; without it, as long as the handler may |
/// | `crate = path` | where the `events` crate is, when it is renamed or re-exported |
///
/// # Examples
///
/// ```
/// use events::{Event, State, on, provide};
///
/// struct Config { url: String }
/// struct Pool(String);
/// struct Session;
///
/// #[provide(lifespan)]
/// async fn database(config: State<Config>) -> Result<Pool, std::io::Error> {
///     Ok(Pool(config.url.clone()))
/// }
///
/// #[provide]
/// async fn session(#[depends(database)] pool: &Pool) -> Session {
///     println!("from {}", pool.0);
///     Session
/// }
///
/// #[derive(Event)]
/// struct OrderPlaced;
///
/// #[on("order-placed")]
/// async fn bill(_: &OrderPlaced, #[depends(session)] _session: &Session) {}
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn provide(args: TokenStream, item: TokenStream) -> TokenStream {
    debug::shown("provide", provide::expand(args.into(), &item.into())).into()
}

/// Times every call of a function: `#[timed]` under the function's own name, `#[timed("name")]` under another one.
///
/// The signature stays as it is, and the body becomes the inside of [`timed`]; that of a `fn`, of [`timed_sync`]. Where the
/// type after the arrow is written as a `Result`, an error is kept with its text: its type implements `Display` then. A call
/// inside of something that is timed is a part of it; any other call is reported when it ends, each time.
///
/// It goes on functions and methods of all kinds but `const fn`, above or below [`#[on]`](macro@on) and other attributes.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `crate = path` | where the `events` crate is, when it is renamed or re-exported |
///
/// # Examples
///
/// ```
/// use events::{Event, on, timed};
///
/// #[derive(Event)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// #[on("cat-*")]
/// #[timed("feeding")]
/// async fn count(event: &CatFed) -> Result<(), String> {
///     weigh(event.fish)?;
///     Ok(())
/// }
///
/// #[timed]
/// fn weigh(fish: u32) -> Result<u32, String> {
///     fish.checked_mul(300).ok_or("too heavy".into())
/// }
/// # fn main() {}
/// ```
///
/// [`timed`]: https://docs.rs/events/latest/events/fn.timed.html
/// [`timed_sync`]: https://docs.rs/events/latest/events/fn.timed_sync.html
#[proc_macro_attribute]
pub fn timed(args: TokenStream, item: TokenStream) -> TokenStream {
    debug::shown("timed", timed::expand(args.into(), &item.into())).into()
}
