//! Where messages go to and come from, in the words of those who look at traces.

use std::borrow::Cow;

#[cfg(feature = "otel")]
use crate::source::Settlement;

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
    settling: [&'static str; 3],
    name: Option<Cow<'static, str>>,
    template: Option<Cow<'static, str>>,
    subscription: Option<String>,
    server: Option<(String, u16)>,
    attributes: Vec<(&'static str, String)>,
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
        Self {
            system: system.into(),
            verb: "send",
            settling: ["ack", "nack", "reject"],
            name: None,
            template: None,
            subscription: None,
            server: None,
            attributes: Vec::new(),
        }
    }

    /// Names it. Spans are called after it, so that there should not be many names: no message has one of its own. Where they
    /// have, a [template](Self::templated) says what spans are called after.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What all names of this kind have in common, such as `answers/{customer}`, where there are many.
    #[must_use]
    pub fn templated(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.template = Some(template.into());
        self
    }

    /// Without what is said of one message.
    pub(super) fn of_all(self) -> Self {
        Self { attributes: Vec::new(), ..self }
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

    /// Says what the system calls it to settle a message: where it is to be [acknowledged](crate::Settlement::Ack), to come again,
    /// and to be rejected, if not `ack`, `nack` and `reject`.
    #[must_use]
    pub fn settled_by(mut self, [ack, requeue, reject]: [&'static str; 3]) -> Self {
        self.settling = [ack, requeue, reject];
        self
    }

    /// Adds an attribute of the system's own, as `messaging.rabbitmq.destination.routing_key`, of the message that was asked about.
    #[must_use]
    pub fn with(mut self, attribute: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((attribute, value.into()));
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

    /// What its names have in common, where there are many.
    pub fn template(&self) -> Option<&str> {
        self.template.as_deref()
    }

    /// The attributes of the system's own.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.attributes.iter().map(|(name, value)| (*name, value.as_str()))
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

    #[cfg(feature = "otel")]
    pub(super) fn settling(&self, settlement: Settlement) -> &'static str {
        let [ack, requeue, reject] = self.settling;
        match settlement {
            Settlement::Ack => ack,
            Settlement::Requeue => requeue,
            Settlement::Reject => reject,
        }
    }
}
