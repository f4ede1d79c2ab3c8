//! Everything that keeps a lifespan from starting comes in one error: a name that two types have, and state that is
//! missing in two crates.

use events::{Event, Lifespan, StartFinding, State, on};
use fixture_rival as _;
use fixture_stateful::Config;

#[derive(Debug, Event)]
#[event(name = "cat-adopted")]
struct HomeFound;

#[derive(Debug)]
struct Address;

#[on]
fn visit(_: &HomeFound, _: State<Address>) {}

#[tokio::test]
async fn one_error_has_them_all() {
    let error = Lifespan::builder().start().await.expect_err("three things are wrong");
    let places: Vec<_> = error.findings().iter().flat_map(StartFinding::places).collect();
    let [rival, own, check, visit] = places.as_slice() else { panic!("not four places: {error}") };
    assert_eq!(
        error.to_string(),
        format!(
            "the lifespan cannot start:\n  \
             - two types have the event name `cat-adopted`: `fixture_rival::shelter::CatAdopted` and \
             `link_findings::HomeFound`; rename one with `#[event(name = \"..\")]` ({rival} and {own})\n  \
             - handler `fixture_stateful::diet::check` asks for `State<fixture_stateful::Config>`, which the lifespan does \
             not have: give it to `Lifespan::builder().state(..)` ({check})\n  \
             - handler `link_findings::visit` asks for `State<link_findings::Address>`, which the lifespan does not have: \
             give it to `Lifespan::builder().state(..)` ({visit})"
        )
    );
    let modules: Vec<_> = places.iter().map(|place| place.module()).collect();
    assert_eq!(modules, ["fixture_rival::shelter", "link_findings", "fixture_stateful::diet", "link_findings"]);
}

#[tokio::test]
async fn what_is_mended_is_not_said_again() {
    let builder = Lifespan::builder().state(Config { limit: 1 }).state(Address);
    let error = builder.start().await.expect_err("the name is still taken twice");
    assert_eq!(error.findings().len(), 1, "{error}");
}
