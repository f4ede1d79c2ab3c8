//! What lifespan providers have made, for code that is no handler.

mod support;

use std::sync::Arc;

use events::{Event, Lifespan, State, Teardown, on, provide};
use support::Log;

#[derive(Debug, PartialEq)]
struct Database(String);
#[derive(Debug)]
struct Cache;
#[derive(Debug)]
struct Unused;

#[provide(lifespan)]
async fn database(teardown: Teardown, lifespan: Lifespan, log: State<Log>) -> Database {
    // In its own teardown it is still there.
    teardown.register(async move |_| log.write(format!("close: {:?}", lifespan.provided::<database>())));
    Database("real".into())
}

#[provide(lifespan)]
async fn cache(
    #[depends(database)] database: &Database,
    teardown: Teardown,
    lifespan: Lifespan,
    log: State<Log>,
) -> Cache {
    log.write(format!("make a cache of {}", database.0));
    // What it depends on is torn down after it.
    teardown.register(async move |_| log.write(format!("empty: {:?}", lifespan.provided::<database>())));
    Cache
}

#[provide(lifespan)]
async fn unused(log: State<Log>) -> Unused {
    log.write("make what nobody needs");
    Unused
}

#[derive(Event)]
struct CatFed;

#[on]
fn count(_: &CatFed, #[depends(cache)] _cache: &Cache, lifespan: Lifespan, log: State<Log>) {
    log.write(format!("count: {:?}", lifespan.provided::<database>()));
}

#[on(startup)]
fn begin(lifespan: Lifespan, log: State<Log>) {
    log.write(format!("begin: {:?}", lifespan.provided::<database>()));
}

#[tokio::test]
async fn a_value_is_there_from_the_startup_hooks_to_its_teardown() {
    let (app, log) = support::start_with(Lifespan::builder()).await;
    let database = app.provided::<database>().expect("a handler needs it, over the cache");
    assert_eq!(*database, Database("real".into()));
    assert!(Arc::ptr_eq(&database, &app.provided::<database>().expect("as before")), "there is one");
    assert!(app.deliver(CatFed).await.expect("accepted").is_ok());
    app.shutdown().await.expect("from outside");
    assert_eq!(
        log.take(),
        [
            "make a cache of real",
            r#"begin: Some(Database("real"))"#,
            r#"count: Some(Database("real"))"#,
            r#"empty: Some(Database("real"))"#,
            r#"close: Some(Database("real"))"#,
        ]
    );
    assert!(app.provided::<database>().is_none() && app.provided::<cache>().is_none());
    assert_eq!(*database, Database("real".into()), "what is kept stays");
}

#[tokio::test]
async fn what_no_function_depends_on_is_not_made() {
    let (app, _) = support::start_with(Lifespan::builder()).await;
    assert!(app.provided::<unused>().is_none());
    let (app, log) = support::start_with(Lifespan::builder().without("provided::count")).await;
    assert!(app.provided::<database>().is_none() && app.provided::<cache>().is_none());
    assert_eq!(log.take(), ["begin: None"]);
}

#[tokio::test]
async fn what_stands_in_for_a_provider_is_its_value() {
    let fake = |name: &str| Database(name.into());
    let (app, _) = support::start_with(Lifespan::builder().replace::<database>(fake("fake"))).await;
    let (other, _) = support::start_with(Lifespan::builder().replace_with::<database>(move || fake("new"))).await;
    assert_eq!(app.provided::<database>().as_deref(), Some(&fake("fake")));
    assert_eq!(other.provided::<database>().as_deref(), Some(&fake("new")));
}
