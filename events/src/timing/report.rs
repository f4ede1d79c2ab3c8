//! What is told when a root has ended.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::time::Duration;

use tabwriter::TabWriter;

use super::tree::Calls;

/// How long a named piece of work took, and the named pieces inside of it. Made by [`timed`](fn@crate::timed).
///
/// `Display` prints the tree with a line for each name: how many calls, their time in all, the longest one, and how it ended
/// where it did not complete.
///
/// # Examples
///
/// ```
/// use events::{TimingOutcome, timed, timed_sync, try_timed};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let import = try_timed("import", async {
///     for _row in 0..3 {
///         timed("read", async {}).await;
///     }
///     timed_sync("check", || Err("row 2 is empty"))
/// });
/// let result: Result<(), &str> = import
///     .report(|timing| {
///         assert_eq!(timing.name(), "import");
///         assert_eq!(timing.outcome(), &TimingOutcome::Failed("row 2 is empty".into()));
///         assert_eq!(timing.children()[0].count(), 3);
///         assert_eq!(timing.children()[1].name(), "check");
///         println!("{timing}");
///     })
///     .await;
/// assert!(result.is_err());
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Timing {
    name: Cow<'static, str>,
    count: u64,
    total: Duration,
    max: Duration,
    outcome: TimingOutcome,
    children: Vec<Timing>,
}

/// How a piece of work ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimingOutcome {
    /// It came to its end.
    #[default]
    Completed,
    /// It answered with an error that reads so.
    Failed(String),
    /// It panicked with this text.
    Panicked(String),
    /// Its future was dropped before the end.
    Dropped,
}

impl fmt::Display for TimingOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(text) => write!(f, "panicked: {text}"),
            Self::Dropped => f.write_str("dropped"),
        }
    }
}

impl Timing {
    pub(super) fn new(name: Cow<'static, str>, calls: Calls, children: Vec<Self>) -> Self {
        let Calls { count, total, max, outcome } = calls;
        Self { name, count, total, max, outcome, children }
    }

    /// The name that the work was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many calls of that name have ended in this place of the tree. It is 1 for the root.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How long they took together. Calls that overlap count in full each, so that children may take longer than their
    /// parent.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// How long the longest one took.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// How it ended. Of several calls, it is the end of the first one that did not complete.
    pub fn outcome(&self) -> &TimingOutcome {
        &self.outcome
    }

    /// What was timed inside, in the order in which each name was first begun.
    pub fn children(&self) -> &[Self] {
        &self.children
    }

    fn lines(&self, depth: usize, out: &mut TabWriter<Vec<u8>>) -> std::io::Result<()> {
        let Self { name, count, total, max, outcome, children } = self;
        write!(out, "{:indent$}{}\t{count}×\t{total:.1?}\tmax {max:.1?}", "", one_cell(name), indent = 2 * depth)?;
        if *outcome != TimingOutcome::Completed {
            write!(out, "\t{}", one_cell(&outcome.to_string()))?;
        }
        writeln!(out)?;
        children.iter().try_for_each(|child| child.lines(depth + 1, out))
    }
}

/// What would begin another cell or line reads as a space.
fn one_cell(text: &str) -> String {
    text.replace(char::is_control, " ")
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut aligned = TabWriter::new(Vec::new()).padding(2);
        self.lines(0, &mut aligned).map_err(|_| fmt::Error)?;
        let text = aligned.into_inner().map_err(|_| fmt::Error)?;
        f.write_str(String::from_utf8_lossy(&text).trim_end())
    }
}
