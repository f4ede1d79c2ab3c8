//! `build_watch` against streams that are counted here a second time, without `events`.

mod support;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

const CAPTURED: &str = include_str!("../data/cargo-build.jsonl");
const BROKEN: &str = include_str!("../data/cargo-build-broken.jsonl");
const FINISHED: &str = "{\"reason\":\"build-finished\",\"success\":true}\n";

/// What the program wrote, and how it ended.
struct Watched {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the example, which cargo builds beside the tests.
fn watch(args: &[&str], stdin: &[u8]) -> Watched {
    let mut command = support::program("build_watch");
    // What is set for the build of this test is not meant for the packages that it has built.
    for variable in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        command.env_remove(variable);
    }
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the example starts");
    let mut input = child.stdin.take().expect("a pipe");
    let stdin = stdin.to_vec();
    // It need not read all of it, or any; and it may fill the other pipes before it has.
    let writer = std::thread::spawn(move || input.write_all(&stdin).is_ok());
    let output = child.wait_with_output().expect("the example ends");
    writer.join().expect("the writer ends");
    Watched {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

impl Watched {
    /// What stands behind a label: the rest of the one line that begins with it.
    fn labelled(&self, label: &str) -> &str {
        let mut rests = self.stdout.lines().filter_map(|line| line.trim_start().strip_prefix(label));
        let rest = rests.next().unwrap_or_else(|| panic!("no `{label}` in\n{}", self.stdout));
        assert_eq!(rests.next(), None, "`{label}` stands twice in\n{}", self.stdout);
        rest.trim_start()
    }

    /// What was said of a line.
    fn about(&self, line: usize) -> &str {
        let prefix = format!("line {line}: ");
        let said = self.stderr.lines().find_map(|text| text.strip_prefix(&prefix));
        said.unwrap_or_else(|| panic!("nothing about line {line} in\n{}", self.stderr))
    }

    /// The numbers of the lines of which something was said.
    fn reported(&self) -> Vec<usize> {
        let number = |text: &str| text.strip_prefix("line ")?.split_once(": ")?.0.parse().ok();
        self.stderr.lines().filter_map(number).collect()
    }

    fn assert_sums_up(&self, stream: &[Value]) {
        let of = |reason: &str| stream.iter().filter(|line| line["reason"] == reason).collect::<Vec<_>>();
        let artifacts = of("compiler-artifact");
        let fresh = artifacts.iter().filter(|line| line["fresh"] == true).count();
        let messages = of("compiler-message");
        let level = |level: &str| messages.iter().filter(|line| line["message"]["level"] == level).count();
        let packages: HashSet<_> = artifacts.iter().chain(&messages).map(|line| line["package_id"].as_str()).collect();
        let files = artifacts.iter().filter_map(|line| line["filenames"].as_array()).map(Vec::len).sum::<usize>();

        assert_eq!(self.labelled("artifacts"), format!("{}, {fresh} of them fresh", artifacts.len()));
        assert_eq!(self.labelled("packages"), packages.len().to_string());
        assert_eq!(self.labelled("build scripts"), of("build-script-executed").len().to_string());
        assert_eq!(self.labelled("warnings"), level("warning").to_string());
        assert_eq!(self.labelled("errors"), level("error").to_string());
        assert_eq!(self.labelled("by lint"), lints(&messages));
        assert_eq!(self.labelled("largest "), format!("unknown, as none of the {files} files is on this machine"));
        for (name, count) in &names(stream) {
            assert!(self.stdout.contains(&format!(" {count} {name}\n")), "{count} {name} in\n{}", self.stdout);
        }
    }
}

fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    lines.into_iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn names(stream: &[Value]) -> BTreeMap<&str, usize> {
    let mut names = BTreeMap::new();
    for line in stream {
        *names.entry(line["reason"].as_str().expect("a reason")).or_default() += 1;
    }
    names
}

fn lints(messages: &[&Value]) -> String {
    let mut lints: BTreeMap<_, usize> = BTreeMap::new();
    for message in messages {
        *lints.entry(message["message"]["code"]["code"].as_str().expect("a lint")).or_default() += 1;
    }
    let mut lints: Vec<_> = lints.into_iter().map(|(lint, count)| (usize::MAX - count, lint, count)).collect();
    lints.sort_unstable();
    lints.iter().map(|(_, lint, count)| format!("{lint}: {count}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn without_input_the_captured_build_is_replayed() {
    let watched = watch(&[], b"");
    assert_eq!(watched.code, Some(0), "{}", watched.stderr);
    assert_eq!(watched.reported(), [] as [usize; 0]);
    assert!(watched.stdout.contains("build succeeded\n"));
    assert!(watched.labelled("longest waits").starts_with("unknown"));
    let stream = parse(CAPTURED.lines());
    assert_eq!(watched.labelled("lines:"), format!("{} read, 0 of them damaged, 0 of unknown reason", stream.len()));
    watched.assert_sums_up(&stream);
}

#[test]
fn every_diagnostic_is_shown_as_the_compiler_rendered_it() {
    let watched = watch(&["-"], CAPTURED.as_bytes());
    let mut shown = 0;
    for line in parse(CAPTURED.lines()) {
        if let Some(rendered) = line["message"]["rendered"].as_str() {
            assert!(watched.stdout.contains(rendered), "{rendered}");
            shown += 1;
        }
    }
    assert!(shown > 0, "the stream has diagnostics");
}

#[test]
fn standard_input_is_read_with_and_without_being_asked_for() {
    let stream: String = CAPTURED.lines().skip(10).fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").expect("memory");
        text
    });
    for args in [&["-"][..], &[]] {
        let watched = watch(args, stream.as_bytes());
        assert_eq!(watched.code, Some(0), "{}", watched.stderr);
        watched.assert_sums_up(&parse(stream.lines()));
    }
}

#[test]
fn damaged_lines_are_reported_and_the_others_counted() {
    let real: HashSet<_> = CAPTURED.lines().collect();
    let (intact, foreign): (Vec<_>, Vec<_>) = BROKEN.lines().zip(1..).partition(|(line, _)| real.contains(line));
    let watched = watch(&["-"], BROKEN.as_bytes());

    assert_eq!(watched.code, Some(0), "{}", watched.stderr);
    assert_eq!(watched.reported(), foreign.iter().map(|(_, number)| *number).collect::<Vec<_>>());
    watched.assert_sums_up(&parse(intact.into_iter().map(|(line, _)| line)));

    let about = |part: &str| {
        let found: Vec<_> = foreign.iter().filter(|(line, _)| line.contains(part)).collect();
        assert_eq!(found.len(), 1, "lines with {part}");
        watched.about(found[0].1)
    };
    assert_eq!(about("some tool printed"), "not a JSON object");
    assert_eq!(about("[\"compiler-artifact\"]"), "not a JSON object");
    assert_eq!(about("{\"package_id\""), "no event, as it has no `reason`");
    assert_eq!(about("cosmic-ray"), "unknown reason `cosmic-ray-detected`");
    assert!(about("\"fresh\":\"yes\"").contains("`compiler-artifact` does not fit: at `fresh`: "));
    assert!(about("\"is_primary\":1").contains("`compiler-message` does not fit: at `message.spans[0].is_primary`: "));
    let torn = |line: &str| line.starts_with('{') && serde_json::from_str::<Value>(line).is_err();
    let (_, number) = foreign.iter().find(|(line, _)| torn(line)).expect("a torn line");
    assert!(watched.about(*number).starts_with("not JSON: EOF"), "{}", watched.stderr);
    assert!(watched.stdout.contains(" 1 cosmic-ray-detected\n"), "the handler of every event has seen it");
    let (lines, damaged) = (BROKEN.lines().count(), foreign.len() - 1);
    assert_eq!(watched.labelled("lines:"), format!("{lines} read, {damaged} of them damaged, 1 of unknown reason"));
}

#[test]
fn no_line_stops_the_stream() {
    let too_long = vec![b'x'; (16 << 20) + 1];
    let lines: [(&[u8], &str); 9] = [
        (b"{\"reason\":\"\xff\"}", "not UTF-8: "),
        (b"", ""),
        (&too_long, "skipped, as it is longer than 16 MiB"),
        (b"{\"reason\":7}", "not JSON: invalid type: integer `7`"),
        (b"{\"reason\":\"two words\"}", "`two words` cannot be dispatched: "),
        (b"{\"reason\":\"\"}", "`` cannot be dispatched: "),
        (b"{\"reason\":\"build-summary\"}", "`build-summary` is no event of cargo"),
        (b"{\"reason\":\"build-finished\"}", "the payload of `build-finished` does not fit: missing field `success`"),
        (b"\0", "not a JSON object"),
    ];
    let mut stream: Vec<u8> = lines.iter().flat_map(|(line, _)| [line, &b"\n"[..]].concat()).collect();
    stream.extend(FINISHED.trim_end().bytes());

    let watched = watch(&["-"], &stream);
    assert_eq!(watched.code, Some(0), "{}", watched.stderr);
    for ((_, said), number) in lines.iter().zip(1..).filter(|((_, said), _)| !said.is_empty()) {
        assert!(watched.about(number).starts_with(said), "{said}\n{}", watched.stderr);
    }
    assert_eq!(watched.reported().len(), lines.iter().filter(|(_, said)| !said.is_empty()).count());
}

#[test]
fn the_exit_code_is_that_of_the_build() {
    let failed = watch(&["-"], FINISHED.replace("true", "false").as_bytes());
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(failed.stdout.contains("build failed\n"));

    let cut_off: String = CAPTURED.lines().take(3).flat_map(|line| [line, "\n"]).collect();
    let unfinished = watch(&["-"], cut_off.as_bytes());
    assert_eq!(unfinished.code, Some(1));
    assert!(unfinished.stderr.contains("ended without `build-finished`"), "{}", unfinished.stderr);

    let empty = watch(&["-"], b"");
    assert_eq!(empty.code, Some(1));
    assert!(empty.stderr.contains("ended without `build-finished`"), "{}", empty.stderr);
}

#[test]
fn what_follows_the_end_of_the_build_is_not_looked_at() {
    let watched = watch(&["-"], format!("{FINISHED}running 3 tests\n{{}}\n").as_bytes());
    assert_eq!(watched.code, Some(0));
    assert_eq!(watched.reported(), [] as [usize; 0]);
    assert!(watched.stdout.contains("2 after the end of the build"), "{}", watched.stdout);
}

#[test]
fn a_wrong_argument_is_answered_with_the_usage() {
    for args in [&["--verbose"][..], &["src/lib.rs"], &["nowhere/Cargo.toml"], &["-", "-"], &[""]] {
        let watched = watch(args, FINISHED.as_bytes());
        assert_eq!(watched.code, Some(2), "{args:?}");
        assert!(watched.stderr.starts_with("error: "), "{}", watched.stderr);
        assert!(watched.stderr.contains("usage: build_watch "), "{}", watched.stderr);
        assert_eq!(watched.stdout, "");
    }
    let help = watch(&["--help"], b"");
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("usage: build_watch "));
}

#[test]
fn packages_are_called_what_people_call_them() {
    let ids = [
        ("registry+https://github.com/rust-lang/crates.io-index#itoa@1.0.18", "itoa 1.0.18"),
        ("path+file:///home/you/shop#0.1.0", "shop 0.1.0"),
        ("git+https://example.com/you/pond.git?branch=main#0.2.0", "pond 0.2.0"),
        ("heck 0.5.0 (registry+https://github.com/rust-lang/crates.io-index)", "heck 0.5.0"),
        ("what else", "what else"),
    ];
    let warning = |id| {
        let message = serde_json::json!({ "level": "warning", "code": null, "rendered": null, "spans": [] });
        serde_json::json!({ "reason": "compiler-message", "package_id": id, "message": message }).to_string() + "\n"
    };
    let stream: String = ids.iter().map(|(id, _)| warning(id)).collect();
    let watched = watch(&["-"], (stream + FINISHED).as_bytes());
    let by_package = watched.labelled("by package");
    for (id, name) in ids {
        assert!(by_package.contains(&format!("{name}: 1")), "{id}: {by_package}");
    }
    assert_eq!(watched.labelled("by lint"), "no lint: 5");
}

/// A package without dependencies, in the folder that cargo keeps for tests.
fn package(name: &str, source: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let manifest = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("src")).expect("a folder");
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("a file");
    std::fs::write(folder.join("src/lib.rs"), source).expect("a file");
    folder.join("Cargo.toml")
}

#[test]
fn cargo_is_run_on_a_manifest() {
    let manifest = package("watched", "fn unused() {}\n");
    let watched = watch(&[manifest.to_str().expect("text")], b"");
    assert_eq!(watched.code, Some(0), "{}", watched.stderr);
    assert_eq!(watched.labelled("artifacts"), "1, 0 of them fresh");
    assert_eq!(watched.labelled("by lint"), "dead_code: 1");
    assert!(watched.labelled("largest ").starts_with("watched 0.0.0 (lib): "), "{}", watched.stdout);
    assert!(watched.labelled("longest waits").starts_with("watched 0.0.0 (lib): "), "{}", watched.stdout);

    let again = watch(&[manifest.to_str().expect("text")], b"");
    assert_eq!(again.labelled("artifacts"), "1, 1 of them fresh");
    assert!(again.labelled("longest waits").starts_with("none"), "{}", again.stdout);
}

#[test]
fn a_build_that_fails_is_told_with_its_errors() {
    let manifest = package("failing", "fn wrong() -> u32 { \"text\" }\n");
    let watched = watch(&[manifest.to_str().expect("text")], b"");
    assert_eq!(watched.code, Some(1), "{}", watched.stderr);
    assert!(watched.stdout.contains("error[E0308]"), "{}", watched.stdout);
    assert_eq!(watched.labelled("errors"), "1");
}

#[test]
fn a_cargo_that_does_not_build_is_told() {
    let manifest = package("malformed", "");
    std::fs::write(&manifest, "[package]\n").expect("a file");
    let watched = watch(&[manifest.to_str().expect("text")], b"");
    assert_eq!(watched.code, Some(1), "{}", watched.stderr);
    assert!(watched.stderr.contains("cargo ended with "), "{}", watched.stderr);
}
