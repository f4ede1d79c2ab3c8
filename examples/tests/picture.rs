//! `picture` prints what can be drawn: by `layout`, and by Graphviz where it is installed.

mod support;

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Output, Stdio};

use layout::backends::svg::SVGWriter;
use layout::gv::{DotParser, GraphBuilder};

/// All that the café declares, and the moments at which something of it is called.
const DRAWN: [&str; 13] = [
    "audit",
    "bill",
    "cook",
    "create_tables",
    "every 3600s",
    "failure",
    "fish-served",
    "forget_old_audits",
    "order-placed",
    "pool",
    "report",
    "startup",
    "transaction",
];

/// Five from events to handlers and back, three from moments, six from providers.
const LINES: usize = 14;

fn picture(args: &[&str]) -> Output {
    support::program("picture").args(args).output().expect("the example runs")
}

fn dot() -> String {
    let output = picture(&["--dot"]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The texts of an image, of which some are edges' and empty.
fn texts(svg: &str) -> Vec<&str> {
    let pieces = svg.split('<').filter(|piece| piece.starts_with("text") || piece.starts_with("tspan"));
    let mut texts: Vec<_> = pieces.filter_map(|piece| piece.split_once('>')).map(|(_, text)| text.trim()).collect();
    texts.retain(|text| !text.is_empty());
    texts.sort_unstable();
    texts
}

#[test]
fn the_readme_shows_what_it_prints() {
    let output = picture(&[]);
    assert!(output.status.success(), "{output:?}");
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("```mermaid\n").expect("the README has a picture");
    let (shown, _) = after.split_once("```").expect("the block ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), shown);
}

#[test]
fn it_is_drawn_with_every_name_and_every_line() {
    let text = dot();
    let graph = DotParser::new(&text).process().unwrap_or_else(|error| panic!("{error} in\n{text}"));
    let mut builder = GraphBuilder::new();
    builder.visit_graph(&graph);
    let mut svg = SVGWriter::new();
    builder.get().do_it(false, false, false, &mut svg);
    let svg = svg.finalize();
    assert_eq!(texts(&svg), DRAWN);
    assert_eq!(svg.matches("<path id=\"arrow").count(), LINES, "{svg}");
}

#[test]
fn graphviz_draws_it_where_it_is_installed() {
    let Some(svg) = graphviz("svg") else {
        assert!(std::env::var_os("CI").is_none(), "there is no `dot`: install Debian's package `graphviz`");
        return eprintln!("skipped: there is no `dot`");
    };
    // Graphviz writes a hyphen by its number.
    let svg = String::from_utf8(svg).expect("text").replace("&#45;", "-");
    let modules = ["picture::database", "picture::kitchen"];
    assert_eq!(texts(&svg).into_iter().filter(|text| !modules.contains(text)).collect::<Vec<_>>(), DRAWN);
    assert_eq!(svg.matches("class=\"cluster\"").count(), modules.len());
    assert_eq!(svg.matches("class=\"edge\"").count(), LINES, "{svg}");
    let png = graphviz("png").expect("it was there");
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 10_000, "{} bytes", png.len());
}

/// The picture as Graphviz draws it; nothing where there is no Graphviz.
fn graphviz(format: &str) -> Option<Vec<u8>> {
    let child = Command::new("dot").arg(format!("-T{format}")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        child => child.expect("it starts"),
    };
    child.stdin.take().expect("a pipe").write_all(dot().as_bytes()).expect("it reads all");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    Some(output.stdout)
}

#[test]
fn a_wrong_argument_is_answered_with_what_there_is() {
    let output = picture(&["--svg"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("`--dot`"), "{output:?}");
}
