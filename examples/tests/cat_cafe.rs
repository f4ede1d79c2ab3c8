//! `cat_cafe` under load, under bad clients and at its end. What it has done is counted a second time, in its database.

// Signals are sent by `kill`.
#![cfg(unix)]

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use sqlx::{SqlitePool, query, query_as};
use tokio::sync::mpsc;

#[path = "cat_cafe/cafe.rs"]
mod cafe;
#[path = "cat_cafe/client.rs"]
mod client;
#[path = "cat_cafe/customer.rs"]
mod customer;

use cafe::Cafe;
use client::{Client, get, post};
use customer::{Order, Seen, customer};

/// How many answers of 201 come before the café is closed, by customers who know nothing of it and go on.
const PLACED_BEFORE_THE_END: usize = 600;
const CUSTOMERS: usize = 32;

const TOM: &str = r#"{"cat": "Tom", "fish": 2}"#;

/// Makes the commit of an order fail, or of what is done to it, by a rule that is checked when all else has been done.
async fn haunt(database: &SqlitePool, done: &'static str) {
    let rule = format!(
        "CREATE TABLE ghosts (order_id INTEGER REFERENCES orders DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER haunt AFTER {done} ON orders WHEN NEW.cat LIKE 'ghost%'
        BEGIN INSERT INTO ghosts VALUES (-1); END;"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(rule)).execute(database).await.expect("a trigger");
}

#[derive(Default)]
struct Tally {
    placed: HashMap<i64, Order>,
    perhaps: HashMap<String, u32>,
    went_away: usize,
    broke_off: usize,
    unanswered: usize,
    refused: usize,
    haunted: usize,
}

impl Tally {
    fn count(&mut self, seen: Seen) {
        match seen {
            Seen::Placed { id, order } => assert_eq!(self.placed.insert(id, order), None, "{id} was given twice"),
            Seen::WentAway((cat, fish)) => {
                self.went_away += 1;
                self.perhaps.insert(cat, fish);
            }
            Seen::Unanswered((cat, fish)) => {
                self.unanswered += 1;
                // What is never accepted is not accepted without an answer either.
                if fish > 0 && !cat.starts_with("ghost") {
                    self.perhaps.insert(cat, fish);
                }
            }
            Seen::BrokeOff => self.broke_off += 1,
            Seen::Refused => self.refused += 1,
            Seen::Haunted => self.haunted += 1,
        }
    }

    /// Compares what customers know with what the café has kept, and answers the number of its orders.
    async fn assert_kept(mut self, database: &SqlitePool) -> usize {
        let select = "SELECT id, cat, fish, state, cents FROM orders LEFT JOIN bills ON order_id = id";
        let rows = query_as::<_, (i64, String, u32, String, Option<u32>)>(select).fetch_all(database).await;
        let rows = rows.expect("orders");
        for (id, cat, fish, state, cents) in &rows {
            assert_eq!(state, "cooked", "{id}, {cat}");
            assert_eq!(*cents, Some(fish * 150), "{id}, {cat}");
            match self.placed.remove(id) {
                Some(order) => assert_eq!((&order.0, &order.1), (cat, fish)),
                None => assert_eq!(self.perhaps.remove(cat), Some(*fish), "nobody has ordered {id}, {cat}"),
            }
        }
        assert!(self.placed.is_empty(), "lost: {:?}", self.placed);
        rows.len()
    }
}

/// One row for each event of each order, of one chain, and no other row.
async fn assert_audited(database: &SqlitePool, orders: usize) {
    let select = "
        SELECT id, GROUP_CONCAT(name, ' ' ORDER BY name DESC), COUNT(DISTINCT chain)
        FROM orders LEFT JOIN audit ON payload ->> 'order' = id GROUP BY id
    ";
    let rows = query_as::<_, (i64, Option<String>, i64)>(select).fetch_all(database).await.expect("audited orders");
    assert_eq!(rows.len(), orders);
    for (id, names, chains) in rows {
        assert_eq!((names.as_deref(), chains), (Some("order-placed fish-served"), 1), "order {id}");
    }
    let (all,): (i64,) = query_as("SELECT COUNT(*) FROM audit").fetch_one(database).await.expect("a number");
    assert_eq!(usize::try_from(all).ok(), Some(2 * orders), "audited events");
    let (bills,): (i64,) = query_as("SELECT COUNT(*) FROM bills").fetch_one(database).await.expect("a number");
    assert_eq!(usize::try_from(bills).ok(), Some(orders), "bills");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_accounted_for_when_the_cafe_closes_under_load() {
    let cafe = Cafe::open("under-load");
    let database = cafe.database().await;
    haunt(&database, "INSERT").await;

    let (sender, mut seen) = mpsc::unbounded_channel();
    let address = cafe.address;
    let customers: Vec<_> =
        (0..CUSTOMERS).map(|number| tokio::spawn(customer(address, number, sender.clone()))).collect();
    drop(sender);
    let mut tally = Tally::default();
    while tally.placed.len() < PLACED_BEFORE_THE_END {
        tally.count(seen.recv().await.expect("customers order until the end"));
    }
    cafe.terminate();
    // The end is read on a thread of its own, so that customers and café meet no full pipe.
    let closed = tokio::task::spawn_blocking(|| cafe.end());
    while let Some(seen) = seen.recv().await {
        tally.count(seen);
    }
    for customer in customers {
        customer.await.expect("a customer whose every answer was right");
    }
    let closed = closed.await.expect("the café ends");

    let Tally { placed, went_away, broke_off, unanswered, refused, haunted, .. } = &tally;
    let answered = placed.len();
    println!("{answered} placed, {refused} refused, {haunted} haunted");
    println!("{went_away} went away, {broke_off} broke off, {unanswered} unanswered");
    assert!([went_away, broke_off, refused, haunted].into_iter().all(|number| *number > 0));
    assert!(closed.stderr.matches("FOREIGN KEY constraint failed").count() >= *haunted, "{closed:?}");
    let orders = tally.assert_kept(&database).await;
    assert_audited(&database, orders).await;
    println!("{orders} orders, {} events", 2 * orders);
    let report = format!("shut down: {} events delivered, 0 failures, 0 aborted", 2 * orders);
    assert_eq!(closed.stdout.lines().last(), Some(report.as_str()), "{closed:?}");
    assert_eq!(closed.code, Some(0), "{closed:?}");
}

#[tokio::test]
async fn an_order_is_cooked_and_billed_after_its_answer() {
    let cafe = Cafe::open("one-order");
    let mut client = Client::connect(cafe.address).await.expect("a connection");
    let answer = client.ask(&post(TOM)).await.expect("an answer");
    assert_eq!((answer.status, answer.json()), (201, json!({ "id": 1 })));
    // Asked again and again, until the handlers have come to their end.
    let order = loop {
        let answer = client.ask(&get("/orders/1")).await.expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        if !answer.json()["cents"].is_null() {
            break answer.json();
        }
    };
    assert_eq!(order, json!({ "id": 1, "cat": "Tom", "fish": 2, "state": "cooked", "cents": 300 }));

    cafe.terminate();
    let closed = cafe.end();
    assert_eq!(closed.stdout, "shut down: 2 events delivered, 0 failures, 0 aborted\n", "{closed:?}");
    assert_eq!(closed.code, Some(0));
    assert!(!closed.has_log, "the database is not closed");
}

#[tokio::test]
async fn a_handler_that_fails_is_told_of_and_stops_no_other() {
    let cafe = Cafe::open("failing-handler");
    let database = cafe.database().await;
    let rule = "
        CREATE TRIGGER burn BEFORE UPDATE ON orders WHEN NEW.cat = 'Tom'
        BEGIN SELECT RAISE(ABORT, 'the fish is burnt'); END;
    ";
    sqlx::raw_sql(rule).execute(&database).await.expect("a trigger");
    let mut client = Client::connect(cafe.address).await.expect("a connection");
    assert_eq!(client.ask(&post(TOM)).await.expect("an answer").status, 201);

    cafe.terminate();
    let closed = cafe.end();
    assert_eq!(closed.stdout, "shut down: 1 events delivered, 1 failures, 0 aborted\n", "{closed:?}");
    assert!(closed.stderr.contains("kitchen::cook"), "{closed:?}");
    assert!(closed.stderr.contains("the fish is burnt"), "{closed:?}");
    let audited = query_as::<_, (String,)>("SELECT name FROM audit").fetch_all(&database).await;
    assert_eq!(audited.expect("audited events"), [("order-placed".to_owned(),)]);
}

#[tokio::test]
async fn what_could_not_be_committed_is_not_served() {
    let cafe = Cafe::open("failing-commit");
    let database = cafe.database().await;
    haunt(&database, "UPDATE").await;
    let mut client = Client::connect(cafe.address).await.expect("a connection");
    assert_eq!(client.ask(&post(r#"{"cat": "ghost", "fish": 2}"#)).await.expect("an answer").status, 201);

    cafe.terminate();
    let closed = cafe.end();
    assert_eq!(closed.stdout, "shut down: 1 events delivered, 1 failures, 0 aborted\n", "{closed:?}");
    assert!(closed.stderr.contains("kitchen::cook"), "{closed:?}");
    assert!(closed.stderr.contains("FOREIGN KEY constraint failed"), "{closed:?}");
    let state = query_as::<_, (String,)>("SELECT state FROM orders").fetch_one(&database).await;
    assert_eq!(state.expect("an order").0, "placed");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let cafe = Cafe::open("wrong-requests");
    let mut client = Client::connect(cafe.address).await.expect("a connection");
    let wrong = [
        (post(r#"{"cat": "", "fish": 2}"#), 422, "a cat has a name of 1 to 100 characters"),
        (post(r#"{"cat": "Tom", "fish": 11}"#), 422, "an order is of 1 to 10 fish"),
        (post(r#"{"cat": "Tom", "fish": -1}"#), 422, "fish: invalid value: integer `-1`"),
        (post(r#"{"cat": "Tom"}"#), 422, "missing field `fish`"),
        (post(r#"{"cat": "Tom", "fish": 1, "milk": 1}"#), 422, "milk: unknown field `milk`"),
        (post(r#"{"cat": "Tom""#), 400, "EOF while parsing"),
        (get("/orders/1"), 404, "there is no order 1"),
        (get("/orders/Tom"), 400, "`Tom`"),
    ];
    for (request, status, text) in wrong {
        let answer = client.ask(&request).await.expect("an answer");
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.contains(text), "{answer:?}");
    }
    let database = cafe.database().await;
    let orders = query("SELECT * FROM orders").fetch_all(&database).await.expect("orders");
    assert!(orders.is_empty(), "an order that was refused leaves nothing behind");
    cafe.terminate();
    let closed = cafe.end();
    assert_eq!(closed.stdout, "shut down: 0 events delivered, 0 failures, 0 aborted\n", "{closed:?}");
}

/// A connection over which the café waits for the body of this order.
async fn begin_to_order(cafe: &Cafe, body: &str) -> Client {
    let mut client = Client::connect(cafe.address).await.expect("a connection");
    let head = post(body).replacen("\r\n", "\r\nexpect: 100-continue\r\n", 1);
    let answer = client.ask(head.strip_suffix(body).expect("a body")).await.expect("an answer");
    assert_eq!(answer.status, 100, "{answer:?}");
    client
}

#[tokio::test]
async fn an_order_is_served_though_its_client_has_gone() {
    let cafe = Cafe::open("client-gone");
    let mut client = begin_to_order(&cafe, TOM).await;
    client.send(TOM).await.expect("the body");
    drop(client);
    cafe.terminate();
    let closed = cafe.end();
    assert_eq!(closed.stdout, "shut down: 2 events delivered, 0 failures, 0 aborted\n", "{closed:?}");
    assert_eq!(closed.code, Some(0));
}

#[tokio::test]
async fn a_client_that_falls_silent_does_not_keep_the_cafe_open() {
    let cafe = Cafe::open("silent-client");
    let mut client = begin_to_order(&cafe, TOM).await;
    cafe.terminate();
    let answer = client.answer().await.expect("an answer");
    assert!((400..500).contains(&answer.status), "{answer:?}");
    let closed = cafe.end();
    assert_eq!(closed.stdout, "shut down: 0 events delivered, 0 failures, 0 aborted\n", "{closed:?}");
    assert_eq!(closed.code, Some(0));
}

#[tokio::test]
async fn a_second_signal_waits_for_nobody() {
    let mut cafe = Cafe::open("second-signal");
    let client = begin_to_order(&cafe, TOM).await;
    cafe.terminate();
    cafe.closing();
    cafe.terminate();
    let closed = cafe.end();
    // The periodic function of the start may be at work yet, and is a failure then, with a line of its own.
    assert!(closed.stdout.starts_with("SIGTERM forced the end: 0 events delivered, "), "{closed:?}");
    assert!(closed.stdout.contains(" failures, 0 aborted, 2 scopes or tasks not ended\n"), "{closed:?}");
    assert_eq!(closed.code, Some(143), "{closed:?}");
    drop(client);
}

#[test]
fn a_wrong_argument_is_answered_with_the_usage() {
    for args in [&["--menu"][..], &["--listen"], &["--database"], &["--listen", "nowhere"]] {
        let output = Command::new(cafe::program()).args(args).output().expect("the example ends");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(output.stderr.starts_with(b"error: "), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_database_that_cannot_be_opened_is_named() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (nowhere, text) = (folder.join("no-such-folder/cafe.db"), folder.join("menu.txt"));
    std::fs::write(&text, "This file is no database, and long enough to be seen as none: fish, fish, fish.\n")
        .expect("a file");
    for file in [nowhere, text] {
        let args = [OsStr::new("--listen"), OsStr::new("127.0.0.1:0"), OsStr::new("--database"), file.as_os_str()];
        let output = Command::new(cafe::program()).args(args).output().expect("the example ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: the lifespan cannot start:"), "{stderr}");
        assert!(
            stderr.contains(&format!("`cat_cafe::database::pool` failed: cannot open {}: ", file.display())),
            "{stderr}"
        );
        assert!(output.stdout.is_empty(), "{file:?}");
    }
}
