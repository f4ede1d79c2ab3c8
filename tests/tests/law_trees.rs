//! One law, over random trees of scopes, tasks, cancellations, failures, limits and ends.
//!
//! Each event that was accepted, `dispatch` having answered `Ok`, and that its scope did not discard
//!
//! - is delivered to each of its matching handlers exactly once, stage after stage, the handler's failure being told once to
//!   the failure hooks, to the counters and to who waits in `deliver`;
//! - or is counted in [`ShutdownReport::aborted`](events::ShutdownReport), where the lifespan was forced to end before.
//!
//! `delivered + aborted` of the report is the number of accepted events that some handler of a delivery waits for, less the
//! discarded ones. An event that was refused, or discarded, has been seen by `now` handlers at most, and one that was
//! refused because the lifespan was full is given back. The events that one scope delivers together start in the order in which
//! they were dispatched. A scope answers what its work answered, panics included. When all is done, there is room for
//! as many pending events as there was at the start.
//!
//! `PROPTEST_CASES` raises the number of cases.

mod law;

use law::{Case, Clock, cases, config, judge, play};
use proptest::test_runner::{TestCaseError, TestRunner};

fn hold(cases_in_ci: u32, clock: Clock) {
    let held = TestRunner::new(config(cases_in_ci, file!()))
        .run(&cases(), |case: Case| judge(&case, clock, &play(&case, clock)).map_err(TestCaseError::fail));
    if let Err(error) = held {
        panic!("{error}");
    }
}

#[test]
fn the_law_holds_in_one_thread() {
    hold(800, Clock::Virtual);
}

#[test]
fn the_law_holds_in_two_threads() {
    hold(300, Clock::Real);
}
