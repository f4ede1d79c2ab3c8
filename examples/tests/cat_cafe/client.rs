//! A client of HTTP/1.1 that can also do what no good client does.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A connection that serves one request after another.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) closes: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: cafe\r\n\r\n")
}

pub(crate) fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /orders HTTP/1.1\r\nhost: cafe\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { stream: BufReader::new(TcpStream::connect(address).await?) })
    }

    pub(crate) async fn send(&mut self, request: &str) -> io::Result<()> {
        self.stream.write_all(request.as_bytes()).await
    }

    pub(crate) async fn ask(&mut self, request: &str) -> io::Result<Answer> {
        self.send(request).await?;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        let status = self.line().await?;
        let status =
            status.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let (mut length, mut closes) = (0, false);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().map_err(|_| io::ErrorKind::InvalidData)?,
                Some(("connection", value)) => closes = value == "close",
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        let body = String::from_utf8(body).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Answer { status, body, closes })
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        // A line without its end is an answer that was cut off, or none at all.
        line.strip_suffix("\r\n").map(str::to_owned).ok_or(io::ErrorKind::UnexpectedEof.into())
    }
}
