//! `events::link!` links several crates at once, and a crate that it links for nothing is found out.
//!
//! Nothing else in this file may name the crates: any use of an item would link them as well.

use std::path::Path;

const LINE: u32 = line!() + 2;

events::link!(fixture_named, fixture_barren, fixture_base,);

/// One of these has no event and the other no handler: either is enough to be linked for.
mod elsewhere {
    events::link!(fixture_left, fixture_rival);
}

#[test]
fn every_crate_brings_its_handlers() {
    let handlers: Vec<_> = events::catalog().handlers().map(|handler| handler.path()).collect();
    assert_eq!(
        handlers,
        [
            "fixture_base::base",
            "fixture_left::left",
            "fixture_named::root",
            "fixture_named::in_body",
            "fixture_named::outer::inner::hidden"
        ]
    );
}

#[test]
fn every_crate_brings_its_events() {
    let events: Vec<_> = events::catalog().events().map(|event| event.type_path()).collect();
    assert_eq!(
        events,
        ["fixture_rival::shelter::CatAdopted", "fixture_named::CatNamed", "fixture_base::CatShared"],
        "the events come by name"
    );
}

#[test]
fn a_crate_that_declares_nothing_is_the_only_finding() {
    let findings = events::catalog().findings();
    let [finding] = findings.as_slice() else { panic!("not one finding: {findings:?}") };
    assert_eq!(
        finding.message(),
        "`events::link!` names the crate `fixture_barren`, which declares no event and no handler"
    );
    let place = finding.place();
    assert!(Path::new(place.file()).ends_with("tests/link_macro.rs"), "the finding is at {place}");
    assert_eq!((place.module(), place.line()), ("link_macro", LINE));
}
