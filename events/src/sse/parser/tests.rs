//! The parser, beside what the specification says.

use proptest::prelude::*;

use super::*;

fn frames(pieces: &[&[u8]], limit: usize) -> Result<Vec<Frame>, Endless> {
    let mut parser = Parser::new(limit, "".into());
    let mut frames = Vec::new();
    for mut piece in pieces.iter().copied() {
        while !piece.is_empty() {
            frames.extend(parser.feed(&mut piece)?);
        }
    }
    Ok(frames)
}

fn event(name: &str, data: &str, id: Option<&str>) -> Frame {
    let (name, data) = (name.to_owned(), data.to_owned());
    Frame::Event(Block { name, data, last_id: id.unwrap_or_default().into(), has_id: id.is_some() })
}

/// Every way to cut a text in two says the same, and so does a byte at a time.
fn assert_frames(text: &[u8], expected: &[Frame]) {
    for at in 0..=text.len() {
        let (head, tail) = text.split_at(at);
        assert_eq!(frames(&[head, tail], 1000).as_deref(), Ok(expected), "{:?}", text.escape_ascii().to_string());
    }
    let bytes: Vec<_> = text.chunks(1).collect();
    assert_eq!(frames(&bytes, 1000).as_deref(), Ok(expected), "{:?}", text.escape_ascii().to_string());
}

#[test]
fn the_examples_of_the_specification() {
    assert_frames(b"data: YHOO\ndata: +2\ndata: 10\n\n", &[event("", "YHOO\n+2\n10", None)]);
    let text = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n";
    let second =
        Frame::Event(Block { name: String::new(), data: "second event".into(), last_id: "".into(), has_id: true });
    assert_frames(text, &[event("", "first event", Some("1")), second]);
    assert_frames(b"data\n\ndata\ndata\n\ndata:", &[event("", "", None), event("", "\n", None)]);
    assert_frames(b"data:test\n\ndata: test\n\n", &[event("", "test", None), event("", "test", None)]);
}

#[test]
fn lines_end_in_three_ways() {
    let expected = [event("a", "1\n2", None), event("", "3", None)];
    for end in ["\n", "\r", "\r\n"] {
        let text = ["event:a", "data:1", "data:2", "", "data:3", "", ""].join(end);
        assert_frames(text.as_bytes(), &expected);
    }
    assert_frames(b"event:a\rdata:1\r\ndata:2\n\r\ndata:3\r\r", &expected);
    // A line feed after the carriage return belongs to it, and another one ends the block.
    assert_frames(b"data:1\r\n\ndata:2\n\r", &[event("", "1", None), event("", "2", None)]);
}

#[test]
fn one_byte_order_mark_is_left_out() {
    assert_frames(b"\xef\xbb\xbfdata:1\n\n", &[event("", "1", None)]);
    assert_frames(b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\n", &[event("", "2", None)]);
    assert_frames(b"\n\xef\xbb\xbfdata:1\n\ndata:2\n\n", &[event("", "2", None)]);
}

#[test]
fn ids_last_until_there_is_another_one() {
    let mut later = event("", "2", Some("7"));
    if let Frame::Event(block) = &mut later {
        block.has_id = false;
    }
    assert_frames(b"id:7\ndata:1\n\ndata:2\n\nid: 8\0\n\n", &[event("", "1", Some("7")), later]);
    assert_frames(b"id:7\n\nevent:a\n\n", &[Frame::Id("7".into())]);
}

#[test]
fn only_digits_are_a_time() {
    assert_frames(b"retry:15\nretry: 10\n", &[15, 10].map(|ms| Frame::Retry(Duration::from_millis(ms))));
    assert_frames("retry:\nretry\nretry:1.5\nretry: -1\nretry:+1\nretry:  1\nretry:1s\nretry:١\n".as_bytes(), &[]);
    let far = Frame::Retry(Duration::from_millis(u64::MAX));
    assert_frames(b"retry:99999999999999999999999\n", &[far]);
}

#[test]
fn what_is_not_known_is_left_out() {
    assert_frames(b"Data:1\ndata :1\n data:1\nfoo:bar\nfoo\n:data:1\ndata:2\n\n", &[event("", "2", None)]);
    assert_frames(b"event:a\nevent:b\ndata:1\n\n", &[event("b", "1", None)]);
}

#[test]
fn what_is_not_utf_8_is_replaced() {
    assert_frames(b"data:a\xffb\xe2\x82\n\n", &[event("", "a\u{fffd}b\u{fffd}", None)]);
}

#[test]
fn what_is_too_large_is_skipped_and_the_next_one_is_read() {
    let long = "x".repeat(5000);
    for text in [
        format!("data:{long}\nid:7\n\ndata:2\n\n"),
        format!("id:7\ndata:{long}\n\ndata:2\n\n"),
        format!("id:7\n{}\ndata:2\n\n", "data:1234\n".repeat(500)),
        format!("id:7\nfoo:{long}\ndata:1\n\ndata:2\n\n"),
        format!("id:7\n{}\ndata:2\n\n", "foo:1234\n".repeat(500)),
    ] {
        for size in [1, 7, 5000] {
            let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
            let found = frames(&pieces, 1000).expect("it ends");
            assert_eq!(found.len(), 2, "{found:?}");
            assert_eq!(found[0], Frame::TooLarge("7".into()));
            assert!(matches!(&found[1], Frame::Event(block) if block.data == "2"), "{found:?}");
        }
    }
}

#[test]
fn a_limit_is_exact_and_comments_are_free() {
    let text = format!("data:{}\n\n", "x".repeat(995));
    assert!(matches!(frames(&[text.as_bytes()], 1000).as_deref(), Ok([Frame::Event(_)])));
    assert!(matches!(frames(&[text.as_bytes()], 999).as_deref(), Ok([Frame::TooLarge(_)])));
    let text = format!("data:1\n:{}\ndata:2\n\n", "x".repeat(5000));
    assert_eq!(frames(&[text.as_bytes()], 1000), Ok(vec![event("", "1\n2", None)]));
}

#[test]
fn what_does_not_end_is_given_up_and_not_held() {
    for (head, again) in [("data:", "x"), (":", "x"), ("", "data:1\n"), ("", "foo\n")] {
        let mut parser = Parser::new(1000, "".into());
        assert_eq!(parser.feed(&mut head.as_bytes()), Ok(None));
        let given_up = (0..20_000).any(|_| parser.feed(&mut again.as_bytes()) == Err(Endless));
        assert!(given_up, "{head}{again}");
        let held = parser.line.held.capacity() + parser.block.data.capacity() + parser.block.name.capacity();
        assert!(held <= 4 * SHORT, "{held}");
    }
    let comments = b":\n".repeat(100_000);
    assert_eq!(frames(&[&comments], 10), Ok(vec![]), "comments keep a stream alive");
}

/// What the specification says, on a text that is there as a whole. An event is its name, its data, the last `id`, and whether
/// it has one itself.
fn model(text: &[u8]) -> Vec<Frame> {
    let text = String::from_utf8_lossy(text.strip_prefix(BOM).unwrap_or(text)).into_owned();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What has no end is no line.
    lines.pop();
    let (mut frames, mut last_id) = (Vec::new(), String::new());
    let (mut name, mut data, mut has_id) = (String::new(), String::new(), false);
    for line in lines {
        let (field, value) = match line.find(':') {
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(' ').unwrap_or(&line[at + 1..])),
            None => (line, ""),
        };
        match field {
            "" if line.is_empty() => {
                let (name, data) = (std::mem::take(&mut name), std::mem::take(&mut data));
                let has_id = std::mem::take(&mut has_id);
                let last_id = last_id.as_str().into();
                match data.strip_suffix('\n') {
                    Some(data) => frames.push(Frame::Event(Block { name, data: data.into(), last_id, has_id })),
                    None if has_id => frames.push(Frame::Id(last_id)),
                    None => {}
                }
            }
            "event" => name = value.into(),
            "data" => data = data + value + "\n",
            "id" if !value.contains('\0') => (last_id, has_id) = (value.into(), true),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                frames.push(Frame::Retry(Duration::from_millis(value.parse().unwrap_or(u64::MAX))));
            }
            _ => {}
        }
    }
    frames
}

/// Pieces that mean something, and bytes that mean nothing.
fn streams() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let words = [
        "data",
        "event",
        "id",
        "retry",
        "foo",
        ":",
        ": ",
        " ",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\0",
        "1",
        "12",
        "a",
        "\u{feff}",
        "\u{43a}\u{43e}\u{442}",
        "\u{2028}",
        "data: ",
        "data:",
        "event:",
        "id:",
        "retry:",
    ];
    let word = prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec());
    let noise = prop::collection::vec(any::<u8>(), 0..4);
    prop::collection::vec(prop_oneof![9 => word, 1 => noise], 0..60)
}

proptest! {
    #[test]
    fn any_text_cut_anywhere_says_what_the_specification_says(
        pieces in streams(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = pieces.concat();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).chain([0, text.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
        prop_assert_eq!(frames(&pieces, 100_000), Ok(model(&text)), "{}", text.escape_ascii());
    }

    #[test]
    fn no_text_is_held_beyond_the_limit(pieces in streams(), limit in 0..50_usize) {
        let mut parser = Parser::new(limit, "".into());
        let text = pieces.concat();
        for mut byte in text.chunks(1) {
            if parser.feed(&mut byte).is_err() {
                break;
            }
            // What is not UTF-8 grows to three times its length when it is replaced.
            let held = parser.line.held.len() + parser.block.data.len() + parser.block.name.len();
            prop_assert!(held <= SHORT + 4 * limit, "{held} bytes are held");
        }
    }
}
