//! Lines of a stream that may hold anything: read within bounds, and asked for the event that they name.

use std::borrow::Cow;
use std::io::{self, BufRead, Read as _};
use std::str::Utf8Error;

use events::DispatchError;
use serde::Deserialize;

/// The longest line that is read, in bytes. Cargo's longest, the messages of deep macros, stay far below.
const MAX_LINE_LEN: u64 = 16 << 20;

/// Why a line did not become an event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadLine {
    #[error("skipped, as it is longer than {} MiB", MAX_LINE_LEN >> 20)]
    TooLong,
    #[error("not UTF-8: {0}")]
    NotUtf8(#[from] Utf8Error),
    #[error("not a JSON object")]
    NotAnObject,
    #[error("not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("no event, as it has no `reason`")]
    NoReason,
    #[error("`{0}` is no event of cargo")]
    Internal(Box<str>),
    #[error(transparent)]
    Refused(DispatchError),
}

impl From<DispatchError> for BadLine {
    fn from(error: DispatchError) -> Self {
        match error {
            // What cannot be made of JSON is dispatched by this program alone.
            DispatchError::NotDeserialize { event, .. } => Self::Internal(event),
            error => Self::Refused(error),
        }
    }
}

/// A line and its number, counted from 1.
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    pub(crate) text: Result<&'a str, BadLine>,
}

pub(crate) struct Lines<R> {
    input: R,
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, number: 0, buffer: Vec::new() }
    }

    /// The number of the line that was read last.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end of the input.
    pub(crate) fn read(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        // One byte more than a line may have tells the longest one that fits from one that does not.
        let read = self.input.by_ref().take(MAX_LINE_LEN + 1).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let text = if self.buffer.last() == Some(&b'\n') || read as u64 <= MAX_LINE_LEN {
            std::str::from_utf8(self.buffer.trim_ascii()).map_err(BadLine::from)
        } else {
            self.input.skip_until(b'\n')?;
            Err(BadLine::TooLong)
        };
        Ok(Some(Line { number: self.number, text }))
    }
}

/// The name of the event that a line is about.
pub(crate) fn reason(line: &str) -> Result<Cow<'_, str>, BadLine> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        reason: Option<Cow<'a, str>>,
    }

    // Compilers and build tools print between cargo's lines; what is cargo's begins like this.
    if !line.starts_with('{') {
        return Err(BadLine::NotAnObject);
    }
    serde_json::from_str::<Named<'_>>(line)?.reason.ok_or(BadLine::NoReason)
}
