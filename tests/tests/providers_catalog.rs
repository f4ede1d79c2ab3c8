//! What the catalog tells of providers, and of those who depend on them.

use std::collections::HashMap;

use events::{Event, Failure, State, catalog, every, on, provide};

type Prices = HashMap<String, u64>;

mod store {
    use events::provide;

    pub(crate) struct Pool;

    #[provide(lifespan)]
    pub(crate) fn pool() -> Pool {
        Pool
    }
}

use store::Pool;

struct Session;

#[provide(timeout = "2s")]
async fn session(#[depends(store::pool)] _: &Pool, #[depends(prices)] _: &Prices) -> Result<Session, std::io::Error> {
    Ok(Session)
}

#[provide]
fn prices(_: State<u8>) -> HashMap<String, u64> {
    HashMap::new()
}

#[derive(Event)]
struct Asked;

#[on]
async fn both(_: &Asked, #[depends(session)] _: &Session, _: State<u8>, #[depends(store::pool)] _: &Pool) {}

#[on(order = 1)]
fn one(_: &Asked, #[depends(prices)] prices: Prices) {
    drop(prices);
}

#[on(order = 2, blocking)]
fn blocked(_: &Asked, #[depends(session)] _: &Session) {}

#[on(order = 3, now)]
fn at_once(_: &Asked, #[depends(prices)] _: &Prices) {}

#[on(order = 4)]
fn none(_: &Asked) {}

#[on(failure)]
async fn hear(_: &Failure, #[depends(store::pool)] _: &Pool) {}

#[every("1h")]
fn tick(#[depends(prices)] _: &Prices) {}

#[test]
fn providers_come_by_place_with_what_they_make_and_need() {
    let providers: Vec<_> = catalog()
        .providers()
        .map(|provider| (provider.path(), provider.value(), provider.is_lifespan(), provider.depends_on()))
        .collect();
    let needs = ["providers_catalog::store::pool", "providers_catalog::prices"].map(str::to_owned).to_vec();
    assert_eq!(
        providers,
        [
            ("providers_catalog::session".to_owned(), "Result<Session, std::io::Error>", false, needs),
            ("providers_catalog::prices".to_owned(), "HashMap<String, u64>", false, Vec::new()),
            ("providers_catalog::store::pool".to_owned(), "Pool", true, Vec::new()),
        ]
    );
    let places: Vec<_> = catalog().providers().map(|provider| provider.place()).collect();
    assert!(places.iter().all(|place| place.file().ends_with("providers_catalog.rs")), "{places:?}");
    assert_eq!(places[2].module(), "providers_catalog::store");
}

#[test]
fn functions_tell_what_they_depend_on_in_the_order_of_their_parameters() {
    let functions: Vec<_> = catalog()
        .handlers()
        .chain(catalog().hooks())
        .map(|function| (function.call(), function.depends_on()))
        .collect();
    let path = |name: &str| format!("providers_catalog::{name}");
    assert_eq!(
        functions,
        [
            ("async", vec![path("session"), path("store::pool")]),
            ("sync", vec![path("prices")]),
            ("blocking", vec![path("session")]),
            ("now", vec![path("prices")]),
            ("sync", Vec::new()),
            ("async", vec![path("store::pool")]),
            ("sync", vec![path("prices")]),
        ]
    );
}

#[test]
fn it_prints_a_table_of_providers() {
    let printed = catalog().to_string();
    let (_, table) = printed.split_once("PROVIDER").expect("there is a table of them");
    let words = |line: &str| {
        let words = line.split_whitespace().filter(|word| !word.contains("providers_catalog.rs:"));
        words.map(|word| word.replace("providers_catalog::", "")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        table.lines().map(words).collect::<Vec<_>>(),
        [
            "MAKES FOR EACH DEPENDS ON DECLARED AT",
            "session Result<Session, std::io::Error> call store::pool prices",
            "prices HashMap<String, u64> call -",
            "store::pool Pool lifespan -",
        ]
    );
    let column = printed.lines().filter(|line| line.contains("DEPENDS ON")).count();
    assert_eq!(column, 3, "handlers, hooks and providers have one: {printed}");
    let both = printed.lines().find(|line| line.contains("::both")).expect("it is declared");
    assert!(both.contains("providers_catalog::session providers_catalog::store::pool"), "{both}");
}
