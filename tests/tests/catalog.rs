//! What the catalog tells of a program, without running it.

use std::sync::Arc;

use events::{AnyEvent, Emit, Event, View, catalog, on};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Event, Serialize, Deserialize, Validate)]
#[event(alias = "cat_fed", version = 2, upgrade = CatFedV1)]
struct CatFed {
    #[validate(range(min = 1))]
    fish: u32,
}

#[derive(Deserialize)]
struct CatFedV1(u32);

impl From<CatFedV1> for CatFed {
    fn from(old: CatFedV1) -> Self {
        Self { fish: old.0 }
    }
}

#[derive(Event)]
struct CatPurred;

#[derive(Event, Serialize)]
#[event(prefix = "dog-")]
#[expect(dead_code, reason = "nothing is dispatched here")]
enum Dog {
    Barked,
    Slept,
}

#[on("cat-*", "c*", order = 2)]
async fn purr(_: &CatFed, _: Emit<Dog>) -> Result<(Option<CatPurred>, Vec<CatPurred>), String> {
    Ok((None, Vec::new()))
}

#[on("dog-slept", blocking, order = -1)]
fn hush(_: Arc<Dog>) {}

#[on(now)]
fn hear(_: &CatPurred) {}

#[on("*", "cow-*")]
fn audit(_: &AnyEvent) {}

#[on("c?t-*", order = 2)]
fn shape(_: View<Vec<u8>>) -> CatPurred {
    CatPurred
}

#[test]
fn events_come_by_name_with_what_they_can_do() {
    let events: Vec<_> = catalog()
        .events()
        .map(|event| {
            let can = (event.is_validated(), event.is_serializable(), event.is_deserializable());
            (event.name(), event.type_path(), can)
        })
        .collect();
    assert_eq!(
        events,
        [
            ("cat-fed", "catalog::CatFed".to_owned(), (true, true, true)),
            ("cat-purred", "catalog::CatPurred".to_owned(), (false, false, false)),
            ("dog-barked", "catalog::Dog".to_owned(), (false, true, false)),
            ("dog-slept", "catalog::Dog".to_owned(), (false, true, false)),
        ]
    );
}

#[test]
fn an_event_is_found_by_its_alias_and_tells_what_it_reads() {
    let event = catalog().event("cat_fed").expect("it is an alias");
    assert_eq!((event.name(), event.aliases(), event.versions()), ("cat-fed", &["cat_fed"][..], 1..=2));
    let event = catalog().event("cat-purred").expect("it is declared");
    assert_eq!((event.aliases(), event.versions()), (&[][..], 1..=1));
}

#[test]
fn handlers_come_in_the_order_in_which_they_run() {
    let paths: Vec<_> = catalog().handlers().map(|handler| handler.path()).collect();
    assert_eq!(paths, ["catalog::hush", "catalog::hear", "catalog::audit", "catalog::purr", "catalog::shape"]);
    let purr = catalog().handlers().find(|handler| handler.path().ends_with("purr")).expect("it is declared");
    assert_eq!(purr.patterns(), ["cat-*", "c*"]);
    assert_eq!((purr.payload(), purr.order(), purr.call()), ("&CatFed", 2, "async"));
    assert_eq!(purr.emits(), ["cat-purred", "dog-barked", "dog-slept"]);
    assert_eq!(purr.also_matches(), ["cat-purred"], "a typed handler does not receive them");
    assert!(purr.place().file().ends_with("catalog.rs"));
}

#[test]
fn a_pattern_over_any_event_that_matches_none_is_a_finding() {
    let findings = catalog().findings();
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(
        finding.message(),
        "pattern `cow-*` of handler `catalog::audit` matches no event of this binary; only events that arrive by name can reach it"
    );
}

#[test]
fn it_prints_aligned_tables() {
    let printed = catalog().to_string();
    let without_places: Vec<String> = printed
        .lines()
        .map(|line| line.split_whitespace().filter(|word| !word.contains("catalog.rs:")).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        without_places,
        [
            "EVENT TYPE ABLE TO ALSO READ DECLARED AT",
            "cat-fed catalog::CatFed validated, serialize, deserialize cat_fed, version 1",
            "cat-purred catalog::CatPurred - -",
            "dog-barked catalog::Dog serialize -",
            "dog-slept catalog::Dog serialize -",
            "",
            "ORDER HANDLER CALL TAKES PATTERNS EMITS ALSO MATCHES DEPENDS ON DECLARED AT",
            "-1 catalog::hush blocking Arc<Dog> dog-slept - - -",
            "0 catalog::hear now &CatPurred - - - -",
            "0 catalog::audit sync &AnyEvent * cow-* - - -",
            "2 catalog::purr async &CatFed cat-* c* cat-purred dog-barked dog-slept cat-purred -",
            "2 catalog::shape sync View<Vec<u8>> c?t-* cat-purred - -",
            "",
            "FINDINGS",
            "pattern `cow-*` of handler `catalog::audit` matches no event of this binary; only events that arrive by name can reach it",
        ]
    );
    let column = |line: &str| line.find("catalog::").or_else(|| line.find("TYPE")).or_else(|| line.find("HANDLER"));
    let lines: Vec<_> = printed.lines().collect();
    for table in [&lines[..5], &lines[6..12]] {
        assert!(table.iter().all(|line| column(line) == column(table[0])), "{printed}");
    }
}
