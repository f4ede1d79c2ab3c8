//! A server that says whatever a test wants, byte by byte.

use std::net::SocketAddr;
use std::time::Duration;

use events::sse::SseSource;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::told::FOR_EVER;

/// The head of a stream that lasts until the connection is closed.
pub(crate) const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
/// Has readers come back at once.
pub(crate) const AT_ONCE: &str = "retry: 0\n";

pub(crate) struct Server {
    listener: TcpListener,
}

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    /// The head of the request, in lower case.
    pub(crate) request: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a port") }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("an address")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/stream", self.address())
    }

    pub(crate) fn source(&self) -> SseSource {
        SseSource::new(&self.url()).expect("a URL")
    }

    /// The next connection, and its request.
    pub(crate) async fn accept(&self) -> Connection {
        let accepted = timeout(FOR_EVER, self.listener.accept()).await.expect("somebody connects");
        let (mut stream, _) = accepted.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(timeout(FOR_EVER, stream.read_u8()).await.expect("a request").expect("a whole request"));
        }
        let request = String::from_utf8(request).expect("text").to_lowercase();
        Connection { stream, request }
    }

    /// The next connection, with a stream that has begun.
    pub(crate) async fn stream(&self) -> Connection {
        let mut connection = self.accept().await;
        connection.say(HEAD).await;
        connection
    }

    /// Answers the next request, and closes the connection.
    pub(crate) async fn answer(&self, text: &str) -> Connection {
        let mut connection = self.accept().await;
        connection.say(text).await;
        connection.stream.shutdown().await.expect("it can be closed");
        connection
    }

    /// Whether nobody connects for some time.
    pub(crate) async fn is_left_alone(&self) -> bool {
        timeout(Duration::from_millis(300), self.listener.accept()).await.is_err()
    }
}

impl Connection {
    pub(crate) async fn say(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.expect("somebody listens");
        self.stream.flush().await.expect("somebody listens");
    }

    pub(crate) fn has_header(&self, line: &str) -> bool {
        self.request.lines().any(|known| known == line)
    }

    /// The position that the request asks for.
    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.request.lines().find_map(|line| line.strip_prefix("last-event-id: "))
    }
}
