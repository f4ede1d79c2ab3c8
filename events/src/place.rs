//! Where in the source something was declared.

use std::fmt;
use std::panic::Location;

/// A place in the source: a file and a line of it, and the module that the line is in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    #[doc(hidden)]
    pub module: &'static str,
    #[doc(hidden)]
    pub file: &'static str,
    #[doc(hidden)]
    pub line: u32,
}

impl Place {
    /// A place that has no path: a call.
    pub(crate) fn of(location: &'static Location<'static>) -> Self {
        Self { module: "", file: location.file(), line: location.line() }
    }

    /// The path of the module, the crate first: `my_app::billing`.
    pub fn module(&self) -> &'static str {
        self.module
    }

    /// The name of the crate, as its paths spell it.
    pub fn krate(&self) -> &'static str {
        self.module.split(':').next().unwrap_or(self.module)
    }

    /// The path of the file, as the compiler was given it.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The line in the file, counted from 1.
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A function and where it is declared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    #[doc(hidden)]
    pub name: &'static str,
    #[doc(hidden)]
    pub place: Place,
}

impl Site {
    /// The path of the function: `my_app::billing::charge`.
    pub(crate) fn path(&self) -> String {
        match self.place.module {
            "" => self.name.to_owned(),
            module => format!("{module}::{}", self.name),
        }
    }

    /// What spans and metrics call it: its path, or its place where it has no path.
    pub(crate) fn label(&self) -> String {
        match self.place.module {
            "" => format!("{} ({})", self.name, self.place),
            _ => self.path(),
        }
    }

    /// A sink, which has a place where it was given to the lifespan, and no name.
    pub(crate) fn of_sink(location: &'static std::panic::Location<'static>) -> Self {
        Self { name: "sink", ..Self::of_closure(location) }
    }

    /// A source, which has a place where it was given to the lifespan, and no name.
    pub(crate) fn of_source(location: &'static std::panic::Location<'static>) -> Self {
        Self { name: "source", ..Self::of_closure(location) }
    }

    /// A closure, which has a place and no name.
    pub(crate) fn of_closure(location: &'static Location<'static>) -> Self {
        Self { name: "closure", place: Place::of(location) }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.path(), self.place)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
