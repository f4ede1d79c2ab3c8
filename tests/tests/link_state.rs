//! A handler of another crate asks for state: a lifespan without it does not start, and says who asks and where.

use std::path::Path;

use events::Lifespan;
use fixture_stateful::{CatWeighed, Config};

#[tokio::test]
async fn start_names_the_handler_the_type_and_the_place() {
    let error = Lifespan::builder().state("not a config").start().await.expect_err("the state is missing");
    let [finding] = error.findings() else { panic!("not one finding: {error}") };
    assert_eq!(
        finding.message(),
        "handler `fixture_stateful::diet::check` asks for `State<fixture_stateful::Config>`, which the lifespan does not \
         have: give it to `Lifespan::builder().state(..)`"
    );
    let &[place] = finding.places() else { panic!("not one place: {finding}") };
    assert!(Path::new(place.file()).ends_with("fixtures/stateful/src/lib.rs"), "the place is {place}");
    assert_eq!((place.module(), place.line()), ("fixture_stateful::diet", fixture_stateful::LINE));
    assert!(error.to_string().ends_with(&format!("({place})")), "{error}");
}

#[tokio::test]
async fn with_the_state_it_starts_and_the_handler_has_it() {
    let app = Lifespan::builder().state(Config { limit: 5_000 }).start().await.expect("nothing is missing");
    let light = app.deliver(CatWeighed { weight: 4_000 }).await.expect("a delivery");
    assert_eq!((light.handlers(), light.failures().len()), (1, 0));
    let heavy = app.deliver(CatWeighed { weight: 6_000 }).await.expect("a delivery");
    assert_eq!((heavy.handlers(), heavy.failures().len()), (1, 1));
    app.shutdown().await.expect("a shutdown");
}

#[test]
fn the_catalog_knows_nothing_of_lifespans() {
    assert_eq!(events::catalog().findings(), []);
}
