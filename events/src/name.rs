//! What may be the name of an event: one rule for the compiler and for names that arrive at run time.

/// The longest name, in bytes: AMQP 0.9.1 carries names as short strings, whose length is one octet
/// (section 4.2.5.3 of its specification).
const MAX_NAME_LEN: usize = 255;

/// Why a text cannot be the name of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
#[non_exhaustive]
pub enum NameError {
    /// There is no text.
    Empty,
    /// It has more than 255 bytes.
    TooLong,
    /// It contains white space or a control character.
    White,
    /// It contains a character that means something in a pattern.
    Glob,
}

impl NameError {
    const fn text(self) -> &'static str {
        match self {
            Self::Empty => "an event name must not be empty",
            Self::TooLong => "an event name must not be longer than 255 bytes",
            Self::White => "an event name must not contain white space or control characters",
            Self::Glob => "an event name must not contain `*`, `?`, `[` or `]`, which mean something in patterns",
        }
    }
}

pub(crate) const fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME_LEN {
        return Err(NameError::TooLong);
    }
    let mut rest = name;
    while let Some((c, after)) = first_char(rest) {
        if c.is_whitespace() || matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}') {
            return Err(NameError::White);
        }
        if matches!(c, '*' | '?' | '[' | ']') {
            return Err(NameError::Glob);
        }
        rest = after;
    }
    Ok(())
}

const fn first_char(text: &str) -> Option<(char, &str)> {
    if text.is_empty() {
        return None;
    }
    let (c, next) = crate::pattern::char_at(text.as_bytes(), 0);
    match char::from_u32(c) {
        Some(c) => Some((c, text.split_at(next).1)),
        None => None,
    }
}

/// Stops the compilation where a name is wrong.
#[doc(hidden)]
#[track_caller]
pub const fn assert_name(name: &str) {
    if let Err(error) = check(name) {
        panic!("{}", error.text());
    }
}
