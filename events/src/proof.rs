//! The compile-time proof that a handler can run, and its words.

use crate::extract::{Accepts, Moment};
use crate::pattern::Pattern;

/// Enough for the message around names of 255 bytes; what does not fit is cut.
const ROOM: usize = 2048;

/// A text that is put together by the compiler.
struct Text {
    bytes: [u8; ROOM],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Self { bytes: [0; ROOM], len: 0 }
    }

    const fn push(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() && self.len < ROOM {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(cut) => match std::str::from_utf8(self.bytes.split_at(cut.valid_up_to()).0) {
                Ok(text) => text,
                Err(_) => "the handler can never run",
            },
        }
    }
}

/// Stops the compilation where a pattern is broken, or matches none of the names that the handler's payload type has.
///
/// # Panics
///
/// That is how.
#[track_caller]
pub const fn assert_reachable(handler: &str, pattern: &str, payload: &str, names: Option<&'static [&'static str]>) {
    if crate::pattern::is_unclosed(pattern) {
        let text = Text::new().push("pattern `").push(pattern).push("` opens a class with `[` and never closes it");
        panic!("{}", text.push(": add `]`, or write `[[]` for the character itself").as_str());
    }
    let Some(names) = names else { return };
    let mut i = 0;
    while i < names.len() {
        if Pattern::new(pattern).matches(names[i]) {
            return;
        }
        i += 1;
    }
    if names.is_empty() {
        // The derive has reported a mistake in the type.
        return;
    }
    let text = Text::new().push("handler `").push(handler).push("` can never run: pattern `").push(pattern);
    let text = text.push(if names.len() == 1 { "` does not match event `" } else { "` matches none of the events `" });
    let mut text = text;
    let mut i = 0;
    while i < names.len() {
        text = text.push(if i == 0 { "" } else { "`, `" }).push(names[i]);
        i += 1;
    }
    let text = text.push("` (payload type `").push(payload).push("`)");
    panic!("{}", text.as_str());
}

/// Stops the compilation where `#[on]` stands on a function that takes no event first.
///
/// # Panics
///
/// That is how.
#[track_caller]
pub const fn assert_takes_events(accepts: Accepts) {
    assert!(!matches!(accepts, Accepts::Moment(_)), "a `Failure` is no event: write `#[on(failure)]`");
}

/// Stops the compilation where `#[on(failure)]` stands on a function that does not take the failure first.
///
/// # Panics
///
/// That is how.
#[track_caller]
pub const fn assert_takes_failures(accepts: Accepts) {
    let right = matches!(accepts, Accepts::Moment(Moment::Failure));
    assert!(right, "a failure hook takes the failure first: `failure: &Failure`");
}
