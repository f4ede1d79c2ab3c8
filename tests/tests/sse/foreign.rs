//! What others make of our streams, and we of theirs: httpx-sse, and sse-starlette.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use events::sse::{Feed, SseSource};
use events::{Envelope, Sink as _};
use serde_json::Value;

use crate::feed::serve;
use crate::told::follow;

/// Names and data, that both sides send.
const EVENTS: &str = include_str!("../../data/sse/events.json");

fn events() -> Vec<(String, String)> {
    serde_json::from_str(EVENTS).expect("a list of pairs")
}

/// A Python that has both; nothing where there is none on this machine.
fn python() -> Option<&'static PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/moto/bin/python");
        let moto = env::var_os("EVENTS_MOTO").map(PathBuf::from);
        let beside = moto.and_then(|program| Some(program.parent()?.join("python")));
        let can = |python: &PathBuf| {
            let output = Command::new(python).args(["-c", "import httpx_sse, sse_starlette, uvicorn"]).output();
            output.is_ok_and(|output| output.status.success())
        };
        let found = beside.into_iter().chain([own]).find(can);
        if found.is_none() {
            let missing = "there is no Python with `httpx-sse`, `sse-starlette` and `uvicorn` by EVENTS_MOTO or in \
                           `target/moto`: nobody but `events` reads and serves its streams";
            assert!(env::var_os("CI").is_none(), "{missing}");
            // Not by the macro, whose text is kept from those whose tests pass.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED: {missing}\n");
        }
        found
    };
    PYTHON.get_or_init(find).as_ref()
}

fn peer(python: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sse/peer.py")).args(arguments);
    command
}

/// What their client sees: what is said of retries, and names, data and identities.
async fn seen(python: &Path, url: &str, count: usize, last_id: &str) -> (u64, Vec<(String, String, String)>) {
    let mut client = peer(python, &["read", url, &count.to_string(), last_id]);
    let output = tokio::task::spawn_blocking(move || client.output()).await.expect("no panic").expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a pair")
}

#[tokio::test]
async fn our_stream_is_what_they_read() {
    let Some(python) = tokio::task::spawn_blocking(python).await.expect("no panic") else { return };
    let feed = Feed::builder().keep_alive(Duration::from_millis(50)).retry(Duration::from_secs(7)).build();
    let served = serve(Router::new().route("/", get(feed.route("*").from_oldest()))).await;
    for (number, (name, data)) in events().into_iter().enumerate() {
        let envelope = Envelope::new(&name, data).with_id(&number.to_string());
        feed.sink().send(&envelope).await.expect("there is room");
    }
    let url = format!("http://{}/", served.0);
    let numbered = (0..).zip(events());
    let expected: Vec<_> = numbered.map(|(number, (name, data))| (name, data, number.to_string())).collect();
    assert_eq!(seen(python, &url, expected.len(), "").await, (7000, expected.clone()));
    assert_eq!(seen(python, &url, 3, "3").await, (7000, expected[4..].to_vec()), "behind what they have");
}

/// Their server, which ends when its input does.
struct Theirs(Child, u16);

impl Theirs {
    fn start(python: &Path) -> Self {
        let mut server = peer(python, &["serve"]);
        let mut server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut port = String::new();
        BufReader::new(server.stdout.take().expect("it is piped")).read_line(&mut port).expect("it says its port");
        Self(server, port.trim().parse().expect("a port"))
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn their_stream_is_what_we_follow() {
    let Some(python) = tokio::task::spawn_blocking(python).await.expect("no panic") else { return };
    let server = tokio::task::spawn_blocking(|| Theirs::start(python)).await.expect("no panic");
    let (app, story) = follow(SseSource::new(&format!("http://127.0.0.1:{}/", server.1)).expect("a URL")).await;
    let (mut told, mut lost) = (Vec::new(), 0);
    while told.len() < events().len() || lost < 3 {
        let line = story.line().await;
        match line.strip_prefix("attempt 1: ") {
            // They close the connection behind each three events, and may not listen yet at first.
            Some(_) => lost += 1,
            None if line.starts_with("attempt ") => {}
            None => told.push(line),
        }
    }
    app.shutdown().await.expect("from outside");
    drop(server);
    let expected = events().into_iter().map(|(name, data)| format!("{name} {data}")).collect::<Vec<_>>();
    let same = |one: &str, other: &str| {
        let read = |line: &str| {
            let (name, data) = line.split_once(' ').expect("two");
            (name.to_owned(), serde_json::from_str::<Value>(data).expect("JSON"))
        };
        read(one) == read(other)
    };
    assert!(
        told.len() == expected.len() && told.iter().zip(&expected).all(|(one, other)| same(one, other)),
        "{told:?}"
    );
}
