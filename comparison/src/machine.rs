//! What the figures were taken on.

use std::fmt;
use std::process::Command;

/// Found out when it is printed.
pub(crate) struct Machine;

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let load = read("/proc/loadavg");
        let load: Vec<_> = load.split_whitespace().take(3).collect();
        writeln!(f, "| | |\n|---|---|")?;
        writeln!(f, "| processor | {}, {cores} cores |", processor())?;
        writeln!(f, "| kernel | {} |", said("uname", &["-srm"]))?;
        writeln!(f, "| compiler | {} |", said("rustc", &["--version"]))?;
        writeln!(f, "| Python | {} |", said("python3", &["--version"]))?;
        writeln!(f, "| `events` | {} |", said("git", &["describe", "--always", "--dirty"]))?;
        writeln!(f, "| load over 1, 5 and 15 minutes, at the end | {} |", load.join(", "))
    }
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": ")).map_or_else(|| "unknown".to_owned(), |(_, model)| model.to_owned())
}

fn read(place: &str) -> String {
    std::fs::read_to_string(place).unwrap_or_default()
}

fn said(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}
