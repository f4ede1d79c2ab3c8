//! The page: everything measured, as Markdown.

use std::fmt;

use crate::clock::Figures;
use crate::contender::{HANDLERS, Kind, Trait};
use crate::contest::{self, Effort, Row};
use crate::machine::Machine;
use crate::targets::{Limit, Target};

pub(crate) struct Flavour {
    pub(crate) multi_thread: bool,
    pub(crate) rows: Vec<Row>,
}

impl Flavour {
    pub(crate) fn name(&self) -> &'static str {
        if self.multi_thread { "Multi-thread" } else { "Current-thread" }
    }
}

pub(crate) struct Page {
    pub(crate) effort: Effort,
    /// Why Python is missing, where it is.
    pub(crate) left_out: Option<String>,
    pub(crate) flavours: [Flavour; 2],
    pub(crate) targets: Vec<Target>,
    pub(crate) builds: String,
    pub(crate) growth: String,
}

const INTRODUCTION: &str = include_str!("page/introduction.md");

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Effort { rounds, round } = self.effort;
        writeln!(f, "{INTRODUCTION}")?;
        writeln!(
            f,
            "These are the figures of {rounds} rounds of {round:?} for each line and each number of handlers.\n\n{Machine}"
        )?;
        self.abilities(f)?;
        for flavour in &self.flavours {
            for kind in [Kind::Sync, Kind::Async] {
                flavour.ratios(f, kind)?;
            }
        }
        self.targets(f)?;
        write!(f, "{}{}", self.builds, self.growth)?;
        writeln!(
            f,
            "\n## Times\n\nWhat the ratios above were made of: best, median and worst round, in microseconds for each event."
        )?;
        self.flavours.iter().try_for_each(|flavour| flavour.times(f))
    }
}

impl Page {
    fn abilities(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## What each of them does not do\n\n| | version | does not do | |\n|---|---|---|---|")?;
        for Row { about, .. } in &self.flavours[0].rows {
            let lacks: Vec<_> =
                Trait::ALL.into_iter().filter(|one| !about.does.contains(one)).map(Trait::label).collect();
            let lacks = if lacks.is_empty() { "–".to_owned() } else { lacks.join(", ") };
            writeln!(f, "| {} ({}) | {} | {lacks} | {} |", about.name, label(about.kind), about.version, about.remark)?;
        }
        if let Some(reason) = &self.left_out {
            writeln!(f, "\nfastapi-events and FastStream are left out: {reason}.")?;
        }
        writeln!(f)
    }

    fn targets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Targets\n")?;
        writeln!(
            f,
            "Ratios of two lines that took turns: the median of all rounds, and between which nine tenths of them are.\n"
        )?;
        writeln!(f, "| | beside | target | measured | 5 % – 95 % | |\n|---|---|---|---|---|---|")?;
        for target in &self.targets {
            let limit = match target.limit {
                Limit::AtMost(limit) => format!("at most {limit}"),
                Limit::AtLeast(limit) => format!("at least {limit}"),
            };
            let (low, median, high) = (target.at(0.05), target.at(0.5), target.at(0.95));
            let met = if target.met() { "met" } else { "**missed**" };
            writeln!(
                f,
                "| {} | {} | {limit} | {median:.2} | {low:.2} – {high:.2} | {met} |",
                target.what, target.beside
            )?;
        }
        let missed = self.targets.iter().filter(|target| !target.met() && !target.spent.is_empty());
        let lines: Vec<_> = missed.map(|target| format!("- {}: {}\n", target.what, target.spent)).collect();
        if !lines.is_empty() {
            write!(f, "\nWhere the time of those goes that were missed:\n\n{}", lines.concat())?;
        }
        writeln!(f)
    }
}

impl Flavour {
    fn ratios(&self, f: &mut fmt::Formatter<'_>, kind: Kind) -> fmt::Result {
        writeln!(f, "## {} runtime, {} handlers\n", self.name(), label(kind))?;
        head(f, "times as long as `events`")?;
        let measure = contest::measure_of(&self.rows, kind);
        for row in self.rows.iter().filter(|row| row.about.kind == kind) {
            let cell = |(own, measure): (&Option<Figures>, &Option<Figures>)| match (own, measure) {
                (Some(own), Some(measure)) => significant(own.ratio_to(measure)),
                _ => "–".to_owned(),
            };
            let cells: Vec<_> = row.figures.iter().zip(&measure.figures).map(cell).collect();
            writeln!(f, "| {} | {} |", row.about.name, cells.join(" | "))?;
        }
        writeln!(f)
    }

    fn times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in [Kind::Sync, Kind::Async] {
            writeln!(f, "\n### {} runtime, {} handlers\n", self.name(), label(kind))?;
            head(f, "best, median, worst")?;
            for row in self.rows.iter().filter(|row| row.about.kind == kind) {
                let cells: Vec<_> =
                    row.figures.iter().map(|figures| figures.as_ref().map_or("–".to_owned(), spread)).collect();
                writeln!(f, "| {} | {} |", row.about.name, cells.join(" | "))?;
            }
        }
        Ok(())
    }
}

fn head(f: &mut fmt::Formatter<'_>, corner: &str) -> fmt::Result {
    let columns = HANDLERS.map(|handlers| match handlers {
        0 => "no handler".to_owned(),
        1 => "1 handler".to_owned(),
        _ => format!("{handlers} handlers"),
    });
    writeln!(f, "| {corner} | {} |\n|---|{}", columns.join(" | "), "--:|".repeat(HANDLERS.len()))
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Sync => "sync",
        Kind::Async => "async",
    }
}

fn spread(figures: &Figures) -> String {
    let worst = figures.0.iter().copied().fold(0.0, f64::max);
    [figures.best(), figures.median(), worst].map(|nanos| significant(nanos / 1e3)).join(" / ")
}

/// Two figures after the point where they tell something.
fn significant(number: f64) -> String {
    match number {
        number if number < 10.0 => format!("{number:.2}"),
        number if number < 100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}
