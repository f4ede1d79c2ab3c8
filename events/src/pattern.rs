//! Shell-style globs over event names: one matcher for the compiler and for the running program.

use std::fmt;

/// A glob over whole event names, with the semantics of Python's [`fnmatch.fnmatchcase`].
///
/// | token | matches |
/// |---|---|
/// | `*` | any run of characters: `.`, `/`, line ends and nothing at all included |
/// | `?` | exactly one character |
/// | `[seq]` | one character of `seq`; `a-z` is a range, a first `]` and a first or last `-` stand for themselves |
/// | `[!seq]` | one character that is not in `seq` |
/// | anything else | itself, case-sensitively, on every platform |
///
/// A pattern is anchored at both ends. There are no braces and no escapes: write `[*]` for a literal star. `^` is an
/// ordinary member of a class, and a range whose ends are in the wrong order (`[z-a]`) matches nothing. A `[` that is
/// never closed stands for itself here, as it does in Python; in `#[on(..)]` it is a compile error.
///
/// Every `const` proof of `#[on("..")]` and every route of a running lifespan uses this matcher, so the two cannot
/// disagree. Its cost is the length of the pattern times the length of the name at worst, and their sum in practice.
///
/// [`fnmatch.fnmatchcase`]: https://docs.python.org/3/library/fnmatch.html#fnmatch.fnmatchcase
///
/// # Examples
///
/// ```
/// use events::Pattern;
///
/// let pattern = Pattern::new("cat-*");
/// assert!(pattern.matches("cat-fed"));
/// assert!(pattern.matches("cat-"));
/// assert!(!pattern.matches("Cat-fed"));
/// assert!(!pattern.matches("a-cat-fed"));
///
/// const PURRS: bool = Pattern::new("cat-p[ou]rred").matches("cat-purred");
/// assert!(PURRS);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern<'a> {
    text: &'a str,
}

impl<'a> Pattern<'a> {
    /// Takes a text as a pattern. Every text is one.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The text that the pattern was made of.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// Whether the whole of `name` matches.
    pub const fn matches(&self, name: &str) -> bool {
        matches(self.text.as_bytes(), name.as_bytes())
    }
}

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

/// Both arguments are UTF-8. Remembers the last star alone: what an earlier star took can stay as short as it was.
const fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == b'*' {
            p += 1;
            if p == pattern.len() {
                return true;
            }
            star = Some((p, n));
            continue;
        }
        if p == pattern.len() && n == name.len() {
            return true;
        }
        if p < pattern.len() && n < name.len() {
            let (c, next) = char_at(name, n);
            if let Some(rest) = step(pattern, p, c) {
                p = rest;
                n = next;
                continue;
            }
        }
        match star {
            Some((after, taken)) if taken < name.len() => {
                let (_, next) = char_at(name, taken);
                star = Some((after, next));
                p = after;
                n = next;
            }
            _ => return false,
        }
    }
}

/// Matches one character against the token at `p`, which is no star; answers where the next token begins.
const fn step(pattern: &[u8], p: usize, c: u32) -> Option<usize> {
    let (token, next) = char_at(pattern, p);
    if token == '?' as u32 {
        return Some(next);
    }
    if token == '[' as u32
        && let Some(end) = class_end(pattern, p)
    {
        return if class_contains(pattern, p + 1, end, c) { Some(end + 1) } else { None };
    }
    if token == c { Some(next) } else { None }
}

/// Where the class that opens at `open` is closed, or `None` when it never is.
const fn class_end(pattern: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    if at < pattern.len() && pattern[at] == b'!' {
        at += 1;
    }
    if at < pattern.len() && pattern[at] == b']' {
        at += 1;
    }
    while at < pattern.len() {
        if pattern[at] == b']' {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// Whether `pattern` opens a class that it never closes: plain text to Python, a mistake in `#[on]`.
pub(crate) const fn is_unclosed(pattern: &str) -> bool {
    let pattern = pattern.as_bytes();
    let mut at = 0;
    while at < pattern.len() {
        at = if pattern[at] != b'[' {
            at + 1
        } else if let Some(end) = class_end(pattern, at) {
            end + 1
        } else {
            return true;
        };
    }
    false
}

/// One member of a class: a range, of one character mostly.
#[derive(Clone, Copy)]
struct Member {
    low: u32,
    high: u32,
    next: usize,
}

const fn member(pattern: &[u8], at: usize, end: usize) -> Member {
    let (low, next) = char_at(pattern, at);
    if next + 1 < end && pattern[next] == b'-' {
        let (high, next) = char_at(pattern, next + 1);
        return Member { low, high, next };
    }
    Member { low, high: low, next }
}

/// Whether `c` is in the class whose text is `pattern[start..end]`.
const fn class_contains(pattern: &[u8], start: usize, end: usize, c: u32) -> bool {
    let bang = pattern[start] == b'!';
    let mut at = if bang { start + 1 } else { start };
    let mut negated = bang;
    let mut found = false;
    if !bang {
        // CPython takes empty ranges out before it looks for the `!`, so that `[z-a!b]` means `[!b]`.
        at = skip_empty_ranges(pattern, at, end);
        if at > start && at < end && pattern[at] == b'!' {
            negated = true;
            let Member { high, next, .. } = member(pattern, at, end);
            let is_range = next > at + 1;
            // The `!` of a range is taken for the negation too; what it leaves are the hyphen and the other end.
            found = is_range && (c == '-' as u32 || c == high);
            at = next;
        }
    }
    while at < end {
        let Member { low, high, next } = member(pattern, at, end);
        if low <= c && c <= high {
            found = true;
        }
        at = next;
    }
    found != negated
}

const fn skip_empty_ranges(pattern: &[u8], start: usize, end: usize) -> usize {
    let mut at = start;
    while at < end {
        let Member { low, high, next } = member(pattern, at, end);
        if low <= high {
            break;
        }
        at = next;
    }
    at
}

/// Decodes the character that begins at `at` in UTF-8 text, and says where the next one begins.
pub(crate) const fn char_at(text: &[u8], at: usize) -> (u32, usize) {
    let first = text[at] as u32;
    let (mut c, len) = match first {
        0x00..0x80 => return (first, at + 1),
        0x80..0xe0 => (first & 0x1f, 2),
        0xe0..0xf0 => (first & 0x0f, 3),
        _ => (first & 0x07, 4),
    };
    let mut i = 1;
    while i < len {
        c = c << 6 | (text[at + i] as u32 & 0x3f);
        i += 1;
    }
    (c, at + len)
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn the_last_star_alone_is_tried_again() {
        let pattern = format!("{}b", "*a".repeat(20));
        let name = "a".repeat(100_000);
        let mut nearly = name.clone();
        nearly.push('b');
        let started = std::time::Instant::now();
        assert!(Pattern::new(&pattern).matches(&nearly));
        assert!(!Pattern::new(&pattern).matches(&name));
        assert!(started.elapsed().as_millis() < 500, "took {:?}", started.elapsed());
    }

    #[test]
    fn a_character_is_not_a_byte() {
        assert!(Pattern::new("?").matches("ü"));
        assert!(Pattern::new("?-?").matches("🐟-€"));
        assert!(Pattern::new("[à-ü]x").matches("éx"));
        assert!(!Pattern::new("[!€]").matches("€"));
    }
}
