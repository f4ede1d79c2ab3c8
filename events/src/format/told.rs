//! What a transport itself says of a message.

/// Headers that stand before those of the sender, so that none of these can stand for one of them.
#[derive(Debug)]
pub(crate) struct Told {
    prefix: &'static str,
    headers: Vec<(String, String)>,
}

impl Told {
    pub(crate) fn by(prefix: &'static str) -> Self {
        Self { prefix, headers: Vec::new() }
    }

    /// Says something, if there is something to say.
    pub(crate) fn add(&mut self, name: &str, value: Option<impl ToString>) {
        self.headers.extend(value.map(|value| (format!("{}-{name}", self.prefix), value.to_string())));
    }

    /// All of it, and behind it what the sender says.
    pub(crate) fn before(mut self, sender: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
        self.headers.extend(sender);
        self.headers
    }
}
