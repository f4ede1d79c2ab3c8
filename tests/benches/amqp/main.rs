//! How fast is `RabbitMQ` through `events`, beside the same work with `lapin`, the library below it?
//!
//! The two take turns, against a broker that this program starts for itself, over one connection for each direction, on a runtime
//! with two threads. Both have the same messages: JSON of 100 or 1024 bytes with the attributes and properties that `events`
//! writes, persistent, published as mandatory and confirmed, in a classic durable queue.
//!
//! | | |
//! |---|---|
//! | `consume` | 100 messages delivered ahead; the JSON is decoded, the handler called, and each message acknowledged by itself |
//! | `publish` | 1000 messages are not confirmed yet at most: with `events`, 4 tasks with one scope of 250 events after another |
//! | `scopes` | 64 tasks, each of which publishes a message and waits for its confirmation: with `events`, scopes with one event |
//!
//! `lapin` has a task for each delivery, as `events` has: awaited in the loop itself, an acknowledgement is a round trip to the
//! thread of the connection, and fewer messages come through. Its publisher has one channel, and a window that slides. One task
//! with one scope of 1000 events after another, which waits each time for the last of its confirmations, came to 0.83 to 0.85
//! of `lapin` instead (3 rounds).
//!
//! Figures are messages a second; `ratio` is the median of the ratios of each round, `cpu us` what this process works for a
//! message, the broker left out. They take turns, so that a busy neighbour disturbs both alike.
//!
//! Seen in November 2026, 21 rounds on two cores that others used too: `consume` 1.06 and 1.01 of `lapin` with 100 and with 1024
//! bytes, `publish` 0.98 and 0.97, `scopes` 0.84 and 0.86. Where a message is published alone, what `events` works for it
//! counts most: 43 us, and `lapin` 20 us; published with others, it is 22 us beside 13 us, while the broker takes 80.
//!
//! ```text
//! cargo bench -p events-tests --bench amqp                  # all
//! cargo bench -p events-tests --bench amqp -- --quick       # a few rounds
//! cargo bench -p events-tests --bench amqp -- scopes        # what has `scopes` in its name
//! ```

#[allow(dead_code, reason = "the tests interfere with the broker, and this does not")]
#[path = "../../tests/amqp/broker.rs"]
mod broker;
mod figures;
mod own;
mod raw;
mod work;

use figures::Line;
use work::{Question, Stage, Way};

fn main() {
    let (mut rounds, mut filter) = (21, None);
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "--quick" => rounds = 3,
            option if option.starts_with('-') => {}
            _ => filter = Some(word),
        }
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(measure(rounds, filter.as_deref()));
}

async fn measure(rounds: u32, filter: Option<&str>) {
    let Some((broker, _alone)) = broker::alone().await else { return };
    figures::head(rounds);
    for question in Question::all().filter(|question| filter.is_none_or(|filter| question.name().contains(filter))) {
        let stage = Stage::new(broker, question).await;
        let mut lines = [Line::new(Way::Events), Line::new(Way::Lapin)];
        // The first round warms up.
        for round in 0..=rounds {
            for line in &mut lines {
                let measured = stage.measure(line.way).await;
                line.measured.extend((round > 0).then_some(measured));
            }
            lines.reverse();
        }
        lines.sort_by_key(|line| line.way);
        figures::print(question, &lines);
        stage.end().await;
    }
}
