//! How events flow through `cat_cafe`, as a picture, without opening the café.
//!
//! ```text
//! cargo run --example picture                                     # Mermaid, for a page of Markdown
//! cargo run --example picture -- --dot | dot -Tsvg > cat_cafe.svg # Graphviz
//! ```
//!
//! The picture is drawn of what the program declares, and this one declares what `cat_cafe` does, since it has its modules. A
//! program of your own prints `events::catalog().mermaid()`, or that of `Lifespan::builder()`, with its sources and sinks, to
//! have `.flow()` before `.start()`.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

#[expect(dead_code, reason = "nobody opens the café")]
#[path = "cat_cafe/arguments.rs"]
mod arguments;
#[path = "cat_cafe/database.rs"]
mod database;
#[path = "cat_cafe/kitchen.rs"]
mod kitchen;

fn main() -> io::Result<ExitCode> {
    let flow = events::catalog().flow();
    let picture = match std::env::args().nth(1).as_deref() {
        None => flow.mermaid(),
        Some("--dot") => flow.dot(),
        Some(other) => {
            tell(format_args!("error: there is no `{other}`: leave it out for Mermaid, or say `--dot`"));
            return Ok(ExitCode::FAILURE);
        }
    };
    io::stdout().write_all(picture.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// What the kitchen says of a failure.
fn tell(line: impl Display) {
    // Where nobody can read it, nobody can be told that.
    let _ = writeln!(io::stderr(), "{line}");
}
