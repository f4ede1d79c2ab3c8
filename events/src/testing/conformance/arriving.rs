//! Articles about what is sent.

use std::time::{Duration, SystemTime};

use super::Transport;
use super::trial::{numbered, settle, text, trial};
use crate::envelope::Envelope;
use crate::format::Format as _;
use crate::source::Settlement;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub(super) async fn arrives_whole(transport: &impl Transport) {
    let place = "arrives-whole";
    let mut trial = trial(transport, place).await;
    let payloads =
        ["null".to_owned(), r#"{"text":"ü \"quoted\" \n"}"#.to_owned(), format!("\"{}\"", "x".repeat(65_536))];
    let mut incoming = trial.connect(10).await;
    for payload in payloads {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let sent = Envelope::new(&format!("{place}.кот"), payload).with_id("id 1").with_time(time).with_hops(3);
        let sent = sent.with_origin("/conformance").with_correlation("c-1").with_causation("b-1").with_version(2);
        let sent = sent.with_partition_key("k-1").with_trace(TRACE, Some("a=b"));
        let came = trial.round_trip(&mut incoming, &sent).await;
        assert_eq!(chain(&came), chain(&sent), "`{place}`: identity, correlation, causation and hops");
        assert_eq!(said(&came), said(&sent), "`{place}`: name, origin, media type, version and time");
        assert_eq!(came.partition_key(), sent.partition_key(), "`{place}`: the partition key");
        let trace = (came.trace_parent(), came.trace_state());
        assert_eq!(trace, (sent.trace_parent(), sent.trace_state()), "`{place}`: the trace");
    }
}

fn chain(of: &Envelope) -> (String, String, Option<String>, u32) {
    (of.id().to_string(), of.correlation().to_string(), of.causation().map(ToString::to_string), of.hops())
}

fn said(of: &Envelope) -> (&str, &str, &str, Option<u32>, SystemTime) {
    (of.name(), of.origin(), of.content_type(), of.version(), of.time())
}

/// Whatever the payload is, where the transport takes it.
pub(super) async fn arrives_in_bytes(transport: &impl Transport) {
    let mut trial = trial(transport, "arrives-in-bytes").await;
    let mut incoming = trial.connect(10).await;
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    for (payload, media_type) in [(all_bytes, "application/octet-stream"), (b"2 fish".to_vec(), "text/plain")] {
        let place = trial.place;
        let sent = Envelope::new(&format!("{place}.sent"), payload).with_id("1").with_origin("/conformance");
        let sent = sent.with_content_type(media_type);
        let came = trial.round_trip(&mut incoming, &sent).await;
        assert_eq!(came.content_type(), media_type, "`{place}`: the media type");
    }
}

pub(super) async fn arrives_in_order(transport: &impl Transport) {
    let mut trial = trial(transport, "arrives-in-order").await;
    trial.send(0..250).await;
    let mut incoming = trial.connect(50).await;
    let came = trial.acknowledged(&mut incoming, 250).await;
    trial.assert_came(came, 0..250, "once, in order");
}

/// What cannot be sent is answered for, and keeps nothing else back.
pub(super) async fn leaves_the_others(transport: &impl Transport) {
    let mut trial = trial(transport, "leaves-the-others").await;
    let mut batch = numbered(trial.place, 0..3);
    // More than any format of this crate writes; another one may.
    batch[1] = batch[1].clone().with_hops(u32::MAX);
    let answers = trial.send_all(&batch).await;
    let mut sent = Vec::new();
    for (answer, number) in answers.into_iter().zip(0..) {
        match answer {
            Ok(()) => sent.push(number),
            Err(_) if number == 1 => {}
            Err(error) => panic!("`{}`: one that can be sent was not: {error}", trial.place),
        }
    }
    let mut incoming = trial.connect(10).await;
    let came = trial.acknowledged(&mut incoming, sent.len()).await;
    trial.assert_came(came, sent, "what was sent");
}

/// What is no event is a message like others, which is settled, and others follow.
pub(super) async fn lives_with_the_malformed(transport: &impl Transport) {
    let mut trial = trial(transport, "lives-with-the-malformed").await;
    if !transport.put(trial.place, b"{\"half").await {
        return;
    }
    trial.send(0..1).await;
    let mut incoming = trial.connect(10).await;
    let (mut malformed, mut came) = (0, Vec::new());
    while came.is_empty() || malformed == 0 {
        let received = trial.receive(&mut incoming).await;
        match trial.format.decode(received.message()) {
            Ok(envelope) => {
                came.push(text(&envelope));
                trial.end((envelope, received), Settlement::Ack).await;
            }
            Err(_) => {
                malformed += 1;
                settle(trial.place, received, Settlement::Reject).await;
            }
        }
    }
    came.dedup();
    trial.assert_came(came, 0..1, "the event behind it");
}
