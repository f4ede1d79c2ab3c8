//! `sqs` sends its orders, packs them, and says what has become of each.

// What another package's tests start, too.
#[allow(dead_code, reason = "those need more of it")]
#[path = "../../tests/tests/sqs/moto.rs"]
mod moto;
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use support::Running;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

fn program() -> Command {
    support::program("sqs")
}

/// What was packed for each customer, and what is said of all.
fn packed(stdout: &str) -> (BTreeMap<&str, Vec<u32>>, &str) {
    let (customers, all) = stdout.trim_end().rsplit_once('\n').expect(stdout);
    let line = |line| {
        let (customer, orders): (&str, &str) = str::split_once(line, ": ").expect(line);
        (customer, serde_json::from_str(orders).expect(line))
    };
    (customers.lines().map(line).collect(), all)
}

/// In the order in which they were ordered.
fn ordered() -> BTreeMap<&'static str, Vec<u32>> {
    [("Ann", vec![0, 3, 6, 9]), ("Kit", vec![2, 5, 11]), ("Tom", vec![1, 4, 7, 10])].into()
}

#[test]
fn it_empties_its_own_queue_and_ends() {
    let output = program().output().expect("the example runs");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let (mut customers, all) = packed(&stdout);
    // That queue knows no groups: what comes again comes behind the others.
    for orders in customers.values_mut() {
        orders.sort_unstable();
    }
    assert_eq!(customers, ordered());
    assert_eq!(all, "11 packed, 2 of them later, 1 rejected, 1 seen twice");
    let missing = stderr.lines().filter(|line| line.contains("there is no salmon on the shelf")).count();
    assert_eq!((missing, stderr.lines().count()), (2, 2), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_packs_what_is_in_a_queue_of_sqs_until_it_is_told_to_end() {
    let Some(moto) = moto::shared() else { return };
    let (orders, dead) = moto.queue_with_dead_letters("orders.fifo", 5).await;
    let endpoint = one_by_one(moto.port).await;
    let mut command = program();
    command.args(["--sqs", &orders, "--endpoint", &endpoint]);
    let environment = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "salmon"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    command.envs(environment);
    let running = Running::start(command);
    let begun = Instant::now();
    // What is rejected came when most were there; and it is the last but for those that come again.
    while moto.len(&dead).await == 0 || moto.len(&orders).await > 0 {
        assert!(begun.elapsed() < Duration::from_mins(3), "the queue is not empty within three minutes");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::task::block_in_place(|| {
        let (code, stdout, stderr) = running.end();
        assert_eq!(code, Some(0), "{stdout}\n{stderr}");
        let (customers, all) = packed(&stdout);
        assert_eq!(customers, ordered(), "what came again came before what is behind it: {stderr}");
        assert_eq!(all, "11 packed, 2 of them later, 1 rejected, 0 seen twice", "{stderr}");
    });
    let rejected: Value = serde_json::from_str(moto.take(&dead).await.body().expect("a body")).expect("JSON");
    assert_eq!((&rejected["type"], &rejected["data"]["number"]), (&"order-placed".into(), &8.into()));
}

type Turn = Arc<Mutex<()>>;

/// Another way to moto, that passes on one call after another: of two that change a queue at a time, moto may forget one. What
/// is to wait for messages does not wait there, since moto would not see what has become free.
async fn one_by_one(port: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let router = Router::new().fallback(pass_on).with_state((port, Turn::default()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn pass_on(State((port, turn)): State<(u16, Turn)>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 4_000_000).await.expect("a request");
    let mut call: Value = serde_json::from_slice(&body).unwrap_or_default();
    let waits = call["WaitTimeSeconds"].as_u64().is_some_and(|seconds| seconds > 0);
    let body = if waits {
        call["WaitTimeSeconds"] = 0.into();
        call.to_string().into()
    } else {
        body
    };
    let mut text = format!("POST {} HTTP/1.0\r\ncontent-length: {}\r\n", head.uri.path(), body.len());
    let headers = head.headers.iter().filter(|(name, _)| !["connection", "content-length"].contains(&name.as_str()));
    for (name, value) in headers {
        write!(text, "{name}: {}\r\n", value.to_str().expect("text")).expect("there is room");
    }
    let (status, answer) = {
        let _turn = turn.lock().await;
        ask(port, &text, &body).await
    };
    if waits && !answer.windows(10).any(|part| part == b"\"Messages\"") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (status, [("content-type", "application/x-amz-json-1.0")], answer).into_response()
}

/// The status and the body of an answer.
async fn ask(port: u16, head: &str, body: &[u8]) -> (StatusCode, Bytes) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("moto listens");
    stream.write_all(format!("{head}\r\n").as_bytes()).await.expect("it reads");
    stream.write_all(body).await.expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("a head");
    let status = answer.get(9..12).and_then(|status| StatusCode::from_bytes(status).ok()).expect("a status");
    (status, answer.split_off(end + 4).into())
}

#[test]
fn what_it_does_not_understand_is_told() {
    for (arguments, told) in [
        (&["--endpoint", "http://here"][..], "`--endpoint` goes with `--sqs`"),
        (&["--sqs"], "`--sqs` needs a value"),
        (&["orders"], "unknown argument `orders`"),
    ] {
        let stderr = support::refused(program(), arguments);
        assert!(stderr.starts_with(&format!("error: {told}")), "{stderr}");
    }
}
