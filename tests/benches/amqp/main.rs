//! How fast is RabbitMQ through `events`, beside the client library that `events` uses?
#[allow(dead_code, reason = "the tests interfere with the broker, and this does not")]
#[path = "../../tests/amqp/broker.rs"]
mod broker;
mod figures;
mod own;
mod raw;
mod work;

use figures::Line;
use work::{Question, WAYS};

fn main() {
    let mut quick = false;
    let mut filter = None;
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "--quick" => quick = true,
            option if option.starts_with('-') => {}
            _ => filter = Some(word),
        }
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(measure(if quick { 2 } else { 11 }, filter.as_deref()));
}

async fn measure(rounds: u32, filter: Option<&str>) {
    let Some((broker, _alone)) = broker::alone().await else { return };
    for question in Question::all() {
        if filter.is_some_and(|filter| !question.name().contains(filter)) {
            continue;
        }
        let stage = work::Stage::new(broker, question).await;
        let mut lines: Vec<_> = WAYS.iter().map(|way| Line::new(*way)).collect();
        for round in 0..=rounds {
            for line in &mut lines {
                let rate = stage.rate(line.way).await;
                // The first one warms up.
                if round > 0 {
                    line.rates.push(rate);
                }
            }
        }
        figures::print(&question.name(), &lines);
        stage.end().await;
    }
}
