//! What does it cost to build a program with `events`, beside the same program without it?
//!
//! ```text
//! cargo run --release --manifest-path comparison/Cargo.toml --bin build_cost               # prints its part of the page
//! cargo run --release --manifest-path comparison/Cargo.toml --bin build_cost -- --quick    # with fewer rounds
//! ```
//!
//! Programs are written below the target directory, and what they depend on is built. Then, in turns, each of them is checked and
//! built anew, and the system is asked what the compiler took: this program stands in for the compiler, and runs it. At last
//! comes a program with ten thousand handlers, which starts.
//!
//! The first lines are figures for the targets of the page, in words of their own: `check` and `start`.

mod figures;
mod project;
mod source;
mod starts;
mod table;
mod usage;

use std::process::ExitCode;

use figures::Line;
use project::{Package, Project, Work};
use source::Kind;

/// How many events and handlers, in programs of every kind. What one of them takes is a difference.
const SIZES: [usize; 3] = [0, 250, 500];

/// How many there are at most in a program that is built for speed, which takes the compiler ten times as long.
const BUILT: usize = 250;

fn main() -> ExitCode {
    let answered = match std::env::var_os(usage::VARIABLE) {
        Some(place) => usage::measured(&place),
        None => answer(std::env::args().any(|word| word == "--quick")).map(|()| ExitCode::SUCCESS),
    };
    answered.unwrap_or_else(|reason| {
        eprintln!("error: {reason}");
        ExitCode::FAILURE
    })
}

fn answer(quick: bool) -> Result<(), String> {
    let packages: Vec<_> =
        Kind::COMPARED.into_iter().flat_map(|kind| SIZES.map(|units| Package { kind, units })).collect();
    let project = Project::new(&packages)?;
    eprintln!("build cost: the dependencies are built");
    let mut lines: Vec<_> = packages.into_iter().map(Line::new).collect();
    let (checks, builds) = if quick { (3, 1) } else { (5, 1) };
    for round in 0..checks {
        for line in &mut lines {
            line.checks.push(project.run(line.package, Work::Check)?);
        }
        for line in lines.iter_mut().filter(|line| round < builds && line.package.units <= BUILT) {
            line.builds.push(project.run(line.package, Work::Release)?);
            line.size = project.size(line.package)?;
        }
        eprintln!("build cost: {} of {checks} rounds", round + 1);
    }
    let starts = starts::measured(&project)?;
    println!("check {}", words(&figures::check_ratios(&lines)));
    println!("start {}", words(&starts.first));
    table::print(&lines, &starts);
    Ok(())
}

fn words(figures: &[f64]) -> String {
    figures.iter().map(|figure| format!("{figure:.4}")).collect::<Vec<_>>().join(" ")
}
