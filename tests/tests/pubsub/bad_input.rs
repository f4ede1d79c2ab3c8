//! What no service says: it is told of, it takes no memory, and the next message is handled.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use events::pubsub::PubSub;
use events::{Envelope, Incoming as _, Settlement, Sink as _, Source as _};
use http::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::service::{Options, PROJECT, Service};

/// What somebody says who stands where the service should be.
#[derive(Clone, Copy, Debug)]
enum Says {
    /// These bytes, and then no more.
    Bytes(&'static [u8]),
    /// An answer of HTTP, with a media type and a body.
    Answer(&'static str, &'static [u8]),
    /// An answer that does not end, of the same bytes again and again.
    Endless(&'static [u8]),
    /// What the service says.
    Service,
    /// The same, byte by byte.
    Dripping,
}

/// A place where somebody says one thing or another.
struct Place {
    says: Arc<Mutex<Says>>,
    address: SocketAddr,
}

impl Place {
    async fn new(service: &Service) -> Self {
        let (says, service) = (Arc::new(Mutex::new(Says::Service)), service.address());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let known = Arc::clone(&says);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let says = *known.lock().expect("nobody panics");
                tokio::spawn(say(stream, says, service.clone()));
            }
        });
        Self { says, address }
    }

    fn says(&self, says: Says) {
        *self.says.lock().expect("nobody panics") = says;
    }
}

async fn say(mut stream: TcpStream, says: Says, service: String) {
    match says {
        Says::Bytes(bytes) => {
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            // Half of the connection is open for a while.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Says::Answer(media_type, body) => {
            let answer = move || async move {
                Response::builder().header("content-type", media_type).body(Body::from(body)).expect("an answer")
            };
            let router = TowerToHyperService::new(Router::new().fallback(answer));
            let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(stream), router).await;
        }
        Says::Endless(piece) => {
            let answer = move || async move {
                let body = futures_util::stream::repeat_with(move || Ok::<_, std::convert::Infallible>(piece));
                let body = Body::from_stream(body);
                Response::builder().header("content-type", "application/grpc").body(body).expect("an answer")
            };
            let router = TowerToHyperService::new(Router::new().fallback(answer));
            let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(stream), router).await;
        }
        Says::Dripping => drip(stream, &service).await,
        Says::Service => {
            let mut inner = TcpStream::connect(service).await.expect("the service listens");
            let _ = copy_bidirectional(&mut stream, &mut inner).await;
        }
    }
}

/// Passes on what the service says, a byte at a time.
async fn drip(stream: TcpStream, service: &str) {
    stream.set_nodelay(true).expect("it can be set");
    let inner = TcpStream::connect(service).await.expect("the service listens");
    let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (stream.into_split(), inner.into_split());
    let asking = tokio::io::copy(&mut near_in, &mut far_out);
    let answering = async {
        let mut bytes = [0; 1000];
        while let Ok(count @ 1..) = far_in.read(&mut bytes).await {
            for byte in &bytes[..count] {
                let _ = near_out.write_all(&[*byte]).await;
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::select! {
        _ = asking => {}
        () = answering => {}
    }
}

#[tokio::test]
async fn what_drips_is_read_and_what_does_not_end_takes_no_memory() {
    let service = Service::start().await;
    service.make("drops", Options::default());
    let place = Place::new(&service).await;
    let pubsub = PubSub::emulator(PROJECT, &place.address.to_string()).expect("an address");
    let envelope = |id: &str| Envelope::new("cat-fed", "2").with_id(id).with_origin("/cafe");
    place.says(Says::Dripping);
    let sink = pubsub.sink("drops");
    sink.send(&envelope("slow")).await.expect("published");
    sink.close().await.expect("closed");
    let mut incoming = pubsub.source("drops").connect(1).await.expect("a stream");
    let received = incoming.next().await.expect("a message");
    assert_eq!(received.message().header("ce-id"), Some("slow"));
    received.settle(Settlement::Ack).await.expect("settled");
    drop(incoming);
    // Empty messages, and a message of 4 MB whose bytes are a field that nobody knows, again and again.
    for piece in [&[0; 5000][..], &LONG] {
        place.says(Says::Endless(piece));
        let sink = pubsub.sink("drops");
        let sent = tokio::time::timeout(Duration::from_millis(500), sink.send(&envelope("lost"))).await;
        assert!(!matches!(sent, Ok(Ok(()))), "nobody has it");
        let mut incoming = pubsub.source("drops").connect(1).await.expect("a stream");
        let next = tokio::time::timeout(Duration::from_secs(1), incoming.next()).await;
        assert!(!matches!(next, Ok(Ok(_))), "that is no message");
    }
    assert!(resident() < 500_000_000, "{}", resident());
    assert_eq!(service.backlog("drops"), 0);
}

/// A message with its head: 4,194,304 bytes, of a field of bytes with the number 15.
static LONG: [u8; 4_194_309] = {
    let mut bytes = [b'x'; 4_194_309];
    let head = [0, 0, 0x40, 0, 0, 0x7a, 0xfb, 0xff, 0xff, 0x01];
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    bytes
};

/// How much memory this program has.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux says so");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number") * 4096
}

#[tokio::test]
async fn who_is_not_the_service_is_told_of_and_the_next_message_is_handled() {
    let service = Service::start().await;
    service.make("cats", Options::default());
    let place = Place::new(&service).await;
    let pubsub = PubSub::emulator(PROJECT, &place.address.to_string()).expect("an address");
    let envelope = |id: &str| Envelope::new("cat-fed", "2").with_id(id).with_origin("/cafe");
    for (number, says) in [
        Says::Bytes(b""),
        Says::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"),
        // Frames of HTTP/2 that are too long, and settings that are cut off.
        Says::Bytes(&[0xff; 10_000]),
        Says::Bytes(&[0, 0, 6, 4, 0, 0, 0]),
        Says::Answer("text/html", b"<h1>not here</h1>"),
        // A message of 4 GiB, one that is compressed in no known way, one that is cut off, and one that is none.
        Says::Answer("application/grpc", &[0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]),
        Says::Answer("application/grpc", &[9, 0, 0, 0, 1, 1]),
        Says::Answer("application/grpc", &[0, 0, 0, 0, 9, 1]),
        Says::Answer("application/grpc", &[0, 0, 0, 0, 3, 0xff, 0xff, 0xff]),
    ]
    .into_iter()
    .enumerate()
    {
        place.says(says);
        let sink = pubsub.sink("cats");
        let error = sink.send(&envelope("lost")).await.expect_err("nobody has it").to_string();
        assert!(error.len() < 1000 && !error.contains(['\u{0}', '\u{ff}']), "{says:?}: {error}");
        let source = pubsub.source("cats");
        if let Ok(mut incoming) = source.connect(1).await {
            incoming.next().await.map(|_| ()).expect_err("that is no message");
        }
        place.says(Says::Service);
        let id = number.to_string();
        // What is no service may be one later, over the same connection; here it is another one.
        sink.close().await.expect("closed");
        sink.send(&envelope(&id)).await.expect("published");
        let mut incoming = source.connect(1).await.expect("a stream");
        let received = incoming.next().await.expect("a message");
        assert_eq!(received.message().header("ce-id"), Some(&*id), "{says:?}");
        received.settle(Settlement::Ack).await.expect("settled");
    }
    assert_eq!(service.backlog("cats"), 0);
}
