//! A crate that is named once, as `_`, brings all that it declares, from wherever it declares it. The counterpart of
//! `link_absent`.
//!
//! Nothing else in this file may name the crate: any use of an item would link it as well.

use fixture_named as _;

#[test]
fn every_handler_of_the_crate_exists_and_no_other() {
    let handlers: Vec<_> = events::catalog().handlers().map(|handler| handler.path()).collect();
    assert_eq!(
        handlers,
        ["fixture_named::root", "fixture_named::in_body", "fixture_named::outer::inner::hidden"],
        "a handler behind a `cfg` that is off does not exist, on whichever side of `#[on]` the `cfg` stands"
    );
}

#[test]
fn every_event_of_the_crate_exists_and_no_other() {
    let events: Vec<_> = events::catalog().events().map(|event| (event.name(), event.type_path())).collect();
    assert_eq!(events, [("cat-named", "fixture_named::CatNamed".to_owned())]);
}

#[test]
fn a_crate_that_is_linked_is_no_finding() {
    assert_eq!(events::catalog().findings(), []);
}
