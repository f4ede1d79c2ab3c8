//! A connection that is opened when somebody needs it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use lapin::types::ShortString;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::error::BoxError;

/// How long it may take until a channel can be used, from nothing.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);
const CLOSE_OK: u16 = 200;

/// How connections are made. It has no `Debug`: there are secrets in it.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) uri: AMQPUri,
    /// The connection's name, as the broker shows it.
    pub(super) name: String,
    pub(super) tls: Tls,
}

/// One of the two connections to a broker. It lives as long as somebody has a [`Line`] of it.
pub(super) struct Link {
    pub(super) way: Way,
    role: &'static str,
    connection: Mutex<Weak<Connection>>,
}

/// A channel, and the connection that it needs.
pub(super) struct Line {
    pub(super) channel: Channel,
    connection: Arc<Connection>,
}

/// Waits until a channel can be used, and no longer than that may take.
pub(super) async fn opened<T>(opening: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    let late = |_| format!("the broker has not answered within {OPEN_TIMEOUT:?}");
    timeout(OPEN_TIMEOUT, opening).await.map_err(late)?
}

impl Link {
    pub(super) fn new(way: Way, role: &'static str) -> Self {
        Self { way, role, connection: Mutex::default() }
    }

    /// Opens a channel, over a connection that is opened where there is none. The caller bounds the time.
    pub(super) async fn line(&self) -> Result<Line, BoxError> {
        let mut known = self.connection.lock().await;
        let connection = match known.upgrade().filter(|connection| connection.status().connected()) {
            Some(connection) => connection,
            None => {
                let connection = Arc::new(self.connect().await?);
                *known = Arc::downgrade(&connection);
                connection
            }
        };
        drop(known);
        let channel = connection.create_channel().await.map_err(|error| explain("cannot open a channel", &error))?;
        Ok(Line { channel, connection })
    }

    async fn connect(&self) -> Result<Connection, BoxError> {
        let Way { uri, name, tls } = self.way.clone();
        let what = format!("cannot connect to `{}:{}`", uri.authority.host, uri.authority.port);
        let name = format!("{name}, {}", self.role).into_bytes();
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        // What the library recovers by itself may hang for good when it gives up: here everything is made anew instead.
        tls.connect(uri, properties).await.map_err(|error| explain(&what, &error))
    }
}

impl Line {
    pub(super) fn is_open(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }

    /// Closes the channel, and the connection if nobody else uses it.
    pub(super) async fn close(self) -> Result<(), lapin::Error> {
        let Self { channel, connection } = self;
        if channel.status().connected() {
            channel.close(CLOSE_OK, "OK".into()).await?;
        }
        drop(channel);
        match Arc::into_inner(connection) {
            Some(connection) if connection.status().connected() => connection.close(CLOSE_OK, "OK".into()).await,
            _ => Ok(()),
        }
    }
}

/// What was tried, and what the broker or the network said to it.
pub(super) fn explain(what: &str, error: &lapin::Error) -> BoxError {
    match error.kind() {
        ErrorKind::ProtocolError(said) => format!("{what}: {}", said.get_message()),
        ErrorKind::IOError(error) => match advice(error) {
            Some(advice) => format!("{what}: {error}: {advice}"),
            None => format!("{what}: {error}"),
        },
        _ => format!("{what}: {error}"),
    }
    .into()
}

#[cfg(feature = "amqp-tls")]
pub(super) use super::tls::{Tls, advice};

/// Without the feature nothing is encrypted.
#[cfg(not(feature = "amqp-tls"))]
#[derive(Clone, Default)]
pub(super) struct Tls {}

#[cfg(not(feature = "amqp-tls"))]
impl Tls {
    async fn connect(self, uri: AMQPUri, properties: ConnectionProperties) -> lapin::Result<Connection> {
        super::kit::connect(uri, properties).await
    }
}

#[cfg(not(feature = "amqp-tls"))]
fn advice(_: &std::io::Error) -> Option<&'static str> {
    None
}

/// A name in the form of AMQP.
pub(super) fn short(text: impl AsRef<str> + Into<String>) -> Result<ShortString, BoxError> {
    let shown = text.as_ref();
    if shown.len() > usize::from(u8::MAX) {
        let text = format!("`{}…` has {} bytes, and a name has at most 255 in AMQP", head(shown), shown.len());
        return Err(text.into());
    }
    Ok(ShortString::try_new(text)?)
}

fn head(text: &str) -> String {
    text.chars().take(40).collect()
}
