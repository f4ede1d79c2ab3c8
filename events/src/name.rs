//! What may be the name of an event: one rule for the compiler and for names that arrive at run time.

use std::hash::Hasher;

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
    let mut rest = name.as_bytes();
    loop {
        rest = match rest {
            [] => return Ok(()),
            // The compiler, which interprets this for every event, should have little to do for what names are made of.
            [b'-'..=b'9' | b'a'..=b'z', rest @ ..] => rest,
            _ => {
                let (c, next) = crate::pattern::char_at(rest, 0);
                match char::from_u32(c) {
                    Some('\0'..='\u{1f}' | '\u{7f}'..='\u{9f}') => return Err(NameError::White),
                    Some(c) if c.is_whitespace() => return Err(NameError::White),
                    Some('*' | '?' | '[' | ']') => return Err(NameError::Glob),
                    _ => rest.split_at(next).1,
                }
            }
        };
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

/// Hashes the names of a table that is only read: quickly, and with no secret, so that it is for no other table.
#[derive(Debug, Default)]
pub(crate) struct NameHasher(u64);

impl NameHasher {
    /// An odd number without a pattern: the digits of the golden ratio.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    fn add(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(Self::FACTOR);
        #[expect(clippy::cast_possible_truncation, reason = "its halves are folded into one another")]
        let folded = product as u64 ^ (product >> 64) as u64;
        self.0 = folded;
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(byte.into());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher as _, BuildHasherDefault};

    use super::NameHasher;

    #[test]
    fn names_that_are_alike_have_hashes_that_are_not() {
        let hasher = BuildHasherDefault::<NameHasher>::default();
        let names: Vec<_> = (0..4096).map(|n| format!("cat-{n:b}-fed")).collect();
        for shift in [0, 57] {
            // The table looks at the lowest bits and at the seven highest ones.
            let seen: HashSet<_> =
                names.iter().map(|name| hasher.hash_one(name.as_str()).rotate_right(shift) % 128).collect();
            assert_eq!(seen.len(), 128, "from bit {shift}");
        }
        let all: HashSet<_> = names.iter().map(|name| hasher.hash_one(name.as_str())).collect();
        assert_eq!(all.len(), names.len());
    }
}
