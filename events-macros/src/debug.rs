//! `EVENTS_MACROS_DEBUG=1` prints every expansion.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proc_macro2::TokenStream;

/// Prints an expansion to standard error when the environment asks for it, and passes it on.
pub(crate) fn shown(name: &str, expansion: TokenStream) -> TokenStream {
    if std::env::var_os("EVENTS_MACROS_DEBUG").is_some_and(|value| value == "1") {
        let code = expansion.to_string();
        eprintln!("// expansion of {name}\n{}", formatted(&code).unwrap_or(code));
    }
    expansion
}

/// The code as `rustfmt` lays it out, where there is one.
fn formatted(code: &str) -> Option<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    rustfmt.stdin.take()?.write_all(code.as_bytes()).ok()?;
    let output = rustfmt.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
