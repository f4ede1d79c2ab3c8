//! Customers of every kind, who tell what they have seen.

use std::net::SocketAddr;

use serde_json::json;
use tokio::sync::mpsc;

use crate::client::{Client, post};

/// A name that no other order has, and how many fish.
pub(crate) type Order = (String, u32);

/// What customers have seen, one message for each request.
#[derive(Debug)]
pub(crate) enum Seen {
    Placed {
        id: i64,
        order: Order,
    },
    /// Went away: the order may have been placed.
    WentAway(Order),
    /// Went away before the request was complete.
    BrokeOff,
    /// The answer did not come, as the café has closed: the order may have been placed.
    Unanswered(Order),
    Refused,
    /// Its commit has failed.
    Haunted,
}

/// Sends requests of every kind, many over one connection, until the café is closed.
pub(crate) async fn customer(address: SocketAddr, number: usize, seen: mpsc::UnboundedSender<Seen>) {
    let mut kept = None;
    for turn in 0_u32.. {
        let client = match kept.take() {
            Some(client) => client,
            None => match Client::connect(address).await {
                Ok(client) => client,
                Err(_) => return,
            },
        };
        let order = (format!("cat {number}-{turn}"), turn % 10 + 1);
        // Not in step with the others, so that the end meets requests of every kind.
        let outcome = match (turn as usize + number) % 8 {
            2 => go_away(client, order, &mut kept, address, &seen).await,
            4 => break_off(client, &order).await,
            5 => ask(client, (order.0, 0), &mut kept).await,
            6 => ask(client, (format!("ghost of {}", order.0), order.1), &mut kept).await,
            _ => ask(client, order, &mut kept).await,
        };
        seen.send(outcome).expect("the test listens");
    }
}

fn request((cat, fish): &Order) -> String {
    post(&json!({ "cat": cat, "fish": fish }).to_string())
}

/// Sends an order over each of two connections, and closes one as soon as the other has been answered. The café works on
/// both at about the same time, so that this may come at any moment of the work.
async fn go_away(
    mut client: Client,
    order: Order,
    kept: &mut Option<Client>,
    address: SocketAddr,
    seen: &mpsc::UnboundedSender<Seen>,
) -> Seen {
    let faithful = (format!("{} of two", order.0), order.1);
    let Ok(mut leaving) = Client::connect(address).await else { return Seen::BrokeOff };
    let both = client.send(&request(&faithful)).await.and(leaving.send(&request(&order)).await);
    let faithful = match both {
        Ok(()) => answered(client, faithful, kept).await,
        Err(_) => Seen::Unanswered(faithful),
    };
    seen.send(faithful).expect("the test listens");
    drop(leaving);
    Seen::WentAway(order)
}

async fn break_off(mut client: Client, order: &Order) -> Seen {
    let request = request(order);
    // Refused or not: the café is not to be told more.
    let _ = client.send(&request[..request.len() - 5]).await;
    Seen::BrokeOff
}

async fn ask(mut client: Client, order: Order, kept: &mut Option<Client>) -> Seen {
    match client.send(&request(&order)).await {
        Ok(()) => answered(client, order, kept).await,
        Err(_) => Seen::Unanswered(order),
    }
}

async fn answered(mut client: Client, order: Order, kept: &mut Option<Client>) -> Seen {
    let Ok(answer) = client.answer().await else { return Seen::Unanswered(order) };
    if !answer.closes {
        *kept = Some(client);
    }
    match (answer.status, &order) {
        (422, (_, 0)) => Seen::Refused,
        (500, (cat, _)) if cat.starts_with("ghost") => Seen::Haunted,
        (201, _) => Seen::Placed { id: answer.json()["id"].as_i64().expect("a number"), order },
        _ => panic!("{order:?}: {answer:?}"),
    }
}
