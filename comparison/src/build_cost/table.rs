//! The part of the page that tells of builds.

use crate::figures::{Figures, Line, each, median, of};
use crate::source::Kind;
use crate::starts::Starts;
use crate::usage::Usage;
use crate::{BUILT, SIZES};

const INTRODUCTION: &str = include_str!("introduction.md");

pub(crate) fn print(lines: &[Line], starts: &Starts) {
    println!("{INTRODUCTION}");
    println!(
        "| | events and handlers | check, s | times serde's | MB at most | release, s | times serde's | MB at most | binary, kB |"
    );
    println!("|---|{}", "--:|".repeat(8));
    for line in lines {
        let serde = of(lines, Kind::Serde, line.package.units);
        let built = match (line.build(), serde.build()) {
            (Some(own), Some(serde)) => format!("{} | {:.0}", side(own.usage, serde.usage), own.size / 1e3),
            _ => "– | – | – | –".to_owned(),
        };
        let (kind, units, check) = (line.package.kind.label(), line.package.units, side(line.check(), serde.check()));
        println!("| {kind} | {units} | {check} | {built} |");
    }
    println!("\n### Each event and each handler\n");
    println!(
        "Differences between the programs, each less the one with nothing in it: of those with {} for the checks, of those with \
         {BUILT} for the release builds.\n",
        SIZES[SIZES.len() - 1]
    );
    println!("| | check, ms | kB at most | release, ms | kB at most | binary, bytes |\n|---|{}", "--:|".repeat(5));
    let [serde, by_hand, events, handlers] = Kind::COMPARED.map(|kind| each(lines, kind));
    difference("serde's derives and `Debug`, and the function", &serde);
    difference("tables by hand, for both", &by_hand.less(&serde));
    difference("`#[derive(Event)]`", &events.less(&serde));
    difference("`#[on]`", &handlers.less(&events));
    println!(
        "\nA program with 10,000 handlers, two thirds of them `async`, starts in {:.1} ms of processor time, \
         and in {:.1} ms where the link table has been read: the medians of {} processes.\n",
        median(starts.first.clone()),
        median(starts.second.clone()),
        starts.first.len(),
    );
}

fn side(own: Usage, serde: Usage) -> String {
    format!("{:.2} | {:.2} | {:.0}", own.processor / 1e3, own.processor / serde.processor, own.memory)
}

fn difference(what: &str, each: &Figures) {
    println!(
        "| {what} | {:.2} | {:.0} | {:.2} | {:.0} | {:.0} |",
        each.check.processor,
        each.check.memory * 1e3,
        each.build.usage.processor,
        each.build.usage.memory * 1e3,
        each.build.size
    );
}
