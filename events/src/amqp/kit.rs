//! The runtime of the client library: tokio, but for what is done to its connections.

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use async_rs::{Runtime, Tokio};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::Stream;
use lapin::runtime::default_runtime;
use lapin::tcp::{AMQPUriTcpExt as _, AsyncTcpStream};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};

use super::screen::Screen;

/// A connection as the library makes it, encrypted or not.
pub(super) type Bare = AsyncTcpStream<<Tokio as Reactor>::TcpStream>;

/// What the library takes for a connection.
pub(super) type Screened = AsyncTcpStream<Screen<Bare>>;

#[derive(Clone, Debug)]
pub(super) struct Kit(Tokio);

impl Kit {
    pub(super) fn current() -> Runtime<Self> {
        Runtime::new(Self(Tokio::current()))
    }
}

/// Connects to where a URL says, without encryption.
pub(super) async fn bare(uri: &AMQPUri) -> lapin::Result<Bare> {
    let plain = AMQPUri { scheme: AMQPScheme::AMQP, ..uri.clone() };
    Ok(plain.connect_async(&default_runtime()?).await?)
}

/// Has nothing come over a connection that the library does not outlive.
pub(super) fn screened(stream: Bare) -> Screened {
    AsyncTcpStream::Plain(Screen::new(stream))
}

/// Connects to a broker, without encryption.
pub(super) async fn connect(uri: AMQPUri, properties: ConnectionProperties) -> lapin::Result<Connection> {
    let connect = async move |uri: AMQPUri, _| Ok(screened(bare(&uri).await?));
    Connection::connector(uri, Kit::current(), connect, properties).await
}

impl RuntimeKit for Kit {}

impl Executor for Kit {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, future: F) -> T {
        self.0.block_on(future)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(&self, future: F) -> Task<Self::Task<T>> {
        self.0.spawn(future)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&self, work: F) -> Task<Self::Task<T>> {
        self.0.spawn_blocking(work)
    }
}

impl Reactor for Kit {
    type TcpStream = Screen<Bare>;
    type Sleep = <Tokio as Reactor>::Sleep;

    /// The library has no use for it.
    fn register<H: Read + Write + Send + 'static>(
        &self,
        _: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        Err::<Self::TcpStream, _>(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, length: Duration) -> Self::Sleep {
        self.0.sleep(length)
    }

    fn interval(&self, length: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(length)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        let connecting = self.0.tcp_connect_addr(address);
        async move { Ok(Screen::new(AsyncTcpStream::Plain(connecting.await?))) }
    }
}
