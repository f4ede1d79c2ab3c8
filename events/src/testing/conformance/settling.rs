//! Articles about messages until they are settled, and after.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::timeout;

use super::Transport;
use super::trial::{settle, text, trial};
use crate::format::Format as _;
use crate::source::{Incoming as _, Settlement};

/// How long it is waited for a message that must not come.
const DOUBT: Duration = Duration::from_millis(300);

pub(super) async fn is_settled(transport: &impl Transport) {
    let mut trial = trial(transport, "is-settled").await;
    trial.send(0..3).await;
    let mut incoming = trial.connect(10).await;
    for settlement in [Settlement::Ack, Settlement::Reject] {
        let next = trial.next(&mut incoming).await;
        trial.end(next, settlement).await;
    }
    let (requeued, received) = trial.next(&mut incoming).await;
    settle(trial.place, received, Settlement::Requeue).await;
    trial.send(3..4).await;
    let mut came = trial.acknowledged(&mut incoming, 1).await;
    if transport.requeues() || came == [text(&requeued)] {
        came.extend(trial.acknowledged(&mut incoming, 1).await);
        came.sort();
        let mut expected = [text(&requeued), "3".to_owned()];
        expected.sort();
        assert_eq!(came, expected, "`{}`: what was requeued, and what is new", trial.place);
    } else {
        assert_eq!(came, ["3"], "`{}`: what is new", trial.place);
    }
}

pub(super) async fn keeps_to_prefetch(transport: &impl Transport) {
    let place = "keeps-to-prefetch";
    let mut trial = trial(transport, place).await;
    trial.send(0..3).await;
    let mut incoming = trial.connect(2).await;
    let first = trial.next(&mut incoming).await;
    let second = trial.next(&mut incoming).await;
    let third = timeout(DOUBT, incoming.next()).await;
    assert!(third.is_err(), "`{place}`: a third message is under way, and `prefetch` is 2");
    let mut came = vec![text(&first.0), text(&second.0)];
    trial.end(first, Settlement::Ack).await;
    came.extend(trial.acknowledged(&mut incoming, 1).await);
    if transport.delivers_once() {
        trial.assert_came(came, 0..3, "room was made");
    }
    trial.end(second, Settlement::Ack).await;
}

pub(super) async fn comes_again(transport: &impl Transport) {
    let mut trial = trial(transport, "comes-again").await;
    trial.send(0..4).await;
    let mut incoming = trial.connect(3).await;
    let first = trial.next(&mut incoming).await;
    trial.end(first, Settlement::Ack).await;
    let kept = trial.next(&mut incoming).await;
    drop(incoming);
    drop(kept);
    let mut incoming = trial.connect(10).await;
    if transport.redelivers() {
        let left: BTreeSet<_> = (0..4).filter(|number: &u32| !trial.done.contains(&number.to_string())).collect();
        let mut came = trial.acknowledged(&mut incoming, 3).await;
        came.sort();
        trial.assert_came(came, left, "what was not settled");
    } else {
        trial.send(4..5).await;
        while trial.acknowledged(&mut incoming, 1).await != ["4"] {}
    }
}

/// What was settled for good stays so, whatever becomes of the connection.
pub(super) async fn stays_settled(transport: &impl Transport) {
    let mut trial = trial(transport, "stays-settled").await;
    trial.send(0..3).await;
    let mut incoming = trial.connect(10).await;
    for settlement in [Settlement::Ack, Settlement::Reject, Settlement::Ack] {
        let next = trial.next(&mut incoming).await;
        trial.end(next, settlement).await;
    }
    trial.close(incoming).await;
    let mut incoming = trial.connect(10).await;
    trial.send(3..4).await;
    let came = trial.acknowledged(&mut incoming, 1).await;
    trial.assert_came(came, 3..4, "over the next connection, what is new");
}

pub(super) async fn is_cancel_safe(transport: &impl Transport) {
    let mut trial = trial(transport, "is-cancel-safe").await;
    let place = trial.place;
    let mut incoming = trial.connect(100).await;
    let mut came = 0;
    for number in 0..50 {
        // Dropped where it stands, before there is a message and while one comes.
        while let Some(received) = pin!(incoming.next()).now_or_never() {
            let received = received.unwrap_or_else(|error| panic!("`{place}`: the connection was lost: {error}"));
            let envelope = trial.format.decode(received.message());
            let envelope = envelope.unwrap_or_else(|error| panic!("`{place}`: the message is no event: {error}"));
            came += usize::from(!trial.done.contains(&text(&envelope)) || transport.delivers_once());
            trial.end((envelope, received), Settlement::Ack).await;
        }
        trial.send(number..number + 1).await;
        tokio::task::yield_now().await;
    }
    let missing = 50 - came;
    let rest = trial.acknowledged(&mut incoming, missing).await;
    assert_eq!(missing, rest.len(), "`{place}`: each message once");
}
