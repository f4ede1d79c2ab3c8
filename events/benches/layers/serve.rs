//! The service behind axum, asked over sockets.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use events::Lifespan;
use events::tower::EventsLayer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::{Handled, LAYER, act};
use crate::support::operation::Work;

/// Servers and their clients live as long as the benchmark.
static CLIENTS: Mutex<Option<HashMap<Key, Clients>>> = Mutex::const_new(None);

const ANSWER: &str = "answer";

type Key = (u8, u32, u32);
type Clients = Vec<Arc<Mutex<Client>>>;

pub(crate) fn run<const WAY: u8, const EVENTS: u32, const CLIENTS_AT_ONCE: u32>(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        let clients = clients::<WAY, EVENTS>(app, CLIENTS_AT_ONCE).await;
        let mut handled = Handled::new();
        let mut asking = JoinSet::new();
        for (client, number) in clients.into_iter().zip(0..) {
            let times = times / CLIENTS_AT_ONCE + u32::from(number < times % CLIENTS_AT_ONCE);
            asking.spawn(async move {
                let mut client = client.lock().await;
                for _ in 0..times {
                    client.ask().await;
                }
            });
        }
        asking.join_all().await;
        handled.until(times * EVENTS).await;
    })
}

async fn clients<const WAY: u8, const EVENTS: u32>(app: Lifespan, count: u32) -> Clients {
    let mut all = CLIENTS.lock().await;
    let clients = all.get_or_insert_default().entry((WAY, EVENTS, count)).or_default();
    if clients.is_empty() {
        let address = serve::<WAY, EVENTS>(app).await;
        for _ in 0..count {
            clients.push(Arc::new(Mutex::new(Client::new(address).await)));
        }
    }
    clients.clone()
}

async fn serve<const WAY: u8, const EVENTS: u32>(app: Lifespan) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let answer = async || {
        act::<WAY, EVENTS>();
        ANSWER
    };
    let bare = Router::new().route("/", get(answer)).route("/idle", get(async || ANSWER));
    let router = if WAY == LAYER { bare.layer(EventsLayer::new(app)) } else { bare };
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

/// A client that keeps its connection, and knows how long an answer is.
struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    async fn new(address: std::net::SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("it is open");
        let mut client = Self { stream, answer: Vec::new() };
        client.learn().await;
        client
    }

    async fn send(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await.expect("the server reads");
    }

    /// Asks once for an answer that no event comes with, and looks at it.
    async fn learn(&mut self) {
        self.send("/idle").await;
        while !self.answer.ends_with(ANSWER.as_bytes()) {
            let byte = self.stream.read_u8().await.expect("the server answers");
            self.answer.push(byte);
        }
    }

    async fn ask(&mut self) {
        self.send("/").await;
        self.stream.read_exact(&mut self.answer).await.expect("all answers are as long as the first");
    }
}
