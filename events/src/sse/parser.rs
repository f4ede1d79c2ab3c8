//! The text of an event stream, read as the specification of HTML has it.

use std::sync::Arc;
use std::time::Duration;

/// How many times the limit of an event may be skipped before it counts as one that does not end.
const ENDLESS: usize = 16;
/// Of an event that is too large, only lines so long are looked at: its `id` is still wanted.
const SHORT: usize = 2048;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What a piece of the stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Event(Block),
    /// A block without data: its `id` counts all the same.
    Id(Arc<str>),
    /// How long to wait before another connection.
    Retry(Duration),
    /// An event that has more bytes than it may have. It was skipped.
    TooLarge(Arc<str>),
}

/// An event of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Empty where the stream says nothing.
    pub(super) name: String,
    pub(super) data: String,
    /// The last `id` that the stream has said.
    pub(super) last_id: Arc<str>,
    /// Whether this very event has said it.
    pub(super) has_id: bool,
}

/// An event or a comment goes on and on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endless;

/// Reads a stream that comes in pieces, and holds no more of it than one event may have.
#[derive(Debug)]
pub(super) struct Parser {
    limit: usize,
    line: Line,
    is_first_line: bool,
    after_cr: bool,
    block: Block,
    /// How many bytes the lines of the block have, comments left out.
    bytes: usize,
    is_too_large: bool,
}

/// The line that is being read.
#[derive(Debug, Default)]
struct Line {
    held: Vec<u8>,
    /// How many bytes it has, held or not.
    bytes: usize,
    is_comment: bool,
    /// Whether it is longer than anybody wants.
    is_cut: bool,
}

impl Parser {
    /// Reads events of at most `limit` bytes. `last_id` is what the stream is taken up from.
    pub(super) fn new(limit: usize, last_id: Arc<str>) -> Self {
        let block = Block { name: String::new(), data: String::new(), last_id, has_id: false };
        let line = Line::default();
        Self { limit, line, is_first_line: true, after_cr: false, block, bytes: 0, is_too_large: false }
    }

    /// Takes bytes off the beginning of `text` until there is a frame, or nothing is left.
    pub(super) fn feed(&mut self, text: &mut &[u8]) -> Result<Option<Frame>, Endless> {
        while let Some(first) = text.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                *text = &text[1..];
                continue;
            }
            let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            self.hold(&text[..end.unwrap_or(text.len())])?;
            let Some(end) = end else {
                *text = &[];
                break;
            };
            self.after_cr = text[end] == b'\r';
            *text = &text[end + 1..];
            if let Some(frame) = self.end_line() {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), Endless> {
        let line = &mut self.line;
        if line.bytes == 0 {
            line.is_comment = part.first() == Some(&b':');
        }
        line.bytes += part.len();
        if line.is_comment {
            return if line.bytes > self.limit.saturating_mul(ENDLESS) { Err(Endless) } else { Ok(()) };
        }
        self.bytes += part.len();
        if self.bytes > self.limit.saturating_mul(ENDLESS) {
            return Err(Endless);
        }
        if self.bytes > self.limit && !self.is_too_large {
            self.is_too_large = true;
            self.block.data = String::new();
        }
        if self.is_too_large && line.held.len() + part.len() > SHORT {
            line.is_cut = true;
            line.held = Vec::new();
        }
        if !line.is_cut {
            line.held.extend_from_slice(part);
        }
        Ok(())
    }

    fn end_line(&mut self) -> Option<Frame> {
        let mut line = std::mem::take(&mut self.line);
        let is_first = std::mem::take(&mut self.is_first_line);
        if line.is_comment || line.is_cut {
            return None;
        }
        let text = if is_first { line.held.strip_prefix(BOM).unwrap_or(&line.held) } else { &line.held };
        let frame = if text.is_empty() { self.end_block() } else { self.field(&String::from_utf8_lossy(text)) };
        // The next line has room already.
        line.held.clear();
        self.line.held = line.held;
        frame
    }

    fn field(&mut self, line: &str) -> Option<Frame> {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.block.name),
            "data" if !self.is_too_large => {
                self.block.data.push_str(value);
                self.block.data.push('\n');
            }
            "id" if !value.contains('\0') => {
                self.block.last_id = value.into();
                self.block.has_id = true;
            }
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Some(Frame::Retry(Duration::from_millis(value.parse().unwrap_or(u64::MAX))));
            }
            _ => {}
        }
        None
    }

    fn end_block(&mut self) -> Option<Frame> {
        self.bytes = 0;
        let last_id = Arc::clone(&self.block.last_id);
        let empty = Block { name: String::new(), data: String::new(), last_id, has_id: false };
        let mut block = std::mem::replace(&mut self.block, empty);
        if std::mem::take(&mut self.is_too_large) {
            return Some(Frame::TooLarge(block.last_id));
        }
        if block.data.pop().is_none() {
            return block.has_id.then_some(Frame::Id(block.last_id));
        }
        Some(Frame::Event(block))
    }
}

#[cfg(test)]
mod tests;
