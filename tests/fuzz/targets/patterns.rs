//! The matcher beside `fnmatchcase` as `CPython` writes it: a translation into a regular expression, and backtracking.

#![no_main]

use events::Pattern;
use libfuzzer_sys::fuzz_target;

/// More stars than these, and backtracking takes too long.
const MAX_STARS: usize = 4;
const MAX_LEN: usize = 48;

enum Token {
    Star,
    /// One character.
    One(Set),
}

/// What stands between the brackets of a regular expression.
struct Set {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Set {
    fn only(c: char) -> Self {
        Self { negated: false, ranges: vec![(c, c)] }
    }

    fn any() -> Self {
        Self { negated: true, ranges: Vec::new() }
    }

    fn contains(&self, c: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != self.negated
    }
}

/// `fnmatch.translate`.
fn translate(pattern: &[char]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = pattern.get(at) {
        at += 1;
        match c {
            '*' if matches!(tokens.last(), Some(Token::Star)) => {}
            '*' => tokens.push(Token::Star),
            '?' => tokens.push(Token::One(Set::any())),
            '[' => match class_end(pattern, at) {
                Some(end) => {
                    tokens.push(Token::One(class(&pattern[at..end])));
                    at = end + 1;
                }
                None => tokens.push(Token::One(Set::only('['))),
            },
            c => tokens.push(Token::One(Set::only(*c))),
        }
    }
    tokens
}

fn class_end(pattern: &[char], start: usize) -> Option<usize> {
    let mut end = start;
    for allowed in ['!', ']'] {
        if pattern.get(end) == Some(&allowed) {
            end += 1;
        }
    }
    (end..pattern.len()).find(|at| pattern[*at] == ']')
}

/// The part of `fnmatch.translate` that looks for ranges and takes the empty ones out.
fn class(text: &[char]) -> Set {
    let mut chunks: Vec<Vec<char>> = Vec::new();
    let mut start = 0;
    let mut from = if text.first() == Some(&'!') { 2 } else { 1 };
    while let Some(hyphen) = (from..text.len()).find(|at| text[*at] == '-') {
        chunks.push(text[start..hyphen].to_vec());
        start = hyphen + 1;
        from = hyphen + 3;
    }
    match (&text[start..], chunks.last_mut()) {
        ([], Some(last)) => last.push('-'),
        (rest, _) => chunks.push(rest.to_vec()),
    }
    for k in (1..chunks.len()).rev() {
        if chunks[k - 1].last() > chunks[k].first() {
            let right = chunks.remove(k);
            chunks[k - 1].pop();
            chunks[k - 1].extend(&right[1..]);
        }
    }
    set(&chunks)
}

/// How `re` reads the chunks, joined by hyphens of which each stands for a range.
fn set(chunks: &[Vec<char>]) -> Set {
    // A hyphen that is no character of its own is `None`.
    let mut text = Vec::new();
    for (k, chunk) in chunks.iter().enumerate() {
        if k > 0 {
            text.push(None);
        }
        text.extend(chunk.iter().copied().map(Some));
    }
    let negated = text.first() == Some(&Some('!'));
    let mut rest = &text[usize::from(negated)..];
    let mut ranges = Vec::new();
    while let [low, after @ ..] = rest {
        let low = low.unwrap_or('-');
        let (high, after) = match after {
            [None, high, after @ ..] => (high.unwrap_or('-'), after),
            _ => (low, after),
        };
        ranges.push((low, high));
        rest = after;
    }
    Set { negated, ranges }
}

fn matches(tokens: &[Token], name: &[char]) -> bool {
    match tokens {
        [] => name.is_empty(),
        [Token::Star, rest @ ..] => (0..=name.len()).any(|taken| matches(rest, &name[taken..])),
        [Token::One(set), rest @ ..] => {
            name.split_first().is_some_and(|(first, name)| set.contains(*first) && matches(rest, name))
        }
    }
}

fuzz_target!(|data: &[u8]| {
    // This byte is in no text.
    let end = data.iter().position(|byte| *byte == 0xff).unwrap_or(data.len());
    let pattern = String::from_utf8_lossy(&data[..end]);
    let name = String::from_utf8_lossy(data.get(end + 1..).unwrap_or_default());
    let answer = Pattern::new(&pattern).matches(&name);

    let (letters, name_letters): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let tokens = translate(&letters);
    let stars = tokens.iter().filter(|token| matches!(token, Token::Star)).count();
    if stars <= MAX_STARS && letters.len() <= MAX_LEN && name_letters.len() <= MAX_LEN {
        assert_eq!(answer, matches(&tokens, &name_letters), "{pattern:?} against {name:?}");
    }
});
