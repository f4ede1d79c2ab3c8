//! What happens in the café: its events, and the functions that are called for them.

use events::{AnyEvent, Event, Failure, every, on};
use serde::Serialize;
use sqlx::query;
use validator::Validate;

use crate::database::{self, Transaction};
use crate::tell;

const CENTS_A_FISH: u32 = 150;

#[derive(Debug, Event, Serialize, Validate)]
pub(crate) struct OrderPlaced {
    pub(crate) order: i64,
    #[validate(length(min = 1, max = 100, message = "a cat has a name of 1 to 100 characters"))]
    pub(crate) cat: String,
    #[validate(range(min = 1, max = 10, message = "an order is of 1 to 10 fish"))]
    pub(crate) fish: u32,
}

#[derive(Debug, Event, Serialize)]
struct FishServed {
    order: i64,
    fish: u32,
}

#[on]
async fn cook(
    order: &OrderPlaced,
    #[depends(database::transaction)] mut transaction: Transaction,
) -> Result<FishServed, sqlx::Error> {
    let cook = query("UPDATE orders SET state = 'cooked' WHERE id = ? AND state = 'placed'").bind(order.order);
    if cook.execute(&mut *transaction).await?.rows_affected() != 1 {
        return Err(sqlx::Error::RowNotFound);
    }
    transaction.commit().await?;
    Ok(FishServed { order: order.order, fish: order.fish })
}

#[on]
async fn bill(
    served: &FishServed,
    #[depends(database::transaction)] mut transaction: Transaction,
) -> Result<(), sqlx::Error> {
    let cents = served.fish * CENTS_A_FISH;
    let bill = query("INSERT INTO bills (order_id, cents) VALUES (?, ?)").bind(served.order).bind(cents);
    bill.execute(&mut *transaction).await?;
    transaction.commit().await
}

#[on("*")]
async fn audit(
    event: &AnyEvent,
    #[depends(database::transaction)] mut transaction: Transaction,
) -> Result<(), sqlx::Error> {
    query("INSERT INTO audit (event, chain, name, payload) VALUES (?, ?, ?, ?)")
        .bind(event.id().to_string())
        .bind(event.correlation().to_string())
        .bind(event.name())
        .bind(event.json().to_string())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

#[every("1h")]
async fn forget_old_audits(#[depends(database::transaction)] mut transaction: Transaction) -> Result<(), sqlx::Error> {
    query("DELETE FROM audit WHERE at < unixepoch('now', '-30 days')").execute(&mut *transaction).await?;
    transaction.commit().await
}

#[on(failure)]
fn report(failure: &Failure) {
    tell(failure);
}
