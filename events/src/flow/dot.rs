//! A picture in the language of Graphviz.

use std::fmt::Write as _;

use super::draw::{Drawing, Drawn, Line};
use super::graph::Kind;

pub(super) fn write(drawing: &Drawing) -> String {
    let mut text = String::from("digraph events {\n");
    for remark in &drawing.remarks {
        line(&mut text, 1, &format!("// {}", remark.replace(char::is_control, " ")));
    }
    line(&mut text, 1, "graph [rankdir=LR, fontname=\"sans-serif\", fontsize=11, color=\"#9ca3af\"];");
    line(&mut text, 1, "node [fontname=\"sans-serif\", fontsize=11, style=filled];");
    line(&mut text, 1, "edge [fontname=\"sans-serif\", fontsize=9];");
    drawing.alone.iter().for_each(|drawn| line(&mut text, 1, &node(drawn)));
    for (number, group) in drawing.groups.iter().enumerate() {
        line(&mut text, 1, &format!("subgraph cluster_{} {{", number + 1));
        line(&mut text, 2, &format!("graph [label={}];", quoted(group.module)));
        group.nodes.iter().for_each(|drawn| line(&mut text, 2, &node(drawn)));
        line(&mut text, 1, "}");
    }
    drawing.lines.iter().for_each(|drawn| line(&mut text, 1, &edge(drawn)));
    text.push_str("}\n");
    text
}

fn line(text: &mut String, depth: usize, content: &str) {
    // Nothing that is written to a `String` fails.
    let _ = writeln!(text, "{:1$}{content}", "", depth * 2);
}

fn node(drawn: &Drawn) -> String {
    let (shape, fill, stroke) = match drawn.kind {
        Kind::Event => ("box", "#fde68a", "#b45309"),
        Kind::Function => ("box", "#bfdbfe", "#1d4ed8"),
        Kind::Provider => ("component", "#e5e7eb", "#4b5563"),
        Kind::Moment => ("ellipse", "#ddd6fe", "#6d28d9"),
        Kind::Source => ("cds", "#bbf7d0", "#15803d"),
        Kind::Sink => ("cylinder", "#fecdd3", "#be123c"),
        Kind::Names => ("hexagon", "#ffffff", "#b45309"),
    };
    let style = match (drawn.kind, drawn.is_idle) {
        (Kind::Event, false) => ", style=\"filled,rounded\"",
        (Kind::Event, true) => ", style=\"filled,rounded,dashed\"",
        (_, false) => "",
        (_, true) => ", style=\"filled,dashed\"",
    };
    let told = drawn.told.as_ref().map(|told| format!(", tooltip={}", quoted(told))).unwrap_or_default();
    let label = quoted(&drawn.label);
    format!("{} [label={label}, shape={shape}, fillcolor=\"{fill}\", color=\"{stroke}\"{style}{told}];", drawn.id)
}

fn edge(drawn: &Line) -> String {
    let mut said = Vec::new();
    if !drawn.label.is_empty() {
        said.push(format!("label={}", quoted(&drawn.label)));
    }
    if drawn.is_provided {
        said.push("style=dashed".into());
    }
    if drawn.is_in_cycle {
        said.push("color=\"#dc2626\", penwidth=2".into());
    }
    let said = if said.is_empty() { String::new() } else { format!(" [{}]", said.join(", ")) };
    format!("{} -> {}{said};", drawn.from, drawn.to)
}

/// A text that stands for itself: what Graphviz reads as the beginning of an entity is written as one.
fn quoted(text: &str) -> String {
    let text = text.replace(char::is_control, " ").replace('&', "&amp;");
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
