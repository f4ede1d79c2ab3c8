//! Events that leave by HTTP, and what is made of the answers.

mod http_support;

use std::time::{Duration, Instant, SystemTime};

use events::http::{Webhook, WebhookError};
use events::{
    CloudEvents, Envelope, Format, FormatError, Lifespan, Message, Pair, Sink, SinkError, SinkExt as _, dispatch,
};
use http_support::receiver::{Receiver, Seen};
use http_support::{CatFed, start_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn envelope(id: &str) -> Envelope {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
    Envelope::new("cat-fed", r#"{"fish":1}"#).with_id(id).with_origin("/test").with_time(time)
}

fn envelopes(count: usize) -> Vec<Envelope> {
    (0..count).map(|number| envelope(&number.to_string())).collect()
}

fn webhook(receiver: &Receiver) -> Webhook {
    Webhook::new(&receiver.url).expect("a URL")
}

/// The only request that has come.
fn only(receiver: &Receiver) -> Seen {
    let [seen] = receiver.take().try_into().expect("one request");
    seen
}

/// What is known of an error: whether it is permanent, and how long to wait.
fn told(answer: &Result<(), SinkError>) -> Option<(bool, Option<u64>)> {
    let error = answer.as_ref().err()?;
    Some((error.is_permanent(), error.retry_after().map(|pause| pause.as_secs())))
}

#[tokio::test]
async fn an_event_is_a_request_with_its_attributes_as_headers() {
    let receiver = Receiver::start().await;
    let webhook = webhook(&receiver).bearer("t0ken").and_then(|webhook| webhook.header("Origin", "cafe.example"));
    webhook.expect("headers").send(&envelope("id \"1\" é")).await.expect("sent");
    let seen = only(&receiver);
    assert_eq!((seen.path.as_str(), seen.body.as_str()), ("/hook?key=swordfish", r#"{"fish":1}"#));
    for (name, value) in [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-type", "cat-fed"),
        ("ce-source", "/test"),
        ("ce-id", "id%20%221%22%20%C3%A9"),
        ("ce-time", "2023-11-14T22:13:20.5Z"),
        ("authorization", "Bearer t0ken"),
        ("origin", "cafe.example"),
        ("user-agent", concat!("events/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn other_formats_are_written_as_they_are() {
    let receiver = Receiver::start().await;
    webhook(&receiver).format(CloudEvents::structured()).send(&envelope("1")).await.expect("sent");
    let seen = only(&receiver);
    assert_eq!(seen.header("content-type"), Some("application/cloudevents+json"));
    assert!(seen.body.contains(r#""data":{"fish":1}"#) && seen.header("ce-id").is_none(), "{seen:?}");

    webhook(&receiver).format(Pair).send(&envelope("1")).await.expect("sent");
    let seen = only(&receiver);
    assert_eq!((seen.body.as_str(), seen.header("pair-id")), (r#"["cat-fed",{"fish":1}]"#, Some("1")));
}

#[tokio::test]
async fn a_batch_is_a_list_in_order() {
    let receiver = Receiver::start().await;
    let webhook = webhook(&receiver).in_batches(10);
    assert_eq!(webhook.max_batch(), 10);
    let answers = webhook.send_many(&envelopes(10)).await;
    assert!(answers.len() == 10 && answers.iter().all(Result::is_ok));
    let expected: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    assert_eq!(only(&receiver).ids(), expected);
    webhook.send(&envelope("alone")).await.expect("sent");
    assert_eq!(only(&receiver).ids(), ["alone"]);
}

#[tokio::test]
async fn an_event_that_nobody_wants_takes_no_other_one_along() {
    let is_wanted = |seen: &Seen| (!seen.ids().iter().any(|id| id == "3" || id == "6")).then_some((202, None));
    let receiver = Receiver::deciding(move |seen| is_wanted(seen).or(Some((422, None)))).await;
    let answers = webhook(&receiver).in_batches(100).send_many(&envelopes(8)).await;
    let refused: Vec<_> = answers.iter().map(|answer| told(answer).map(|told| told.0)).collect();
    let permanent = Some(true);
    assert_eq!(refused, [None, None, None, permanent, None, None, permanent, None]);
    let taken: Vec<_> = receiver.take().iter().filter(|seen| is_wanted(seen).is_some()).flat_map(Seen::ids).collect();
    assert_eq!(taken, ["0", "1", "2", "4", "5", "7"], "each once, in order");
}

#[tokio::test]
async fn what_cannot_be_written_takes_no_other_one_along() {
    let receiver = Receiver::start().await;
    let mut three = envelopes(3);
    three[1] = envelope("");
    let answers = webhook(&receiver).in_batches(100).send_many(&three).await;
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), [None, Some((true, None)), None]);
    assert_eq!(only(&receiver).ids(), ["0", "2"]);
    let answers = webhook(&receiver).in_batches(100).send_many(&three[1..2]).await;
    assert_eq!((told(&answers[0]), receiver.take().len()), (Some((true, None)), 0));
}

#[tokio::test]
async fn what_comes_behind_an_event_that_is_tried_again_waits() {
    let receiver = Receiver::start().await;
    for status in [400, 202, 503] {
        receiver.answer(status, None);
    }
    let answers = webhook(&receiver).in_batches(100).send_many(&envelopes(4)).await;
    let again = Some((false, None));
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), [None, None, again, again]);
    let ids: Vec<_> = receiver.take().iter().map(Seen::ids).collect();
    assert_eq!(ids, [&["0", "1", "2", "3"][..], &["0", "1"], &["2", "3"]]);
    receiver.answer(500, None);
    let answers = webhook(&receiver).send_many(&envelopes(3)).await;
    assert_eq!((answers.iter().map(told).collect::<Vec<_>>(), receiver.take().len()), (vec![again, again, again], 1));
}

#[tokio::test]
async fn statuses_say_what_becomes_of_an_event() {
    let receiver = Receiver::start().await;
    let (permanent, again) = (Some((true, None)), Some((false, None)));
    for (statuses, expected) in [
        (&[200, 201, 202, 204, 299][..], None),
        (&[300, 304, 400, 401, 403, 404, 405, 413, 415, 422], permanent),
        (&[408, 425, 429, 500, 501, 502, 503, 504, 599], again),
    ] {
        for status in statuses {
            receiver.answer(*status, None);
            let answer = webhook(&receiver).send(&envelope("1")).await;
            assert_eq!(told(&answer), expected, "{status}: {answer:?}");
            assert!(answer.err().is_none_or(|error| error.to_string().contains(&format!(" has answered {status}"))));
        }
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    for status in [301, 302, 303, 307, 308] {
        receiver.answer(status, Some(&other.url));
        let error = webhook(&receiver).send(&envelope("1")).await.expect_err("not sent");
        assert!(error.is_permanent() && error.to_string().contains("redirects are not followed"), "{error}");
        assert!(!error.to_string().contains("swordfish"), "{error}");
    }
    assert_eq!((receiver.take().len(), other.take().len()), (5, 0));
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_not_asked_again() {
    let receiver = Receiver::start().await;
    let webhook = webhook(&receiver).in_batches(2);
    receiver.answer(410, None);
    let answers = webhook.send_many(&envelopes(5)).await;
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), [Some((true, None)); 5]);
    let error = webhook.send(&envelope("1")).await.expect_err("not sent");
    assert!(
        error.is_permanent() && error.to_string().ends_with("has answered 410 Gone, and is not asked again"),
        "{error}"
    );
    assert_eq!(receiver.take().len(), 1);
}

#[tokio::test]
async fn a_webhook_that_asks_for_it_is_left_alone() {
    for (status, header, expected) in [
        (429, "120", Some(120)),
        (503, "120", Some(120)),
        (503, "86400", Some(300)),
        (503, "99999999999999999999", Some(300)),
        (503, "Fri, 31 Dec 9999 23:59:59 GMT", Some(300)),
        (503, "0", Some(0)),
        (503, "Wed, 21 Oct 2015 07:28:00 GMT", Some(0)),
        (503, "soon", None),
        (404, "120", None),
    ] {
        let receiver = Receiver::start().await;
        let webhook = webhook(&receiver);
        receiver.answer(status, Some(header));
        assert_eq!(told(&webhook.send(&envelope("1")).await), Some((status == 404, expected)), "{status} {header}");
        let answer = webhook.send(&envelope("2")).await;
        let asked = receiver.take().len();
        match expected.filter(|seconds| *seconds > 0) {
            None => assert!(answer.is_ok() && asked == 2, "{header}: {answer:?}"),
            Some(seconds) => {
                let (permanent, left) = told(&answer).expect("not sent");
                assert!(!permanent && asked == 1, "{header}: {answer:?}");
                assert!(left.is_some_and(|left| (seconds - 60..=seconds).contains(&left)), "{left:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_event_comes_again_when_it_may() {
    let receiver = Receiver::start().await;
    receiver.answer(503, Some("1"));
    let sink = webhook(&receiver).only().backoff(Duration::from_millis(1)..=Duration::from_millis(1));
    let (app, _) = start_with(Lifespan::builder().sink("cat-fed", sink)).await;
    let begun = Instant::now();
    app.scope(async { dispatch(CatFed { fish: 1 }) }).await.expect("accepted");
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    let [first, second] = receiver.take().try_into().expect("two requests");
    assert_eq!((first.header("ce-id"), &first.body), (second.header("ce-id"), &second.body), "it is the same event");
    let report = app.shutdown().await.expect("from outside");
    assert!(report.is_clean() && report.failed == 0, "{report:?}");
}

/// A server that writes the same bytes to whoever comes, and reads nothing more.
async fn rude(bytes: &'static [u8], then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(bytes).await;
                match then {
                    Then::Close => {}
                    Then::Hang => std::future::pending().await,
                    Then::Repeat(piece) => while stream.write_all(piece).await.is_ok() {},
                }
            });
        }
    });
    format!("http://{address}/hook?key=swordfish")
}

#[derive(Clone, Copy)]
enum Then {
    Close,
    Hang,
    Repeat(&'static [u8]),
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_asked_again() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port is free").local_addr().expect("it is bound");
    let short = Duration::from_millis(200);
    for (url, words) in [
        (format!("http://{closed}/?key=swordfish"), "cannot be reached"),
        (rude(b"", Then::Close).await, "has not answered: "),
        (rude(b"HTTP/1.1 20", Then::Close).await, "has not answered: "),
        (rude(b"SSH-2.0-OpenSSH\r\n", Then::Hang).await, "has not answered: "),
        (rude(b"", Then::Hang).await, "has not answered within 200ms"),
        (rude(b"HTTP/1.1 200 OK\r\n", Then::Hang).await, "has not answered within 200ms"),
        (rude(b"HTTP/1.1 200 OK\r\n", Then::Repeat(b"x-more: and more\r\n")).await, "has not answered: "),
    ] {
        // What ends by itself has all the time that it takes on a machine with other work.
        let limit = if words.contains("within") { short } else { http_support::FOR_EVER };
        let error = Webhook::new(&url).expect("a URL").answer_within(limit).send(&envelope("1")).await.expect_err(&url);
        assert!(!error.is_permanent() && error.to_string().contains(words), "{words}: {error}");
        let shown = format!("{error:?} {error}");
        assert!(
            !shown.contains("swordfish") && !shown.contains("/hook") && shown.contains("http://127.0.0.1:"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn of_an_answer_no_more_is_read_than_there_is_a_use_for() {
    let endless = rude(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Then::Repeat(b"4\r\nmore\r\n")).await;
    let broken = rude(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome", Then::Close).await;
    let slow = rude(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome", Then::Hang).await;
    for url in [endless, broken, slow] {
        let webhook = Webhook::new(&url).expect("a URL").answer_within(http_support::FOR_EVER);
        let sent = tokio::time::timeout(http_support::FOR_EVER / 2, webhook.send(&envelope("1"))).await;
        sent.expect("it does not wait for the end").expect("it was sent");
    }
}

#[tokio::test]
async fn tls_is_set_up_without_anybody_else() {
    // What is there speaks no TLS.
    let url = rude(b"HTTP/1.1 400 Bad Request\r\n\r\n", Then::Close).await.replace("http://", "https://");
    let error = Webhook::new(&url).expect("a URL").send(&envelope("1")).await.expect_err("not sent");
    assert!(!error.is_permanent() && error.to_string().contains("cannot be reached"), "{error}");
    assert!(!error.to_string().contains("swordfish"), "{error}");
}

#[test]
fn what_is_no_webhook_is_refused_without_its_secrets() {
    for (url, expected) in [
        ("swordfish", WebhookError::Url),
        ("http://", WebhookError::Url),
        ("https://host:swordfish/", WebhookError::Url),
        ("ftp://host/swordfish", WebhookError::Scheme),
        ("data:swordfish", WebhookError::Scheme),
        ("https://user:swordfish@host/", WebhookError::User),
        ("https://swordfish@host/", WebhookError::User),
        ("https://:swordfish@host/", WebhookError::User),
    ] {
        let error = Webhook::new(url).expect_err(url);
        assert_eq!(error, expected, "{url}");
        assert!(!format!("{error} {error:?}").contains("swordfish"), "{error}");
    }
    let new = || Webhook::new("https://host/services/swordfish?key=swordfish#swordfish").expect("a URL");
    for name in
        ["content-type", "Content-Length", "transfer-encoding", "connection", "host", "ce-id", "CE-x", "a b", "", "ü"]
    {
        let error = new().header(name, "swordfish").expect_err(name);
        assert!(matches!(error, WebhookError::Header { .. }) && !error.to_string().contains("swordfish"), "{error}");
    }
    assert!(matches!(new().bearer("sword\nfish"), Err(WebhookError::Header { .. })));
    let webhook = new().bearer("swordfish").and_then(|webhook| webhook.header("x-key", "swordfish")).expect("headers");
    let shown = format!("{webhook:?} {webhook:#?}");
    assert!(!shown.contains("swordfish") && shown.contains("https://host"), "{shown}");
}

#[test]
fn without_the_certificates_of_the_system_there_is_http_and_no_https() {
    const NOWHERE: &str = "/nowhere";
    if std::env::var("SSL_CERT_DIR").is_ok_and(|folder| folder == NOWHERE) {
        assert!(Webhook::new("http://host/").is_ok());
        assert!(matches!(Webhook::new("https://host/"), Err(WebhookError::Client(_))));
        return;
    }
    // The same test in a process that has none.
    let mut alone = std::process::Command::new(std::env::current_exe().expect("the path of the test"));
    alone.args(["--exact", "without_the_certificates_of_the_system_there_is_http_and_no_https"]);
    let output = alone.env("SSL_CERT_DIR", NOWHERE).env("SSL_CERT_FILE", NOWHERE).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// A format that writes what no request can have.
struct Odd(&'static str, &'static str);

impl Format for Odd {
    fn encode(&self, _: &Envelope) -> Result<Message, FormatError> {
        let headers = vec![(self.0.to_owned(), self.1.to_owned())];
        Ok(Message { headers, ..Message::default() })
    }

    fn decode(&self, _: &Message) -> Result<Envelope, FormatError> {
        Err(FormatError::new("it is never read"))
    }
}

#[tokio::test]
async fn what_no_request_can_have_is_not_sent() {
    let receiver = Receiver::start().await;
    for (name, value) in [("a b", "c"), ("a", "b\nc"), ("", "")] {
        let answer = webhook(&receiver).format(Odd(name, value)).send(&envelope("1")).await;
        assert_eq!(told(&answer), Some((true, None)), "{answer:?}");
    }
    webhook(&receiver).format(Odd("x-note", "ö")).send(&envelope("1")).await.expect("sent");
    assert_eq!(only(&receiver).headers["x-note"].as_bytes(), "ö".as_bytes());
}
