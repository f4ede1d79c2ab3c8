//! The programs whose build is measured: the same text, but for what is declared in it.

use std::fmt::Write as _;

/// What is written above the types and the functions of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Serde's derives; nobody calls what they make.
    Serde,
    /// The same, with tables of function pointers, as one would write them without a library.
    ByHand,
    /// `#[derive(Event)]` beside serde's.
    Events,
    /// `#[on]` above the functions too.
    Handlers,
    /// A library of handlers that are there to be started: twenty for each event, with nothing in them.
    Library,
    /// What starts them.
    Start,
}

impl Kind {
    pub(crate) const COMPARED: [Self; 4] = [Self::Serde, Self::ByHand, Self::Events, Self::Handlers];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Serde => "serde's derives",
            Self::ByHand => "the same, with tables by hand",
            Self::Events => "the first, with `#[derive(Event)]`",
            Self::Handlers => "the same, with `#[on]`",
            Self::Library => "handlers in a library",
            Self::Start => "what starts those",
        }
    }

    /// What its packages are called.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Serde => "serde",
            Self::ByHand => "by_hand",
            Self::Events => "events",
            Self::Handlers => "handlers",
            Self::Library => "library",
            Self::Start => "start",
        }
    }

    pub(crate) fn dependencies(self) -> &'static [&'static str] {
        match self {
            Self::Serde => &["serde"],
            Self::ByHand => &["serde", "serde_json"],
            Self::Events | Self::Handlers => &["serde", "events", "tokio"],
            Self::Library => &["events"],
            Self::Start => &["events", "tokio", "library_10000"],
        }
    }
}

/// Handlers for an event each, a third of them synchronous, every other one with a pattern.
pub(crate) fn program(kind: Kind, units: usize) -> String {
    if kind == Kind::Start {
        return format!("use library_10000 as _;\n\n{}", main(kind));
    }
    let mut text = format!(
        "#![allow(dead_code, unused_imports)]\n\
         use std::sync::atomic::{{AtomicUsize, Ordering::Relaxed}};\n\n\
         {}\n\n\
         static LINES: AtomicUsize = AtomicUsize::new(0);\n\n\
         async fn count(lines: usize) -> usize {{\n    LINES.fetch_add(lines, Relaxed)\n}}\n\n\
         {}\n",
        if kind == Kind::Library { "" } else { "use serde::{Deserialize, Serialize};" },
        main(kind)
    );
    written(&mut text, kind, units).expect("a text takes what is written");
    text
}

fn written(text: &mut String, kind: Kind, units: usize) -> std::fmt::Result {
    for number in 0..units {
        match kind {
            Kind::Library => in_library(text, number)?,
            _ => declared(text, kind, number)?,
        }
    }
    if kind == Kind::ByHand { tables(text, units) } else { Ok(()) }
}

fn main(kind: Kind) -> &'static str {
    match kind {
        Kind::Library => "",
        Kind::Serde => "fn main() {}",
        Kind::ByHand => include_str!("by_hand.txt"),
        Kind::Events | Kind::Handlers | Kind::Start => include_str!("start.txt"),
    }
}

fn declared(text: &mut String, kind: Kind, number: usize) -> std::fmt::Result {
    let event = if matches!(kind, Kind::Events | Kind::Handlers) { ", events::Event" } else { "" };
    writeln!(
        text,
        "\n#[derive(Debug, Serialize, Deserialize{event})]\n\
         struct Order{number}Placed {{\n    id: u64,\n    customer: String,\n    lines: Vec<String>,\n}}\n"
    )?;
    if kind == Kind::Handlers {
        let pattern = if number.is_multiple_of(2) { "" } else { "(\"order*placed\")" };
        writeln!(text, "#[events::on{pattern}]")?;
    }
    let (asynchronous, body) = if is_sync(number) {
        ("", "LINES.fetch_add(event.lines.len(), Relaxed);")
    } else {
        ("async ", "count(event.lines.len()).await;")
    };
    writeln!(text, "{asynchronous}fn take_{number}(event: &Order{number}Placed) {{\n    {body}\n}}")
}

fn in_library(text: &mut String, number: usize) -> std::fmt::Result {
    const HANDLERS_OF_AN_EVENT: usize = 20;
    let event = number / HANDLERS_OF_AN_EVENT;
    if number.is_multiple_of(HANDLERS_OF_AN_EVENT) {
        writeln!(text, "\n#[derive(events::Event)]\nstruct Order{event}Placed;\n")?;
    }
    let pattern = if number.is_multiple_of(2) { "" } else { "(\"order*placed\")" };
    let asynchronous = if is_sync(number) { "" } else { "async " };
    // A start asks these what they need.
    let more = if number.is_multiple_of(10) { ", _: events::Lifespan" } else { "" };
    writeln!(text, "#[events::on{pattern}]\n{asynchronous}fn take_{number}(_: &Order{event}Placed{more}) {{}}")
}

fn is_sync(number: usize) -> bool {
    number.is_multiple_of(3)
}

fn tables(text: &mut String, units: usize) -> std::fmt::Result {
    writeln!(text, "\nstatic CODECS: &[Codec] = &[")?;
    for number in 0..units {
        writeln!(text, "    codec::<Order{number}Placed>(\"order-{number}-placed\"),")?;
    }
    writeln!(text, "];\n\nstatic CALLS: &[Call] = &[")?;
    for number in 0..units {
        let call = format!("take_{number}(event.downcast_ref().unwrap())");
        let (sync, call) =
            if is_sync(number) { ("Sync", call) } else { ("Async", format!("Box::pin(async {{ {call}.await }})")) };
        writeln!(text, "    Call::{sync}(|event| {call}),")?;
    }
    writeln!(text, "];")
}
