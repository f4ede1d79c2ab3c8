//! What the command line asks for.

use std::ffi::OsString;

pub(crate) const USAGE: &str = "\
Counts orders and books payments, out of queues.

usage: worker [--amqp URL [--fill]] [--help]

  --amqp URL  work on the queues `orders`, `payments` and `results` of a RabbitMQ, which are
              made where there are none, until a signal comes; without it, work on queues
              inside of the process, which are filled, until they are empty
  --fill      first put 1,000 orders and 300 payments into the queues of RabbitMQ

exit code: 0 when nothing was lost; 1 when the work did not begin; 2 when its end was not
clean; 130 or 143 when a second SIGINT or SIGTERM forced it.
";

#[derive(Debug)]
pub(crate) enum Request {
    Help,
    Work(Broker),
}

/// Where the queues are.
pub(crate) enum Broker {
    Memory,
    Amqp { url: String, fill: bool },
}

/// The URL may hold a password.
impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory => "Memory",
            Self::Amqp { .. } => "Amqp",
        })
    }
}

impl Request {
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut url, mut fill) = (None, false);
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("-h" | "--help") => return Ok(Self::Help),
                Some("--amqp") => {
                    let value = args.next().ok_or("`--amqp` needs a value")?;
                    url = Some(value.into_string().map_err(|_| "what `--amqp` was given is no URL")?);
                }
                Some("--fill") => fill = true,
                _ => return Err(format!("unknown argument `{}`", arg.display())),
            }
        }
        match (url, fill) {
            (Some(url), fill) => Ok(Self::Work(Broker::Amqp { url, fill })),
            (None, false) => Ok(Self::Work(Broker::Memory)),
            (None, true) => {
                Err("`--fill` goes with `--amqp`: the queues inside of the process are filled already".into())
            }
        }
    }
}
