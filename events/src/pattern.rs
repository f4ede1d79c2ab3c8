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
///
/// The compiler interprets this for each pattern: what patterns are made of, plain ASCII, calls nothing.
const fn matches(mut pattern: &[u8], mut name: &[u8]) -> bool {
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, name) {
            ([], []) | ([b'*'], _) => return true,
            ([b'*', rest @ ..], _) => {
                star = Some((rest, name));
                pattern = rest;
                continue;
            }
            ([b'?' | b'[' | 0x80.., ..], [_, ..]) => {
                let (c, next) = char_at(name, 0);
                if let Some(rest) = step(pattern, c) {
                    pattern = rest;
                    name = name.split_at(next).1;
                    continue;
                }
            }
            ([plain, tokens @ ..], [byte, rest @ ..]) if *plain == *byte => {
                pattern = tokens;
                name = rest;
                continue;
            }
            _ => {}
        }
        match star {
            Some((after, [0..0x80, rest @ ..])) => (pattern, name) = (after, rest),
            Some((after, taken @ [_, ..])) => (pattern, name) = (after, taken.split_at(char_at(taken, 0).1).1),
            _ => return false,
        }
        star = Some((pattern, name));
    }
}

/// Matches one character against the first token, which is no star; answers what comes after that.
const fn step(pattern: &[u8], c: u32) -> Option<&[u8]> {
    let (token, next) = char_at(pattern, 0);
    if token == '[' as u32
        && let Some(end) = class_end(pattern)
    {
        return if class_contains(pattern, 1, end, c) { Some(pattern.split_at(end + 1).1) } else { None };
    }
    if token == '?' as u32 || token == c { Some(pattern.split_at(next).1) } else { None }
}

/// Where the class is closed that the first character opens, or `None` when it never is.
const fn class_end(pattern: &[u8]) -> Option<usize> {
    let mut at = 1;
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
    let mut pattern = pattern.as_bytes();
    loop {
        pattern = match pattern {
            [] => return false,
            [b'[', ..] => match class_end(pattern) {
                Some(end) => pattern.split_at(end + 1).1,
                None => return true,
            },
            [_, rest @ ..] => rest,
        };
    }
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
