//! What was measured, and what follows from it.

use crate::project::Package;
use crate::source::Kind;
use crate::usage::Usage;
use crate::{BUILT, SIZES};

const LARGEST: usize = SIZES[SIZES.len() - 1];

/// A program, with what the compiler took in each round.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) package: Package,
    pub(crate) checks: Vec<Usage>,
    pub(crate) builds: Vec<Usage>,
    /// Bytes of the stripped binary.
    pub(crate) size: f64,
}

/// The middle figures of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) check: Usage,
    pub(crate) build: Build,
}

/// What it took to build a program for speed, and what came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build {
    pub(crate) usage: Usage,
    pub(crate) size: f64,
}

impl Line {
    pub(crate) fn new(package: Package) -> Self {
        Self { package, checks: Vec::new(), builds: Vec::new(), size: 0.0 }
    }

    /// What its check took.
    pub(crate) fn check(&self) -> Usage {
        middle(&self.checks)
    }

    /// What its build for speed took, where there was one.
    pub(crate) fn build(&self) -> Option<Build> {
        (!self.builds.is_empty()).then(|| Build { usage: middle(&self.builds), size: self.size })
    }
}

pub(crate) fn of(lines: &[Line], kind: Kind, units: usize) -> &Line {
    let is_it = |line: &&Line| line.package.kind == kind && line.package.units == units;
    lines.iter().find(is_it).expect("every kind is there in every size")
}

/// The check of the largest program with all of `events`, beside that with serde's derives alone, round by round.
pub(crate) fn check_ratios(lines: &[Line]) -> Vec<f64> {
    let (own, serde) = (of(lines, Kind::Handlers, LARGEST), of(lines, Kind::Serde, LARGEST));
    own.checks.iter().zip(&serde.checks).map(|(own, serde)| own.processor / serde.processor).collect()
}

/// What one unit of a kind takes: a large program less the empty one.
pub(crate) fn each(lines: &[Line], kind: Kind) -> Figures {
    let empty = of(lines, kind, 0);
    let check = of(lines, kind, LARGEST).check().less(empty.check()).over(LARGEST);
    let build = of(lines, kind, BUILT).build().zip(empty.build());
    let (full, none) = build.expect("programs of these sizes were built");
    let usage = full.usage.less(none.usage).over(BUILT);
    Figures { check, build: Build { usage, size: (full.size - none.size) / float(BUILT) } }
}

impl Figures {
    pub(crate) fn less(&self, other: &Self) -> Self {
        let usage = self.build.usage.less(other.build.usage);
        Self { check: self.check.less(other.check), build: Build { usage, size: self.build.size - other.build.size } }
    }
}

impl Usage {
    fn less(self, other: Self) -> Self {
        Self { processor: self.processor - other.processor, memory: self.memory - other.memory }
    }

    fn over(self, units: usize) -> Self {
        Self { processor: self.processor / float(units), memory: self.memory / float(units) }
    }
}

fn middle(usages: &[Usage]) -> Usage {
    Usage {
        processor: median(usages.iter().map(|usage| usage.processor).collect()),
        memory: median(usages.iter().map(|usage| usage.memory).collect()),
    }
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn float(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
