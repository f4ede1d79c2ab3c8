//! What has happened, as a tree of causes.

use std::collections::HashMap;
use std::fmt;

use super::record::{CAPACITY, Dispatched, Entry, Record, What};
use crate::metadata::EventId;

/// How many lines are printed; the others are counted.
const LINES: usize = 1000;

/// How many bytes of a payload are printed.
const PAYLOAD: usize = 200;

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.entries.is_empty() {
            return f.write_str("nothing has happened");
        }
        f.write_str("what has happened:")?;
        let tree = Tree::new(self);
        tree.lines().take(LINES).try_for_each(|(depth, entry)| {
            let indent = 2 * (depth + 1);
            // A text of several lines stays below its first one.
            let line = tree.line(entry).replace('\n', &format!("\n{:indent$}  ", ""));
            write!(f, "\n{:indent$}{line}", "")
        })?;
        match self.entries.len().saturating_sub(LINES) {
            0 => {}
            more => write!(f, "\n  and {more} more lines")?,
        }
        if self.is_full {
            write!(f, "\n  and more than the record holds, which is {CAPACITY} entries")?;
        }
        Ok(())
    }
}

/// A record by causes.
struct Tree<'a> {
    roots: Vec<&'a Entry>,
    children: HashMap<&'a EventId, Vec<&'a Entry>>,
}

impl<'a> Tree<'a> {
    fn new(record: &'a Record) -> Self {
        let mut children: HashMap<_, Vec<&Entry>> = record.events().map(|event| (event.id(), Vec::new())).collect();
        let mut roots = Vec::new();
        for entry in &record.entries {
            // The cause may be an event of another lifespan.
            match entry.parent.as_ref().and_then(|parent| children.get_mut(parent)) {
                Some(siblings) => siblings.push(entry),
                None => roots.push(entry),
            }
        }
        Self { roots, children }
    }

    fn children(&self, entry: &Entry) -> &[&'a Entry] {
        entry.event().and_then(|event| self.children.get(event.id())).map_or(&[], Vec::as_slice)
    }

    /// The entries with their depths, from the top to the bottom. Chains may be longer than a stack is deep.
    fn lines(&self) -> impl Iterator<Item = (usize, &'a Entry)> {
        let mut above: Vec<_> = self.roots.iter().rev().map(|root| (0, *root)).collect();
        std::iter::from_fn(move || {
            let (depth, entry) = above.pop()?;
            above.extend(self.children(entry).iter().rev().map(|child| (depth + 1, *child)));
            Some((depth, entry))
        })
    }

    fn line(&self, entry: &Entry) -> String {
        match &entry.what {
            What::Dispatched(dispatched) => {
                let failed = self.children(entry).iter().filter(|child| matches!(child.what, What::Failed(_))).count();
                let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
                format!("{dispatched}{failed}")
            }
            What::Refused(error) => format!("refused: {error}"),
            What::Failed(failure) => failure.to_string(),
        }
    }
}

impl fmt::Display for Dispatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = self.event.json().to_string();
        let shown = &json[..json.floor_char_boundary(PAYLOAD)];
        let cut = if shown.len() < json.len() { ".." } else { "" };
        write!(f, "`{}` {shown}{cut}: ", self.event.name())?;
        match (self.handlers, self.is_delivered) {
            (0, true) => f.write_str("no handler"),
            (1, true) => f.write_str("1 handler"),
            (handlers, true) => write!(f, "{handlers} handlers"),
            (0, false) => f.write_str("not delivered"),
            (handlers, false) => write!(f, "not delivered, {handlers} `now`"),
        }
    }
}
