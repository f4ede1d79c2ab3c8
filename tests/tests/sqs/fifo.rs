//! The order of groups, whatever fails.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use events::{Event, Lifespan, SinkExt as _, SourceExt as _, State, dispatch, on};
use serde::{Deserialize, Serialize};

use crate::support::start_with;
use crate::{moto, until};

#[derive(Clone, Event, Serialize, Deserialize)]
struct Move {
    piece: String,
    number: u32,
}

/// The moves of each piece that were made, and how often one was tried.
#[derive(Debug, Default)]
struct Board {
    made: Mutex<BTreeMap<String, Vec<u32>>>,
    tries: Mutex<BTreeMap<(String, u32), u32>>,
}

/// Fails now and then: every third move at first, and one of them twice.
#[on]
async fn make(event: &Move, board: Option<State<Board>>) -> Result<(), String> {
    let board = board.expect("these tests have one");
    tokio::time::sleep(Duration::from_millis(u64::from(event.number * 7 % 5))).await;
    let mut tries = board.tries.lock().expect("nobody panics");
    let times = tries.entry((event.piece.clone(), event.number)).or_default();
    *times += 1;
    if event.number.is_multiple_of(3) && *times <= event.number / 3 % 2 + 1 {
        return Err("not yet".into());
    }
    board.made.lock().expect("nobody panics").entry(event.piece.clone()).or_default().push(event.number);
    Ok(())
}

#[tokio::test]
async fn handlers_that_fail_break_no_group_s_order() {
    let Some(moto) = moto::shared() else { return };
    let url = moto.queue("moves.fifo", &[]).await;
    let sink = moto.sqs().sink("moves.fifo").grouped_by(|event| {
        event
            .event()
            .and_then(|event| event.downcast_ref::<Move>())
            .map_or_else(String::new, |event| event.piece.clone())
    });
    let (player, _) = start_with(Lifespan::builder().sink("move", sink.only())).await;
    let pieces = ["rook", "king", "pawn"];
    player
        .scope(async {
            for number in 0..12 {
                for piece in pieces {
                    dispatch(Move { piece: piece.to_owned(), number }).expect("accepted");
                }
            }
        })
        .await;
    player.shutdown().await.expect("from outside");
    let source = moto.sqs().source(&url).wait(Duration::ZERO).requeue_after(Duration::ZERO..=Duration::ZERO);
    let builder = Lifespan::builder().source(source.prefetch(30)).state(Board::default());
    let (app, _) = start_with(builder).await;
    until("all were made", async || moto.len(&url).await == 0).await;
    let board = app.state::<Board>().expect("it was given");
    app.shutdown().await.expect("from outside");
    let made = board.made.lock().expect("nobody panics").clone();
    assert_eq!(made, pieces.map(|piece| (piece.to_owned(), (0..12).collect())).into());
}
