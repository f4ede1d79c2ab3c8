//! What the compiler takes, and what a start takes.

use super::{Limit, Target};
use crate::counted::Builds;

pub(crate) fn targets(builds: &Builds) -> [Target; 2] {
    [
        Target {
            what: "`cargo check` with 500 events and 500 handlers",
            beside: "the same with serde's derives alone",
            limit: Limit::AtMost(1.5),
            ratios: builds.checks.clone(),
            spent: "of the instructions that a handler adds, two fifths check its call, which is a future around the function's \
                where that is `async`; a third is its declaration and the four items that `inventory` puts around it \
                (`cachegrind`, with parts left out).",
        },
        Target {
            what: "the first `start()` of a process with 10,000 handlers, in milliseconds of processor time",
            beside: "–",
            limit: Limit::AtMost(10.0),
            ratios: builds.starts.clone(),
            spent: "half of it sorts what the link table holds, which is once for each process; the rest resolves the routes \
                (`callgrind`).",
        },
    ]
}
