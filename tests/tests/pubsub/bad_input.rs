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
use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::service::{Options, PROJECT, Service};

/// What somebody says who stands where the service should be.
#[derive(Clone, Copy, Debug)]
enum Says {
    /// These bytes, and then no more.
    Bytes(&'static [u8]),
    /// An answer of HTTP, with a media type and a body.
    Answer(&'static str, &'static [u8]),
    /// What the service says.
    Service,
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
        Says::Service => {
            let mut inner = TcpStream::connect(service).await.expect("the service listens");
            let _ = copy_bidirectional(&mut stream, &mut inner).await;
        }
    }
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
