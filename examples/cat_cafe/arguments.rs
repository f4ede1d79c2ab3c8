//! What the command line asks for.

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
Takes orders for fish over HTTP, and serves them.

usage: cat_cafe [--listen ADDRESS] [--database PATH] [--help]

  --listen ADDRESS  where to listen, 127.0.0.1:3000 by default; port 0 takes one that is free
  --database PATH   the SQLite file, made where there is none; without it all is kept in memory

POST /orders with {\"cat\": \"Tom\", \"fish\": 2} places an order, GET /orders/ID shows it.

exit code: 0 when nothing was lost; 1 when the café did not open; 2 when its end was not
clean; 130 or 143 when a second SIGINT or SIGTERM forced it.
";

#[derive(Debug)]
pub(crate) enum Request {
    Help,
    Open(Config),
}

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: String,
    pub(crate) database: Option<PathBuf>,
}

impl Request {
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut listen, mut database) = (None, None);
        while let Some(arg) = args.next() {
            let mut value = |name: &str| args.next().ok_or(format!("`{name}` needs a value"));
            match arg.to_str() {
                Some("-h" | "--help") => return Ok(Self::Help),
                Some(name @ "--listen") => {
                    let address = value(name)?.into_string();
                    listen = Some(address.map_err(|address| format!("{} is no address", address.display()))?);
                }
                Some(name @ "--database") => database = Some(value(name)?.into()),
                _ => return Err(format!("unknown argument `{}`", arg.display())),
            }
        }
        Ok(Self::Open(Config { listen: listen.unwrap_or_else(|| "127.0.0.1:3000".into()), database }))
    }
}
