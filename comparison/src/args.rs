//! What the comparison is asked to do.

use std::time::Duration;

use crate::contest::Effort;

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) quick: bool,
    pub(crate) write: bool,
}

impl Args {
    pub(crate) fn read() -> Result<Self, String> {
        let mut args = Self { quick: false, write: false };
        for word in std::env::args().skip(1) {
            match word.as_str() {
                "--quick" => args.quick = true,
                "--write" => args.write = true,
                _ => return Err(format!("unknown option `{word}`; there are `--quick` and `--write`")),
            }
        }
        Ok(args)
    }

    pub(crate) fn effort(&self) -> Effort {
        if self.quick {
            Effort { rounds: 5, round: Duration::from_millis(1) }
        } else {
            Effort { rounds: 60, round: Duration::from_millis(5) }
        }
    }
}
