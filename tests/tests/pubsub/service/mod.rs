//! A small server that speaks the protocol of Pub/Sub: `google.pubsub.v1` over gRPC, with the messages that are generated from
//! Google's definitions. It can be told to fail.

mod codec;
mod state;
mod subscription;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::routing::post;
use events::pubsub::PubSub;
use futures_util::{StreamExt as _, stream};
use gcloud_googleapis::pubsub::v1::StreamingPullRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tonic::{Code, Response, Status, Streaming};

use codec::{Bytes, Raw};
use state::State;
pub(crate) use state::{Call, Options};

pub(crate) const PROJECT: &str = "cafe";

/// The server, and what holds it together while it is down.
#[derive(Clone)]
pub(crate) struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    address: SocketAddr,
    state: Mutex<State>,
    /// Something can be delivered that could not be before.
    changed: Notify,
    /// Counts the times at which all streams were ended, with the status that they were ended with.
    ended: watch::Sender<(u64, Code)>,
    serving: Mutex<Option<AbortHandle>>,
}

/// A port below those that the system hands out: nobody else takes it while the server is away.
async fn listener() -> TcpListener {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 200).expect("small") * 50;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            return listener;
        }
    }
}

/// A topic's name in the project.
pub(crate) fn topic(name: &str) -> String {
    format!("projects/{PROJECT}/topics/{name}")
}

/// A subscription's name in the project.
pub(crate) fn subscription(name: &str) -> String {
    format!("projects/{PROJECT}/subscriptions/{name}")
}

impl Service {
    /// A server that runs, on a port of its own.
    pub(crate) async fn start() -> Self {
        let listener = listener().await;
        let inner = Inner {
            address: listener.local_addr().expect("an address"),
            state: Mutex::default(),
            changed: Notify::new(),
            ended: watch::Sender::new((0, Code::Ok)),
            serving: Mutex::default(),
        };
        let service = Self { inner: Arc::new(inner) };
        service.serve(listener);
        service
    }

    fn serve(&self, listener: TcpListener) {
        let router = Router::new()
            .route("/google.pubsub.v1.Publisher/Publish", post(unary))
            .route("/google.pubsub.v1.Subscriber/Acknowledge", post(unary))
            .route("/google.pubsub.v1.Subscriber/ModifyAckDeadline", post(unary))
            .route("/google.pubsub.v1.Subscriber/StreamingPull", post(pull))
            .with_state(self.clone());
        let serving = tokio::spawn(async move {
            // Whoever is served ends with this.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let router = TowerToHyperService::new(router.clone());
                let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                connections.spawn(async move {
                    let _ = stream.set_nodelay(true);
                    let _ = http.serve_connection(TokioIo::new(stream), router).await;
                });
            }
        });
        *self.inner.serving.lock().expect("nobody panics") = Some(serving.abort_handle());
    }

    /// Goes away, and takes all connections along. What it keeps, it keeps.
    pub(crate) fn stop(&self) {
        let serving = self.inner.serving.lock().expect("nobody panics").take();
        serving.expect("it runs").abort();
    }

    /// Comes back, where it was.
    pub(crate) async fn resume(&self) {
        let listener = loop {
            // The old one is closed by a task that may not have ended yet.
            match TcpListener::bind(self.inner.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        self.serve(listener);
    }

    /// Ends all streams, as the service does now and then.
    pub(crate) fn end_streams(&self, code: Code) {
        self.inner.ended.send_modify(|(count, known)| (*count, *known) = (*count + 1, code));
    }

    pub(crate) fn address(&self) -> String {
        self.inner.address.to_string()
    }

    /// What the library makes of it.
    pub(crate) fn pubsub(&self) -> PubSub {
        PubSub::emulator(PROJECT, &self.address()).expect("an address")
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().expect("nobody panics")
    }

    /// Does something to what it keeps, which may let it deliver something.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.inner.changed.notify_waiters();
        changed
    }

    /// A topic, and a subscription of the same name.
    pub(crate) fn make(&self, name: &str, options: Options) {
        self.change(|state| state.subscribe(&topic(name), &subscription(name), options));
    }

    /// Has the next calls of a method fail.
    pub(crate) fn fail(&self, method: &'static str, code: Code, times: usize) {
        self.state().fail(method, code, times);
    }

    /// How many messages a subscription has that are not acknowledged.
    pub(crate) fn backlog(&self, name: &str) -> usize {
        self.state().backlog(&subscription(name))
    }

    /// The calls of a method so far.
    pub(crate) fn calls(&self, method: &str) -> Vec<Call> {
        self.state().calls(method)
    }
}

async fn unary(Shared(service): Shared<Service>, request: Request) -> http::Response<tonic::body::Body> {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let headers = request.headers().clone();
    let answer = tower::service_fn(|request: tonic::Request<Bytes>| {
        let (service, method, headers) = (service.clone(), method.clone(), headers.clone());
        async move {
            let held = service.state().held(&method);
            if let Some(mut held) = held {
                let _ = held.wait_for(|is_held| !is_held).await;
            }
            let answer = service.change(|state| state.answer(&method, &headers, request.into_inner()));
            answer.map(Response::new)
        }
    });
    tonic::server::Grpc::new(Raw).max_decoding_message_size(20_000_000).unary(answer, request).await
}

type Outgoing = std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Vec<u8>, Status>> + Send>>;

async fn pull(Shared(service): Shared<Service>, request: Request) -> http::Response<tonic::body::Body> {
    let headers = request.headers().clone();
    let opening = tower::service_fn(|request: tonic::Request<Streaming<Bytes>>| {
        let (service, headers) = (service.clone(), headers.clone());
        async move {
            let mut requests = request.into_inner();
            let first = requests.message().await?.ok_or_else(|| Status::invalid_argument("no request"))?;
            let first = StreamingPullRequest::decode(first).map_err(|_| Status::invalid_argument("no request"))?;
            let (number, is_late) = service.change(|state| state.open(&headers, &first))?;
            let (sender, mut receiver) = mpsc::channel(1);
            tokio::spawn(deliver(service.clone(), number, requests, sender));
            // The real service sends its headers when it has something to send.
            let head = if is_late { receiver.recv().await } else { None };
            let rest = stream::poll_fn(move |context| receiver.poll_recv(context));
            Ok(Response::new(Box::pin(stream::iter(head).chain(rest)) as Outgoing))
        }
    });
    tonic::server::Grpc::new(Raw).streaming(opening, request).await
}

/// Sends what there is for a stream, until one side ends it.
async fn deliver(
    service: Service,
    number: u64,
    mut requests: Streaming<Bytes>,
    sender: mpsc::Sender<Result<Vec<u8>, Status>>,
) {
    let mut ended = service.inner.ended.subscribe();
    loop {
        let changed = service.inner.changed.notified();
        let (response, next) = service.state().deliver(number);
        if let Some(response) = response {
            if sender.send(Ok(response)).await.is_err() {
                break;
            }
            continue;
        }
        let next = next.unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
        tokio::select! {
            // Who has left gets nothing that has come since.
            biased;
            () = sender.closed() => break,
            ping = requests.message() => match ping {
                Ok(Some(_)) => {
                    service.state().count_ping();
                    if sender.send(Ok(Vec::new())).await.is_err() {
                        break;
                    }
                }
                _ => break,
            },
            _ = ended.changed() => {
                let code = ended.borrow().1;
                if code != Code::Ok {
                    let _ = sender.send(Err(Status::new(code, "the stream was ended"))).await;
                }
                break;
            }
            () = changed => {}
            () = sleep_until(next) => {}
        }
    }
    service.change(|state| state.close(number));
}
