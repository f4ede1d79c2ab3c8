//! Whoever publishes what no library would: frames by hand.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::broker::{Broker, PASSWORD};

/// A channel of a connection.
pub(crate) struct Raw(TcpStream);

/// A text with its length in front.
pub(crate) fn short(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).expect("it is short")][..], text].concat()
}

/// Bytes with their length in front.
pub(crate) fn long(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("it is short").to_be_bytes()[..], bytes].concat()
}

impl Raw {
    pub(crate) async fn open(broker: &Broker) -> Self {
        let mut raw = Self(TcpStream::connect(("127.0.0.1", broker.port())).await.expect("a broker"));
        raw.0.write_all(b"AMQP\0\0\x09\x01").await.expect("it listens");
        raw.expect([10, 10]).await;
        let response = long(format!("\0cat\0{PASSWORD}").as_bytes());
        raw.method(0, [10, 11], &[long(b""), short(b"PLAIN"), response, short(b"en_US")].concat()).await;
        raw.expect([10, 30]).await;
        raw.method(0, [10, 31], &[7, 0xff, 0, 2, 0, 0, 0, 0]).await;
        raw.method(0, [10, 40], &[short(b"/"), short(b""), vec![0]].concat()).await;
        raw.expect([10, 41]).await;
        raw.method(1, [20, 10], &short(b"")).await;
        raw.expect([20, 11]).await;
        raw
    }

    async fn frame(&mut self, kind: u8, channel: u16, payload: &[u8]) {
        let frame = [&[kind][..], &channel.to_be_bytes(), &long(payload), &[0xce]].concat();
        self.0.write_all(&frame).await.expect("it listens");
    }

    async fn method(&mut self, channel: u16, [class, method]: [u8; 2], arguments: &[u8]) {
        self.frame(1, channel, &[&[0, class, 0, method][..], arguments].concat()).await;
    }

    /// Waits for a method.
    async fn expect(&mut self, [class, method]: [u8; 2]) {
        loop {
            let mut head = [0; 7];
            self.0.read_exact(&mut head).await.expect("a frame");
            let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
            let mut rest = vec![0; length as usize + 1];
            self.0.read_exact(&mut rest).await.expect("a whole frame");
            if head[0] == 1 && rest[..4] == [0, class, 0, method] {
                return;
            }
            let ends = head[0] == 1 && [[0, 10, 0, 50], [0, 20, 0, 40]].iter().any(|end| rest[..4] == *end);
            assert!(!ends, "the broker refuses: {}", String::from_utf8_lossy(&rest));
        }
    }

    /// Publishes a body with properties by their flags.
    pub(crate) async fn publish(&mut self, exchange: &str, key: &[u8], flags: u16, properties: &[u8], body: &[u8]) {
        let arguments = [vec![0, 0], short(exchange.as_bytes()), short(key), vec![0]].concat();
        self.method(1, [60, 40], &arguments).await;
        let length = u64::try_from(body.len()).expect("it is short").to_be_bytes();
        let header = [&[0, 60, 0, 0][..], &length, &flags.to_be_bytes(), properties].concat();
        self.frame(2, 1, &header).await;
        self.frame(3, 1, body).await;
    }

    /// Waits until the broker has all that was published.
    pub(crate) async fn close(mut self) {
        self.method(1, [20, 40], &[vec![0, 200], short(b"OK"), vec![0; 4]].concat()).await;
        self.expect([20, 41]).await;
    }
}
