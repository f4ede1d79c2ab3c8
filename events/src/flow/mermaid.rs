//! A picture in the language of Mermaid.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::draw::{Drawing, Drawn, Line};
use super::graph::Kind;

const PROVIDED: &str = "-.->";
const LINE: &str = "-->";

pub(super) fn write(drawing: &Drawing) -> String {
    let mut text = String::from("flowchart LR\n");
    for remark in &drawing.remarks {
        // A brace behind the signs would be taken for settings.
        line(&mut text, 1, &format!("%% {}", remark.replace(char::is_control, " ").replace(['{', '}'], "")));
    }
    drawing.alone.iter().for_each(|drawn| line(&mut text, 1, &node(drawn)));
    for (number, group) in drawing.groups.iter().enumerate() {
        line(&mut text, 1, &format!("subgraph g{} [{}]", number + 1, quoted(group.module)));
        group.nodes.iter().for_each(|drawn| line(&mut text, 2, &node(drawn)));
        line(&mut text, 1, "end");
    }
    drawing.lines.iter().for_each(|drawn| line(&mut text, 1, &edge(drawn)));
    styles(&mut text, drawing);
    text
}

fn line(text: &mut String, depth: usize, content: &str) {
    // Nothing that is written to a `String` fails.
    let _ = writeln!(text, "{:1$}{content}", "", depth * 2);
}

fn node(drawn: &Drawn) -> String {
    let (open, close) = match drawn.kind {
        Kind::Event => ("([", "])"),
        Kind::Function => ("[", "]"),
        Kind::Provider => ("[[", "]]"),
        Kind::Moment => ("(", ")"),
        Kind::Source => ("[/", "\\]"),
        Kind::Sink => ("[(", ")]"),
        Kind::Names => ("{{", "}}"),
    };
    format!("{}{open}{}{close}:::{}", drawn.id, quoted(&drawn.label), class(drawn.kind).0)
}

fn edge(drawn: &Line) -> String {
    let Line { from, to, label, is_provided, .. } = drawn;
    let arrow = if *is_provided { PROVIDED } else { LINE };
    let label = if label.is_empty() { String::new() } else { format!("|{}|", quoted(label)) };
    format!("{from} {arrow}{label} {to}")
}

/// The name of a kind, and how it looks, on light and on dark ground.
fn class(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Event => ("event", "fill:#fde68a,stroke:#b45309,color:#111827"),
        Kind::Function => ("handler", "fill:#bfdbfe,stroke:#1d4ed8,color:#111827"),
        Kind::Provider => ("provider", "fill:#e5e7eb,stroke:#4b5563,color:#111827"),
        Kind::Moment => ("moment", "fill:#ddd6fe,stroke:#6d28d9,color:#111827"),
        Kind::Source => ("source", "fill:#bbf7d0,stroke:#15803d,color:#111827"),
        Kind::Sink => ("sink", "fill:#fecdd3,stroke:#be123c,color:#111827"),
        Kind::Names => ("names", "fill:#ffffff,stroke:#b45309,color:#111827"),
    }
}

fn styles(text: &mut String, drawing: &Drawing) {
    let nodes = || drawing.alone.iter().chain(drawing.groups.iter().flat_map(|group| &group.nodes));
    for kind in nodes().map(|drawn| drawn.kind).collect::<BTreeSet<_>>() {
        let (name, look) = class(kind);
        line(text, 1, &format!("classDef {name} {look}"));
    }
    if !drawing.groups.is_empty() {
        let groups: Vec<_> = (1..=drawing.groups.len()).map(|number| format!("g{number}")).collect();
        line(text, 1, "classDef module fill:none,stroke:#9ca3af");
        line(text, 1, &format!("class {} module", groups.join(",")));
    }
    let idle: Vec<_> = nodes().filter(|drawn| drawn.is_idle).map(|drawn| drawn.id.as_str()).collect();
    if !idle.is_empty() {
        line(text, 1, "classDef idle stroke-dasharray:4 3");
        line(text, 1, &format!("class {} idle", idle.join(",")));
    }
    let cycles = drawing.lines.iter().enumerate().filter(|(_, line)| line.is_in_cycle);
    let cycles: Vec<_> = cycles.map(|(number, _)| number.to_string()).collect();
    if !cycles.is_empty() {
        line(text, 1, &format!("linkStyle {} stroke:#dc2626,stroke-width:3px", cycles.join(",")));
    }
}

/// A text that stands for itself, whatever is in it: what could be read as a tag, as Markdown or as an end is written by its
/// number.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        let joins = |other: Option<char>| other.is_some_and(char::is_alphanumeric);
        let is_plain = match c {
            ' ' | '/' | ':' | ',' | '(' | ')' => true,
            '-' | '.' => next != Some(' '),
            '_' => joins(before) && joins(next),
            _ => c.is_alphanumeric(),
        };
        if is_plain {
            quoted.push(c);
        } else {
            let _ = write!(quoted, "#{};", u32::from(if c.is_control() { ' ' } else { c }));
        }
        before = Some(c);
    }
    quoted.push('"');
    quoted
}
