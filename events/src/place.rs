//! Where in the source something was declared.

use std::fmt;

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
    /// The path of the module, the crate first: `my_app::billing`.
    pub fn module(&self) -> &'static str {
        self.module
    }

    /// The name of the crate, as its paths spell it.
    pub fn krate(&self) -> &'static str {
        self.module.split("::").next().unwrap_or(self.module)
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
