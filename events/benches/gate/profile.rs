//! What callgrind has written: how many instructions each function took, and what it called.

use std::collections::HashMap;

/// Where a program enters the allocator of the C library.
const ALLOCATOR: [&str; 5] = ["malloc", "calloc", "realloc", "free", "posix_memalign"];

/// The instructions of a profile, but for those of the allocator.
pub(super) fn instructions(profile: &str) -> Result<f64, String> {
    let mut reading = Reading::default();
    for line in profile.lines() {
        reading.line(line);
    }
    match reading.total {
        Some(total) if total > 0 => Ok(f64::from(total - reading.allocator)),
        _ => Err("callgrind has counted nothing".into()),
    }
}

#[derive(Default)]
struct Reading<'a> {
    /// Whether a function, by the number that callgrind gives it, is the allocator's.
    is_allocator: HashMap<&'a str, bool>,
    caller: bool,
    callee: bool,
    /// The next line says what a call took, with all that it called.
    is_call: bool,
    allocator: u32,
    total: Option<u32>,
}

impl<'a> Reading<'a> {
    fn line(&mut self, line: &'a str) {
        if let Some(function) = line.strip_prefix("fn=") {
            self.caller = self.is_allocator(function);
        } else if let Some(function) = line.strip_prefix("cfn=") {
            self.callee = self.is_allocator(function);
        } else if let Some(total) = line.strip_prefix("totals: ") {
            self.total = total.trim().parse().ok();
        } else if line.starts_with("calls=") {
            self.is_call = true;
        } else if std::mem::take(&mut self.is_call) && self.callee && !self.caller {
            let took = line.split_whitespace().nth(1).and_then(|count| count.parse::<u32>().ok());
            self.allocator += took.unwrap_or_default();
        }
    }

    /// Reads `(7) name`, or, of a function that was named before, `(7)`.
    fn is_allocator(&mut self, function: &'a str) -> bool {
        let (number, name) = function.split_once(' ').unwrap_or((function, ""));
        if !name.is_empty() {
            // Some C libraries put a version behind the name: `malloc@@GLIBC_2.2.5`.
            let name = name.split('@').next().unwrap_or_default();
            self.is_allocator.insert(number, ALLOCATOR.contains(&name));
        }
        self.is_allocator.get(number).copied().unwrap_or_default()
    }
}
