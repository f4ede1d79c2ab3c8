//! Trees as text: a line for each step, indented by its depth.

use std::fmt::{self, Debug, Formatter, Write as _};

use super::tree::{Case, Link, Note, ScopePlan, Step};

impl Debug for Case {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { max_pending, max_hops, max_at_work, seed, until_end, end, .. } = self;
        write!(f, "max_pending {max_pending}, max_hops {max_hops}, max_at_work {max_at_work}, seed {seed}")?;
        match until_end {
            Some(turns) => writeln!(f, "; {end:?} after {turns} turns")?,
            None => writeln!(f, "; {end:?} after the roots")?,
        }
        steps(f, &self.roots, 1)
    }
}

fn steps(f: &mut Formatter<'_>, all: &[Step], depth: usize) -> fmt::Result {
    all.iter().try_for_each(|step| {
        write!(f, "{:1$}", "", 2 * depth)?;
        one(f, step, depth)
    })
}

fn one(f: &mut Formatter<'_>, step: &Step, depth: usize) -> fmt::Result {
    match step {
        Step::Dispatch(note) => writeln!(f, "dispatch {note:?}"),
        Step::Outside(note) => writeln!(f, "lifespan.dispatch {note:?}"),
        Step::Deliver(note, cut) => writeln!(f, "deliver{} {note:?}", Cut(*cut)),
        Step::Yield(turns) => writeln!(f, "yield {turns}"),
        Step::Sleep(millis) => writeln!(f, "sleep {millis} ms"),
        Step::Flush(cut) => writeln!(f, "flush{}", Cut(*cut)),
        Step::Discard => writeln!(f, "discard"),
        Step::AtDrop(note) => writeln!(f, "at drop {note:?}"),
        Step::Scope(plan) => {
            let policy = if plan.discards { "or discards" } else { "or delivers" };
            writeln!(f, "scope{} ends {:?} {policy}", Cut(plan.cut), plan.ends)?;
            steps(f, &plan.steps, depth + 1)
        }
        Step::Task { carrier, joined, steps: inner } => {
            writeln!(f, "{carrier:?} task{}", if *joined { ", joined" } else { "" })?;
            steps(f, inner, depth + 1)
        }
    }
}

struct Cut(Option<u8>);

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |polls| write!(f, " (dropped after {polls} polls)"))
    }
}

impl Debug for Note {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)?;
        for (slot, fate) in &self.flaws {
            write!(f, " {slot:?}:{fate:?}")?;
        }
        if self.links.is_empty() {
            return Ok(());
        }
        f.write_str(" [")?;
        for (i, link) in self.links.iter().enumerate() {
            write!(f, "{}{link:?}", if i == 0 { "" } else { ", " })?;
        }
        f.write_char(']')
    }
}

impl Debug for Link {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {:?}", self.slot, self.way, self.note)
    }
}

impl Debug for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        one(f, self, 0)
    }
}

impl Debug for ScopePlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        steps(f, &self.steps, 0)
    }
}
