//! The events of cargo's stream: of each line, the fields that this program looks at.

use std::fmt;
use std::path::PathBuf;

use events::Event;
use serde::{Deserialize, Serialize};

#[derive(Debug, Event, Serialize, Deserialize)]
pub(crate) struct CompilerArtifact {
    pub(crate) package_id: PackageId,
    pub(crate) target: Target,
    pub(crate) profile: Profile,
    pub(crate) filenames: Vec<PathBuf>,
    pub(crate) fresh: bool,
}

#[derive(Debug, Event, Serialize, Deserialize)]
pub(crate) struct CompilerMessage {
    pub(crate) package_id: PackageId,
    pub(crate) message: Diagnostic,
}

#[derive(Debug, Event, Serialize, Deserialize)]
pub(crate) struct BuildScriptExecuted {
    pub(crate) package_id: PackageId,
}

#[derive(Debug, Event, Serialize, Deserialize)]
pub(crate) struct BuildFinished {
    pub(crate) success: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) opt_level: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Diagnostic {
    pub(crate) level: String,
    pub(crate) code: Option<Code>,
    pub(crate) rendered: Option<String>,
    pub(crate) spans: Vec<Span>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) code: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) file_name: String,
    pub(crate) is_primary: bool,
}

/// What is compiled of a package: `lib`, or `bin shop` where a package may have several of the kind.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.join(", "))?;
        match self.kind.first().map(String::as_str) {
            Some("bin" | "example" | "test" | "bench") => write!(f, " {}", self.name),
            _ => Ok(()),
        }
    }
}

impl Diagnostic {
    /// Internal errors of the compiler have a level of their own, which begins like that of all others.
    pub(crate) fn is_error(&self) -> bool {
        self.level.starts_with("error")
    }

    pub(crate) fn is_warning(&self) -> bool {
        self.level == "warning"
    }

    /// The lint or the error's number; the linker's complaints have neither.
    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_ref().map(|code| code.code.as_str())
    }

    pub(crate) fn file(&self) -> Option<&str> {
        self.spans.iter().find(|span| span.is_primary).map(|span| span.file_name.as_str())
    }
}

/// Cargo's name for a package. `Display` writes the part that people know it by: `itoa 1.0.18`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PackageId(String);

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Before 1.77 cargo wrote `itoa 1.0.18 (registry+https://..)`.
        if let Some((known_by, _)) = self.0.split_once(" (") {
            return f.write_str(known_by);
        }
        let Some((url, fragment)) = self.0.rsplit_once('#') else { return f.write_str(&self.0) };
        match fragment.rsplit_once('@') {
            Some((name, version)) => write!(f, "{name} {version}"),
            // The name is left out where the last part of the URL says it already.
            None => write!(f, "{} {fragment}", last_part(url)),
        }
    }
}

fn last_part(url: &str) -> &str {
    let path = url.split_once('?').map_or(url, |(path, _)| path);
    let last = path.rsplit('/').next().unwrap_or(path);
    last.strip_suffix(".git").unwrap_or(last)
}
