//! What becomes of messages.

use std::time::Duration;

use events::sqs::aws_sdk_sqs::types::MessageSystemAttributeName;
use events::{Event, Lifespan, Mark, Message, ScopeValue, SourceExt as _, State, on};
use serde::Deserialize;

use crate::support::{Log, start_with};
use crate::{moto, until};

#[derive(Event, Deserialize)]
struct Letter(u32);

/// What each number means.
#[on]
async fn read(event: &Letter, mark: Mark, raw: ScopeValue<Message>, log: State<Log>) -> Result<(), String> {
    let receives = raw.header("sqs-approximate-receive-count").unwrap_or("-");
    log.write(format!("{} {receives}", event.0));
    match (event.0, receives) {
        (1, _) => mark.reject(),
        (2, "1") => mark.requeue(),
        (3, "1") => return Err("no mark".into()),
        (4, _) => return Err("never".into()),
        _ => {}
    }
    Ok(())
}

const AT_ONCE: std::ops::RangeInclusive<Duration> = Duration::ZERO..=Duration::ZERO;

#[tokio::test]
async fn acknowledged_is_gone_requeued_comes_again_and_rejected_goes_to_the_dead_letters() {
    let Some(moto) = moto::shared() else { return };
    for name in ["letters", "letters.fifo"] {
        let (url, dead) = moto.queue_with_dead_letters(name, 3).await;
        for (group, body) in ["0", "1", "2", "3", "no number"].into_iter().enumerate() {
            let mut call = moto.client().send_message().queue_url(&url).message_body(body);
            call = call.message_attributes("colour", moto::text("blue"));
            if moto::is_fifo(name) {
                call = call.message_group_id(format!("g{group}")).message_deduplication_id(body);
            }
            call.send().await.expect("sent");
        }
        let source = moto.sqs().source(name).requeue_after(AT_ONCE).wait(Duration::ZERO).named("letter");
        let (app, log) = start_with(Lifespan::builder().source(source)).await;
        let all = ["0 1", "1 1", "2 1", "2 2", "3 1", "3 2"];
        until("all were handled", async || all.iter().all(|line| log.count(line) == 1)).await;
        until("all were settled", async || (moto.len(&url).await, moto.len(&dead).await) == (0, 2)).await;
        app.shutdown().await.expect("from outside");
        assert_eq!(log.take().len(), all.len());
        let dead = [moto.take(&dead).await, moto.take(&dead).await];
        let mut bodies = dead.each_ref().map(|message| message.body().unwrap_or_default());
        bodies.sort_unstable();
        assert_eq!(bodies, ["1", "no number"]);
        for message in &dead {
            let attribute = message.message_attributes().and_then(|all| all.get("colour"));
            assert_eq!(attribute.and_then(|value| value.string_value()), Some("blue"));
            let group = message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
            assert_eq!(group.is_some_and(|group| group == "g1" || group == "g4"), moto::is_fifo(name));
        }
    }
}

#[tokio::test]
async fn what_fails_too_often_is_moved_to_the_dead_letters_by_the_service() {
    let Some(moto) = moto::shared() else { return };
    let (url, dead) = moto.queue_with_dead_letters("hopeless", 3).await;
    moto.put(&url, "4", &[]).await;
    let source = moto.sqs().source("hopeless").requeue_after(AT_ONCE).wait(Duration::ZERO).named("letter");
    let (app, log) = start_with(Lifespan::builder().source(source)).await;
    until("it was moved", async || moto.len(&dead).await == 1).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["4 1", "4 2", "4 3"]);
    assert_eq!(moto.len(&url).await, 0);
}

#[tokio::test]
async fn rejected_is_gone_where_there_are_no_dead_letters_and_goes_where_the_source_says() {
    let Some(moto) = moto::shared() else { return };
    let (plain, named, dead) =
        (moto.queue("plain", &[]).await, moto.queue("named", &[]).await, moto.queue("elsewhere", &[]).await);
    for url in [&plain, &named] {
        moto.put(url, "1", &[]).await;
    }
    let builder = Lifespan::builder().source(moto.sqs().source(&plain).named("letter"));
    let builder = builder.source(moto.sqs().source(&named).dead_letters("elsewhere").named("letter"));
    let (app, log) = start_with(builder).await;
    until("both are gone", async || (moto.len(&plain).await, moto.len(&named).await) == (0, 0)).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["1 1", "1 1"]);
    assert_eq!(moto.take(&dead).await.body(), Some("1"));
}

#[tokio::test]
async fn a_rejected_message_stays_where_it_cannot_be_copied() {
    let Some(moto) = moto::shared() else { return };
    let url = moto.queue("stays", &[]).await;
    moto.put(&url, "1", &[]).await;
    let source = moto.sqs().source(&url).dead_letters("not-there").visibility(Duration::from_secs(1)).named("letter");
    let (app, log) = start_with(Lifespan::builder().source(source)).await;
    until("it came again", async || log.count("1 2") == 1).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(moto.len(&url).await, 1);
}
