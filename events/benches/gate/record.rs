//! The budget, as a table that is easy to compare.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

pub(super) const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/budget.txt");

const HEAD: &str = "\
# What an operation may cost. Written by: cargo bench -p events --features tower --bench budget -- --record
# The figures hold for what the lines with a colon say; benches/budget.rs says how they are taken.
";

/// What an operation takes, once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) instructions: f64,
    /// Reallocations are counted as well.
    pub(super) allocations: f64,
    pub(super) bytes: f64,
}

/// Figures, and what they hold for.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) holds_for: BTreeMap<String, String>,
    pub(super) operations: Vec<(String, Figures)>,
}

impl Record {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut record = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some((what, value)) = line.split_once(": ") {
                record.holds_for.insert(what.into(), value.trim().into());
                continue;
            }
            let [name, figures @ ..] = &*line.split_whitespace().collect::<Vec<_>>() else { continue };
            let figures: Option<Vec<f64>> = figures.iter().map(|figure| figure.parse().ok()).collect();
            let Some([instructions, allocations, bytes]) = figures.as_deref() else {
                return Err(format!("`{line}` is no line of a budget: expected a name and three numbers"));
            };
            let figures = Figures { instructions: *instructions, allocations: *allocations, bytes: *bytes };
            record.operations.push(((*name).into(), figures));
        }
        Ok(record)
    }

    pub(super) fn write(&self) -> String {
        let mut text = String::from(HEAD);
        for (what, value) in &self.holds_for {
            let _ = writeln!(text, "{what}: {value}");
        }
        let _ = writeln!(text, "\n#{:<19} {:>12} {:>11} {:>8}", " operation", "instructions", "allocations", "bytes");
        for (name, Figures { instructions, allocations, bytes }) in &self.operations {
            let _ = writeln!(text, "{name:<20} {instructions:>12.1} {allocations:>11.2} {bytes:>8.1}");
        }
        text
    }

    pub(super) fn budget(&self, operation: &str) -> Option<Figures> {
        self.operations.iter().find(|(name, _)| name == operation).map(|(_, figures)| *figures)
    }
}

/// What the figures of this build hold for.
pub(super) fn holds_for(processor: &str) -> BTreeMap<String, String> {
    let compiler = told("rustc", &["-vV"]);
    let of = |what: &str| compiler.lines().find_map(|line| line.strip_prefix(what)).unwrap_or("unknown").into();
    let features = [
        ("metrics", cfg!(feature = "metrics")),
        ("otel", cfg!(feature = "otel")),
        ("testing", cfg!(feature = "testing")),
    ];
    let features: Vec<_> = features.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect();
    [
        ("compiler", told("rustc", &["-V"]).trim().into()),
        ("target", of("host: ")),
        ("c library", told("getconf", &["GNU_LIBC_VERSION"]).trim().into()),
        ("processor", processor.into()),
        ("features that cost", if features.is_empty() { "none".into() } else { features.join(", ") }),
    ]
    .map(|(what, value): (&str, String)| (what.into(), value))
    .into()
}

/// What a program says; nothing where it is missing.
fn told(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
}
