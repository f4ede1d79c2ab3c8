//! Where messages go to and come from, in the words of those who look at traces.

use std::borrow::Cow;

/// Where a message goes to, or comes from, as OpenTelemetry's conventions for messaging describe it: what a
/// [`Sink`](crate::Sink) and a [`Source`](crate::Source) say of themselves in traces.
///
/// # Examples
///
/// ```
/// use events::Destination;
///
/// let destination = Destination::new("rabbitmq").named("cats:cat-fed").at("broker.example", 5672);
/// assert_eq!((destination.system(), destination.name()), ("rabbitmq", Some("cats:cat-fed")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    system: Cow<'static, str>,
    verb: &'static str,
    name: Option<Cow<'static, str>>,
    subscription: Option<String>,
    server: Option<(String, u16)>,
}

/// What the conventions call a system that they do not list.
const OTHER: &str = "_OTHER";

impl Default for Destination {
    fn default() -> Self {
        Self::new(OTHER)
    }
}

impl Destination {
    /// A destination of a system: `rabbitmq`, `aws_sqs`, `gcp_pubsub`, `kafka`, or a word of one's own.
    pub fn new(system: impl Into<Cow<'static, str>>) -> Self {
        Self { system: system.into(), verb: "send", name: None, subscription: None, server: None }
    }

    /// Names it. There should not be many names: no message has one of its own.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(super) fn unnamed(self) -> Self {
        Self { name: None, ..self }
    }

    /// Says what the system calls it to send: `publish`, where it is not `send`.
    #[must_use]
    pub fn sent_by(mut self, verb: &'static str) -> Self {
        self.verb = verb;
        self
    }

    /// Names the subscription that messages come by, where a destination has several.
    #[must_use]
    pub fn subscribed(mut self, subscription: impl Into<String>) -> Self {
        self.subscription = Some(subscription.into());
        self
    }

    /// Says which server it is on.
    #[must_use]
    pub fn at(mut self, host: impl Into<String>, port: u16) -> Self {
        self.server = Some((host.into(), port));
        self
    }

    /// The system.
    pub fn system(&self) -> &str {
        &self.system
    }

    /// The name, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The subscription, where messages come by one.
    pub fn subscription(&self) -> Option<&str> {
        self.subscription.as_deref()
    }

    /// The server's host and port, where they are known.
    pub fn server(&self) -> Option<(&str, u16)> {
        self.server.as_ref().map(|(host, port)| (host.as_str(), *port))
    }

    #[cfg(feature = "otel")]
    pub(super) fn verb(&self) -> &'static str {
        self.verb
    }
}
