//! Has callgrind count, in processes of their own.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use super::measure::{ALLOCATED, PROCESSOR, counted_in};
use super::operations::Budgeted;
use super::profile;
use super::record::Figures;

/// The variants of the C library's functions that every processor of the last ten years has: names as of glibc 2.33, and before.
const HWCAPS: &str =
    "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX512F,-AVX512F_Usable,-AVX512VL,-AVX512VL_Usable,-ERMS,-FSRM";

/// What one process has counted.
pub(super) struct Counted {
    pub(super) figures: Figures,
    pub(super) processor: String,
}

pub(super) fn is_there() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Counts an operation in a process of its own.
pub(super) fn count(operation: &Budgeted, run: usize) -> Result<Counted, Box<dyn Error>> {
    let folder = Folder::new(operation.name, run)?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={}", counted_in()))
        .arg(format!("--dump-after={}", counted_in()))
        .arg(format!("--callgrind-out-file={}", folder.0.join("out").display()))
        .arg(env::current_exe()?)
        .args(["--bench", "--measure", operation.name])
        .env("GLIBC_TUNABLES", HWCAPS)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("`{}` could not be counted: {}\n{why}", operation.name, output.status).into());
    }
    let instructions = (folder.instructions(2)? - folder.instructions(1)?) / f64::from(operation.times);
    let (allocations, bytes) = said(&text, ALLOCATED)?.split_once(' ').ok_or("two figures")?;
    let figures = Figures { instructions, allocations: allocations.parse()?, bytes: bytes.parse()? };
    Ok(Counted { figures, processor: said(&text, PROCESSOR)?.into() })
}

/// What a process has printed behind a word.
fn said<'a>(text: &'a str, word: &str) -> Result<&'a str, String> {
    let line = text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    line.ok_or_else(|| format!("nothing is said of `{word}`"))
}

/// Where callgrind writes; gone with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(operation: &str, run: usize) -> std::io::Result<Self> {
        let name = format!("budget-{}-{operation}-{run}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// The instructions of the first or the second run.
    fn instructions(&self, run: u32) -> Result<f64, String> {
        let profile = fs::read_to_string(self.0.join(format!("out.{run}"))).map_err(|error| error.to_string());
        let instructions = profile.and_then(|profile| profile::instructions(&profile));
        instructions.map_err(|error| format!("callgrind has not collected in `{}`: {error}", counted_in()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}
