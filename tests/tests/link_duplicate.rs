//! Two types with one name, in two crates: the lifespan does not start, and both places are told.

use std::path::Path;

use events::{Event, Lifespan, Place};
use fixture_rival::shelter;

const LINE: u32 = line!() + 2;

#[derive(Debug, Event)]
#[event(name = "cat-adopted")]
struct HomeFound;

fn is_of_fixture(place: Place) -> bool {
    Path::new(place.file()).ends_with("fixtures/rival/src/lib.rs") && place.line() == shelter::LINE
}

fn is_of_test(place: Place) -> bool {
    Path::new(place.file()).ends_with("tests/link_duplicate.rs") && place.line() == LINE
}

#[test]
fn the_names_are_one_and_the_types_are_two() {
    assert_eq!([HomeFound::NAMES, shelter::CatAdopted::NAMES], [["cat-adopted"]; 2]);
}

#[tokio::test]
async fn start_names_both_types_and_both_places() {
    let error = Lifespan::builder().start().await.expect_err("two types share a name");
    let [finding] = error.findings() else { panic!("not one finding: {error}") };
    assert_eq!(
        finding.message(),
        "two types have the event name `cat-adopted`: `fixture_rival::shelter::CatAdopted` and \
         `link_duplicate::HomeFound`; rename one with `#[event(name = \"..\")]`"
    );
    let &[first, second] = finding.places() else { panic!("not two places: {finding}") };
    assert!(is_of_fixture(first), "the first place is {first}");
    assert!(is_of_test(second), "the second place is {second}");
    assert!(error.to_string().ends_with(&format!("({first} and {second})")), "{error}");
}

#[test]
fn the_catalog_finds_it_without_a_lifespan() {
    let catalog = events::catalog();
    let both: Vec<_> = catalog.events().map(|event| (event.name(), event.type_path())).collect();
    assert_eq!(
        both,
        [
            ("cat-adopted", "fixture_rival::shelter::CatAdopted".to_owned()),
            ("cat-adopted", "link_duplicate::HomeFound".to_owned())
        ]
    );

    let findings = catalog.findings();
    let [finding] = findings.as_slice() else { panic!("not one finding: {findings:?}") };
    let first = catalog.events().next().expect("two events").place();
    assert!(is_of_fixture(first), "the first place is {first}");
    assert!(is_of_test(finding.place()), "the finding is at {}", finding.place());
    assert_eq!(
        finding.message(),
        format!(
            "`link_duplicate::HomeFound` has the event name `cat-adopted`, which \
             `fixture_rival::shelter::CatAdopted` has at {first}"
        )
    );
}
