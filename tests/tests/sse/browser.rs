//! A reader of streams that does as a browser does, by code of its own.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::told::FOR_EVER;

/// An event, as scripts see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) last_id: String,
}

/// One connection of a browser.
pub(crate) struct Browser {
    stream: BufReader<TcpStream>,
    /// The status line and the headers, in lower case.
    pub(crate) head: Vec<String>,
    pub(crate) last_id: String,
    pub(crate) comments: usize,
    pub(crate) retry: Option<u64>,
}

impl Browser {
    pub(crate) async fn open(address: SocketAddr, path: &str, last_id: &str) -> Self {
        Self::open_with(address, path, last_id, "").await
    }

    /// `headers` is lines that end in CRLF.
    pub(crate) async fn open_with(address: SocketAddr, path: &str, last_id: &str, headers: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Small, so that a test soon has a reader that is slow, and no smaller than a segment of loopback: those would wait for
        // timers.
        socket.set_recv_buffer_size(256 * 1024).expect("it can be set");
        let mut stream = socket.connect(address).await.expect("a connection");
        let id = if last_id.is_empty() { String::new() } else { format!("last-event-id: {last_id}\r\n") };
        // In HTTP/1.0 the body is what comes until the end.
        let request = format!("GET {path} HTTP/1.0\r\nhost: cats\r\naccept: text/event-stream\r\n{id}{headers}\r\n");
        stream.write_all(request.as_bytes()).await.expect("somebody listens");
        let (stream, last_id) = (BufReader::new(stream), last_id.to_owned());
        let mut browser = Self { stream, head: Vec::new(), last_id, comments: 0, retry: None };
        while let Some(line) = browser.line().await.filter(|line| !line.is_empty()) {
            browser.head.push(line.to_lowercase());
        }
        browser
    }

    /// The next line, without its end; nothing at the end of the stream.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(FOR_EVER, self.stream.read_line(&mut line)).await.expect("a line comes");
        // A line that is cut off is none.
        (read.is_ok() && line.ends_with('\n')).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next event; nothing at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Seen> {
        // Comments come for ever.
        timeout(FOR_EVER, self.read()).await.expect("an event comes")
    }

    async fn read(&mut self) -> Option<Seen> {
        let (mut seen, mut data) = (Seen::default(), Vec::new());
        loop {
            let line = self.line().await?;
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" if line.is_empty() => {
                    if !data.is_empty() {
                        return Some(Seen { data: data.join("\n"), last_id: self.last_id.clone(), ..seen });
                    }
                    seen = Seen::default();
                }
                "" => self.comments += 1,
                "event" => value.clone_into(&mut seen.name),
                "data" => data.push(value.to_owned()),
                "id" => value.clone_into(&mut self.last_id),
                "retry" => self.retry = value.parse().ok(),
                other => panic!("no feed says `{other}`"),
            }
        }
    }

    pub(crate) async fn event(&mut self) -> Seen {
        self.next().await.expect("the stream goes on")
    }

    /// The data of the next events.
    pub(crate) async fn data(&mut self, count: usize) -> Vec<String> {
        let mut data = Vec::new();
        while data.len() < count {
            data.push(self.event().await.data);
        }
        data
    }

    /// Waits for the first comment.
    pub(crate) async fn comment(&mut self) {
        while self.line().await.expect("the stream goes on") != ":" {}
    }

    pub(crate) fn status(&self) -> &str {
        self.head[0].split(' ').nth(1).expect("a status")
    }

    pub(crate) fn has_header(&self, line: &str) -> bool {
        self.head.iter().any(|known| known == line)
    }

    pub(crate) async fn body(&mut self) -> String {
        let mut text = String::new();
        let read = timeout(FOR_EVER, self.stream.read_to_string(&mut text)).await.expect("it ends");
        read.expect("text");
        text
    }
}
