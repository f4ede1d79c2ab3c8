//! Counts operations, and holds them against their budgets.

mod callgrind;
mod measure;
mod operations;
mod profile;
mod record;
mod verdict;

use std::error::Error;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use callgrind::Counted;
use operations::Budgeted;
use record::{Figures, Record};
use verdict::{Verdict, compare};

use crate::support::args::{Args, Effort};

/// How often an operation is counted.
const RUNS: usize = 3;

/// Does what the command line asks for; answers whether nothing is wrong.
pub(crate) fn answer(args: &Args) -> Result<bool, Box<dyn Error>> {
    if let Some(name) = &args.measure {
        measure::measure(args, name);
    } else if args.list {
        for operation in operations::all() {
            println!("{}: benchmark", operation.name);
        }
    } else if let Effort::Smoke = args.effort {
        measure::smoke(args);
    } else if !callgrind::is_there() {
        let must = env::var_os("CI").is_some();
        eprintln!(
            "\nSKIPPED: NO BUDGET HAS BEEN CHECKED. `valgrind` is missing: install Debian's package of that name\n"
        );
        return Ok(!must);
    } else if args.record {
        record()?;
    } else {
        return check(args);
    }
    Ok(true)
}

/// What was counted of an operation.
struct Line {
    name: &'static str,
    figures: Figures,
    /// What lies between the least and the most instructions.
    spread: f64,
}

fn record() -> Result<(), Box<dyn Error>> {
    let (lines, processor) = count(&operations::all())?;
    let operations = lines.iter().map(|line| (line.name.into(), line.figures)).collect();
    let record = Record { holds_for: record::holds_for(&processor), operations };
    fs::write(record::PATH, record.write())?;
    print!("{}\nwritten to {}\nspread: {:.2} instructions at most\n", record.write(), record::PATH, widest(&lines));
    Ok(())
}

fn check(args: &Args) -> Result<bool, Box<dyn Error>> {
    let budget = fs::read_to_string(record::PATH).map_err(|error| format!("{}: {error}", record::PATH))?;
    let budget = Record::parse(&budget)?;
    let operations: Vec<_> = operations::all().into_iter().filter(|operation| args.wants(operation.name)).collect();
    let (lines, processor) = count(&operations)?;
    let mut verdict = print(&lines, &budget);
    // Without the feature `tower`, requests are not counted.
    let stale =
        |name: &&String| cfg!(feature = "tower") && args.wants(name) && !lines.iter().any(|line| line.name == **name);
    let stale = budget.operations.iter().map(|(name, _)| name).filter(stale);
    verdict.unknown.extend(stale.map(|name| format!("`{name}` has a budget, and is no operation")));
    let here = record::holds_for(&processor);
    let elsewhere = budget.holds_for.iter().filter(|(what, value)| here.get(*what) != Some(value));
    let elsewhere: Vec<_> = elsewhere
        .map(|(what, value)| format!("{what}: {value}, and here {}", here.get(what).map_or("unknown", String::as_str)))
        .collect();
    Ok(said(&verdict, &elsewhere))
}

/// Counts every operation in processes of their own, as many at a time as there are processors.
fn count(operations: &[Budgeted]) -> Result<(Vec<Line>, String), Box<dyn Error>> {
    let next = &AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Counted)>, String> {
        let mut counted = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(operation) = operations.get(number / RUNS) else { return Ok(counted) };
            counted.push((number, callgrind::count(operation, number % RUNS).map_err(|error| error.to_string())?));
        }
    };
    let at_once = thread::available_parallelism().map_or(1, NonZero::get);
    let counted: Result<Vec<_>, String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("nothing panics here")).collect()
    });
    let mut counted: Vec<_> = counted?.into_iter().flatten().collect();
    counted.sort_by_key(|(number, _)| *number);
    let processor = counted.first().map(|(_, counted)| counted.processor.clone()).unwrap_or_default();
    let lines = operations.iter().zip(counted.chunks(RUNS)).map(|(operation, runs)| line(operation.name, runs));
    Ok((lines.collect(), processor))
}

fn line(name: &'static str, runs: &[(usize, Counted)]) -> Line {
    let of = |figure: fn(&Figures) -> f64| {
        let figures = runs.iter().map(|(_, counted)| figure(&counted.figures));
        figures.fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), figure| (least.min(figure), most.max(figure)))
    };
    let (instructions, most) = of(|figures| figures.instructions);
    let figures = Figures {
        instructions,
        allocations: of(|figures| figures.allocations).0,
        bytes: of(|figures| figures.bytes).0,
    };
    Line { name, figures, spread: most - instructions }
}

fn widest(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.spread).fold(0.0, f64::max)
}

fn print(lines: &[Line], budget: &Record) -> Verdict {
    let mut verdict = Verdict::default();
    println!(
        "{:<18} {:>12} {:>10} {:>8} {:>8} {:>12} {:>7} {:>8} {:>8}",
        "operation", "instructions", "budget", "%", "spread", "allocations", "budget", "bytes", "budget"
    );
    for Line { name, figures, spread } in lines {
        let Some(allowed) = budget.budget(name) else {
            verdict.unknown.push(format!("`{name}` has no budget"));
            continue;
        };
        let compared = compare(*figures, allowed);
        println!(
            "{name:<18} {:>12.1} {:>10.1} {:>+8.2} {spread:>8.2} {:>12.2} {:>7.2} {:>8.1} {:>8.1}",
            figures.instructions,
            allowed.instructions,
            compared[0].percent(),
            figures.allocations,
            allowed.allocations,
            figures.bytes,
            allowed.bytes
        );
        verdict.add(name, &compared);
    }
    println!(
        "\n{} operations, each counted {RUNS} times; spread: {:.2} instructions at most",
        lines.len(),
        widest(lines)
    );
    verdict
}

/// Says how it has ended; answers whether nothing is wrong.
fn said(verdict: &Verdict, elsewhere: &[String]) -> bool {
    let anew = "cargo bench -p events --features tower --bench budget -- --record";
    let list = |what: &str, lines: &[String]| {
        if !lines.is_empty() {
            println!("\n{what}");
            println!("  {}", lines.join("\n  "));
        }
    };
    list("CHEAPER than the budget, which may be lowered:", &verdict.cheaper);
    list("DEARER than the budget:", &verdict.dearer);
    list("NOT COMPARED:", &verdict.unknown);
    let is_kept = verdict.dearer.is_empty() && verdict.unknown.is_empty();
    if !(is_kept && verdict.cheaper.is_empty()) {
        println!("\nwhere this is meant, record it and say why in the commit: {anew}");
    }
    if !elsewhere.is_empty() {
        list("NOTHING FAILS, since the budget was recorded elsewhere:", elsewhere);
        println!("where this is to stay, record the budget here, from a build without your changes: {anew}");
        return true;
    }
    println!("\n{}", if is_kept { "the budget is kept" } else { "THE BUDGET IS NOT KEPT" });
    is_kept
}
