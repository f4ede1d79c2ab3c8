//! What a broker sends, before the client library reads it.
//!
//! Names and some properties of messages are texts of whoever has published them, and neither the broker nor the protocol keeps
//! those from being no UTF-8, or tables from being nested a thousand times. The library ends the connection for the one, without a
//! chance to settle the message, so that it comes again and again; for the other it runs out of its stack, which ends the process.
//! So both are mended on the way, without a change of any length.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

/// In front of what a frame has: its type, its channel and its length.
const HEAD: usize = 7;
const METHOD: u8 = 1;
const HEADER: u8 = 2;
/// No frame is longer that is looked at: those of brokers have 131,072 bytes.
const LONGEST: usize = 16 << 20;
/// How deep tables and arrays may be nested; what is deeper is nothing but bytes.
const MAX_DEPTH: usize = super::message::MAX_DEPTH + 1;

/// A connection to a broker.
#[derive(Debug)]
pub(super) struct Screen<S> {
    inner: S,
    frames: Frames,
}

#[derive(Debug, Default)]
struct Frames {
    /// The beginning of a frame that has not come as a whole.
    begun: Vec<u8>,
    /// How much is still to come of a frame that nobody looks at.
    passing: usize,
    /// What is ready, and did not fit.
    ready: Vec<u8>,
    handed_out: usize,
}

impl<S> Screen<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, frames: Frames::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Screen<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let Self { inner, frames } = self.get_mut();
        loop {
            if let Some(count) = frames.hand_out(buf) {
                return Poll::Ready(Ok(count));
            }
            let begun = frames.begun.len();
            if begun < buf.len() {
                let read = ready!(Pin::new(&mut *inner).poll_read(cx, &mut buf[begun..]))?;
                if read == 0 {
                    return Poll::Ready(Ok(0));
                }
                buf[..begun].copy_from_slice(&frames.begun);
                frames.begun.clear();
                let count = frames.screen(&mut buf[..begun + read]);
                if count > 0 {
                    return Poll::Ready(Ok(count));
                }
            } else {
                // The frame is longer than what there is room for.
                let mut room = [0; 4096];
                let read = ready!(Pin::new(&mut *inner).poll_read(cx, &mut room))?;
                if read == 0 || buf.is_empty() {
                    return Poll::Ready(Ok(0));
                }
                frames.begun.extend(&room[..read]);
                frames.screen_begun();
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Screen<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_close(cx)
    }
}

impl Frames {
    fn hand_out(&mut self, buf: &mut [u8]) -> Option<usize> {
        let ready = &self.ready[self.handed_out..];
        if ready.is_empty() {
            return None;
        }
        let count = ready.len().min(buf.len());
        buf[..count].copy_from_slice(&ready[..count]);
        self.handed_out += count;
        Some(count)
    }

    fn screen_begun(&mut self) {
        let mut all = std::mem::take(&mut self.begun);
        let count = self.screen(&mut all);
        all.truncate(count);
        (self.ready, self.handed_out) = (all, 0);
    }

    /// Mends what has come as a whole, and keeps the beginning of what has not. Answers how much may be read.
    fn screen(&mut self, bytes: &mut [u8]) -> usize {
        let mut at = 0;
        loop {
            let passing = self.passing.min(bytes.len() - at);
            self.passing -= passing;
            at += passing;
            let rest = &mut bytes[at..];
            match length(rest) {
                _ if rest.is_empty() => return at,
                Some(length) if rest[0] > HEADER || length > LONGEST => self.passing = length,
                Some(length) if length <= rest.len() => {
                    mend(&mut rest[..length]);
                    at += length;
                }
                _ => {
                    self.begun.extend_from_slice(rest);
                    return at;
                }
            }
        }
    }
}

/// How long a frame is, with its head and its end.
fn length(frame: &[u8]) -> Option<usize> {
    let size = u32::from_be_bytes(frame.get(3..HEAD)?.try_into().ok()?);
    Some(HEAD + usize::try_from(size).ok()?.saturating_add(1))
}

/// Mends a whole frame of a method or of a header.
fn mend(frame: &mut [u8]) {
    let end = frame.len() - 1;
    let (kind, payload) = (frame[0], &mut frame[HEAD..end]);
    let mut fields = Fields(payload);
    // What cannot be followed is for the library to find fault with.
    let _ = match kind {
        METHOD => fields.method(),
        _ => fields.header(),
    };
}

/// What is still to be looked at of a frame.
struct Fields<'a>(&'a mut [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a mut [u8]> {
        let (taken, rest) = std::mem::take(&mut self.0).split_at_mut_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2).map(|taken| u16::from_be_bytes([taken[0], taken[1]]))
    }

    /// What has its length in front of it.
    fn long(&mut self) -> Option<&'a mut [u8]> {
        let length = self.take(4).map(|taken| u32::from_be_bytes([taken[0], taken[1], taken[2], taken[3]]))?;
        self.take(usize::try_from(length).ok()?)
    }

    /// A short text, which is UTF-8 from now on.
    fn text(&mut self) -> Option<()> {
        let length = self.byte()?;
        let mut text = self.take(length.into())?;
        while let Err(error) = std::str::from_utf8(text) {
            let (from, wrong) = (error.valid_up_to(), error.error_len());
            let to = wrong.map_or(text.len(), |count| from + count);
            text[from..to].fill(b'?');
            text = &mut text[to..];
        }
        Some(())
    }

    /// A delivery, or a message that is returned.
    fn method(&mut self) -> Option<()> {
        match (self.short()?, self.short()?) {
            (60, 60) => {
                self.text()?;
                self.take(9)?;
            }
            (60, 50) => {
                self.take(2)?;
                self.text()?;
            }
            _ => return None,
        }
        self.text()?;
        self.text()
    }

    fn header(&mut self) -> Option<()> {
        self.take(12)?;
        let flags = self.short()?;
        for property in 0..14 {
            if flags & (1 << (15 - property)) == 0 {
                continue;
            }
            match property {
                2 => {
                    let table = self.long()?;
                    if Fields(table).table(MAX_DEPTH).is_none() {
                        replace(table);
                    }
                }
                3 | 4 => drop(self.byte()?),
                9 => drop(self.take(8)?),
                _ => self.text()?,
            }
        }
        Some(())
    }

    fn table(mut self, depth: usize) -> Option<()> {
        while !self.0.is_empty() {
            self.text()?;
            self.value(depth)?;
        }
        Some(())
    }

    fn array(mut self, depth: usize) -> Option<()> {
        while !self.0.is_empty() {
            self.value(depth)?;
        }
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        let kind = self.take(1)?;
        let count = match kind[0] {
            b'A' | b'F' if depth == 0 => {
                kind[0] = b'x';
                return self.long().map(drop);
            }
            b'A' => return Fields(self.long()?).array(depth - 1),
            b'F' => return Fields(self.long()?).table(depth - 1),
            b'S' | b'x' => return self.long().map(drop),
            b'V' => 0,
            b't' | b'b' | b'B' => 1,
            b's' | b'U' | b'u' => 2,
            b'I' | b'i' | b'f' => 4,
            b'D' => 5,
            b'L' | b'l' | b'd' | b'T' => 8,
            _ => return None,
        };
        self.take(count).map(drop)
    }
}

/// Has a table that cannot be followed be one with a single value of bytes.
fn replace(table: &mut [u8]) {
    let Some(count) = table.len().checked_sub(6) else { return };
    let Ok(length) = u32::try_from(count) else { return };
    table[..2].copy_from_slice(&[0, b'x']);
    table[2..6].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("it is short").to_be_bytes();
        [&[kind, 0, 1][..], &length, payload, &[0xce]].concat()
    }

    fn header(flags: u16, properties: &[u8]) -> Vec<u8> {
        frame(HEADER, &[&[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3][..], &flags.to_be_bytes(), properties].concat())
    }

    fn table(content: &[u8]) -> Vec<u8> {
        [&u32::try_from(content.len()).expect("it is short").to_be_bytes()[..], content].concat()
    }

    /// Arrays in arrays.
    fn nested(depth: usize) -> Vec<u8> {
        (0..depth).fold(Vec::new(), |inner, _| [b"A".to_vec(), table(&inner)].concat())
    }

    /// Frames that are spoiled, and what is to become of them.
    fn spoiled() -> Vec<(Vec<u8>, Vec<u8>)> {
        let deep = |depth: usize, kind: u8| {
            let mut bytes = nested(depth);
            if depth > MAX_DEPTH {
                bytes[MAX_DEPTH * 5] = kind;
            }
            header(0x2000, &table(&[&b"\x01a"[..], &bytes].concat()))
        };
        let deliver =
            |key: &[u8; 4]| frame(METHOD, &[b"\0\x3c\0\x3c\x01c\0\0\0\0\0\0\0\x01\0\x01e\x04", &key[..]].concat());
        let returned = |key: &[u8; 4]| frame(METHOD, &[b"\0\x3c\0\x32\x01\x38\x01t\x01e\x04", &key[..]].concat());
        let texts = |text: &[u8; 3]| header(0x8080, &[b"\x03", &text[..], b"\x03", &text[..]].concat());
        vec![
            (deliver(b"a\xffb\xe2"), deliver(b"a?b?")),
            (returned(b"\xe2\x82zz"), returned(b"??zz")),
            (texts(b"a\xffc"), texts(b"a?c")),
            (header(0x2000, &table(b"\x02\xff\xfeS\0\0\0\x01\xff")), header(0x2000, &table(b"\x02??S\0\0\0\x01\xff"))),
            (deep(5, b'A'), deep(5, b'A')),
            (deep(20_000, b'A'), deep(20_000, b'x')),
            // A kind of value that there is not, and a length that goes past the end.
            (header(0x2000, &table(b"\x01aZ12345")), header(0x2000, &table(b"\0x\0\0\0\x0245"))),
            (header(0x2000, &table(b"\x01aS\0\0\0\x09z")), header(0x2000, &table(b"\0x\0\0\0\x02\x09z"))),
            (header(0xa000, b"\x09"), header(0xa000, b"\x09")),
            (frame(3, b"\x01\x02\xff"), frame(3, b"\x01\x02\xff")),
            (frame(8, b""), frame(8, b"")),
        ]
    }

    /// Gives so many bytes at a time.
    struct Dripping(Vec<u8>, usize);

    impl AsyncRead for Dripping {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            let count = self.1.min(buf.len()).min(self.0.len());
            buf[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Poll::Ready(Ok(count))
        }
    }

    #[tokio::test]
    async fn what_no_library_reads_is_mended_however_it_is_cut() {
        let (before, after): (Vec<_>, Vec<_>) = spoiled().into_iter().unzip();
        let (before, after) = (before.concat(), after.concat());
        for (at_a_time, room) in [(1, 1000), (7, 64), (1_000_000, 1_000_000), (1000, 5), (4096, 1), (8, 8)] {
            let mut screen = Screen::new(Dripping(before.clone(), at_a_time));
            let (mut all, mut buf) = (Vec::<u8>::new(), vec![0; room]);
            loop {
                match poll_fn(|cx| Pin::new(&mut screen).poll_read(cx, &mut buf)).await.expect("it can be read") {
                    0 => break,
                    count => all.extend(&buf[..count]),
                }
            }
            assert!(all == after, "{at_a_time} at a time, with room for {room}");
        }
    }

    #[test]
    fn what_is_long_is_not_kept() {
        let mut frames = Frames::default();
        let mut head = [HEADER, 0, 1, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(frames.screen(&mut head), HEAD);
        assert_eq!((frames.screen(&mut [HEADER; 1000]), frames.begun.len()), (1000, 0));
    }
}
