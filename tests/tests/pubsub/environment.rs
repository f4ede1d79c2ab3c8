//! What the environment says: where the emulator is.

use std::process::Command;

use events::pubsub::{PubSub, PubSubError};
use events::{Envelope, Sink as _, Source as _};

use crate::service::{Options, Service};

const VARIABLE: &str = "PUBSUB_EMULATOR_HOST";

/// Runs another test of this program by itself, with a variable that nobody else is to see.
async fn run(test: &'static str, address: String) -> bool {
    let program = std::env::current_exe().expect("this program");
    let running = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(program);
        command.args([test, "--exact", "--ignored"]).env(VARIABLE, address).output().expect("it runs")
    });
    let output = running.await.expect("no panic");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("1 passed") || told.contains("1 failed"), "{told}");
    output.status.success()
}

#[tokio::test]
async fn the_variable_says_where_the_emulator_is() {
    let service = Service::start().await;
    service.make("found", Options::default());
    assert!(run("environment::publishes", service.address()).await);
    assert_eq!(service.backlog("found"), 1);
    assert!(run("environment::is_refused", "http://localhost:8085".into()).await);
    assert!(run("environment::is_google", String::new()).await);
}

#[tokio::test]
#[ignore = "run by another one, with the variable"]
async fn publishes() {
    let sink = PubSub::new("cafe").expect("an emulator").sink("found");
    sink.send(&Envelope::new("cat-fed", "null").with_id("1").with_origin("/cafe")).await.expect("published");
}

#[test]
#[ignore = "run by another one, with the variable"]
fn is_refused() {
    assert_eq!(PubSub::new("cafe").expect_err("no address"), PubSubError::Emulator);
}

#[test]
#[ignore = "run by another one, with the variable"]
fn is_google() {
    let address = PubSub::new("cafe").expect("Google").source("kitchen").address();
    assert_eq!(address, "pubsub://pubsub.googleapis.com/projects/cafe/subscriptions/kitchen");
}

#[test]
fn names_are_those_of_the_project_or_whole() {
    let pubsub = PubSub::emulator("cafe", "localhost:8085").expect("an address");
    let address = "pubsub://localhost:8085/projects/cafe/subscriptions/kitchen";
    assert_eq!(pubsub.source("kitchen").address(), address);
    assert_eq!(pubsub.source("projects/cafe/subscriptions/kitchen").address(), address);
    let other = pubsub.clone().endpoint("https://europe-west1-pubsub.googleapis.com").expect("a URL");
    let address = "pubsub://europe-west1-pubsub.googleapis.com/projects/cafe/subscriptions/kitchen";
    assert_eq!(other.source("kitchen").address(), address);
    for project in ["", "a/b", "a b", "caf\u{e9}"] {
        assert_eq!(PubSub::emulator(project, "localhost:8085").expect_err(project), PubSubError::Project);
    }
    assert_eq!(pubsub.endpoint("https://eu.example/v1").expect_err("a path"), PubSubError::Endpoint);
}
