//! The workspace that the programs are written into, and cargo at work in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::source::{Kind, program};
use crate::starts;
use crate::usage::{self, Usage};

/// A program that is built over and over again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    pub(crate) kind: Kind,
    pub(crate) units: usize,
}

impl Package {
    fn name(self) -> String {
        format!("{}_{}", self.kind.slug(), self.units)
    }

    fn source(self, project: &Path) -> PathBuf {
        let file = if self.kind == Kind::Library { "src/lib.rs" } else { "src/main.rs" };
        project.join(self.name()).join(file)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Check,
    Release,
}

/// A workspace below the target directory of the comparison.
#[derive(Debug)]
pub(crate) struct Project(PathBuf);

/// Versions as the comparison has them.
const LOCK: &str = include_str!("../../Cargo.lock");

const MANIFEST: &str = "[workspace]
resolver = \"3\"
members = [\"*_*\"]
exclude = [\"target\"]

[workspace.dependencies]
events = { path = \"EVENTS\" }
serde = { version = \"1\", features = [\"derive\"] }
serde_json = \"1\"
library_10000 = { path = \"library_10000\" }
tokio = { version = \"1\", features = [\"rt\", \"time\"] }

[profile.release]
strip = true

# Nothing of it is timed.
[profile.release.package.library_10000]
opt-level = 0
";

impl Project {
    /// Writes the workspace, and builds what the programs need, so that they alone are built from then on.
    pub(crate) fn new(packages: &[Package]) -> Result<Self, String> {
        let project = Self(target().join("build_cost"));
        let written = project.written(packages);
        written.map_err(|error| format!("{}: {error}", project.0.display()))?;
        for work in [Work::Check, Work::Release] {
            // The empty ones need what the others need.
            for package in packages.iter().filter(|package| package.units == 0) {
                project.run(*package, work)?;
            }
        }
        Ok(project)
    }

    fn written(&self, packages: &[Package]) -> std::io::Result<()> {
        let events = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");
        fs::create_dir_all(&self.0)?;
        fs::write(self.0.join("Cargo.toml"), MANIFEST.replace("EVENTS", events))?;
        fs::write(self.0.join("Cargo.lock"), LOCK)?;
        for package in packages.iter().chain(&starts::PACKAGES) {
            let (name, place) = (package.name(), self.0.join(package.name()));
            let dependencies = package.kind.dependencies().iter().map(|one| format!("{one}.workspace = true\n"));
            let manifest = format!(
                "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n{}",
                dependencies.collect::<String>()
            );
            fs::create_dir_all(place.join("src"))?;
            fs::write(place.join("Cargo.toml"), manifest)?;
            fs::write(package.source(&self.0), program(package.kind, package.units))?;
        }
        Ok(())
    }

    /// Has cargo build a package anew; what it depends on is there.
    pub(crate) fn run(&self, package: Package, work: Work) -> Result<Usage, String> {
        let (name, record) = (package.name(), self.0.join("usage"));
        let source = package.source(&self.0);
        let touched = fs::File::options().append(true).open(&source);
        touched
            .and_then(|file| file.set_modified(std::time::SystemTime::now()))
            .map_err(|error| format!("{}: {error}", source.display()))?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(match work {
            Work::Check => &["check", "--quiet"][..],
            Work::Release => &["build", "--quiet", "--release"],
        });
        cargo.args(["--package", &name]).current_dir(&self.0).stdout(Stdio::null());
        let itself = std::env::current_exe().map_err(|error| error.to_string())?;
        cargo.env("RUSTC_WORKSPACE_WRAPPER", itself).env(usage::VARIABLE, &record);
        cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_TARGET_DIR", self.0.join("target"));
        let status = cargo.status().map_err(|error| format!("`{cargo:?}`: {error}"))?;
        if !status.success() {
            return Err(format!("`{cargo:?}` ended with {status}"));
        }
        Usage::read(&record)
    }

    /// The program, built for speed and stripped.
    pub(crate) fn binary(&self, package: Package) -> PathBuf {
        self.0.join("target/release").join(package.name())
    }

    /// The bytes of that.
    pub(crate) fn size(&self, package: Package) -> Result<f64, String> {
        let binary = self.binary(package);
        let size = binary.metadata().map_err(|error| format!("{}: {error}", binary.display()))?.len();
        Ok(u32::try_from(size).map_or(f64::INFINITY, f64::from))
    }
}

/// The directory that this program was built into.
fn target() -> PathBuf {
    let itself = std::env::current_exe().unwrap_or_default();
    let target = itself.ancestors().nth(2).unwrap_or(Path::new("target"));
    target.to_owned()
}
