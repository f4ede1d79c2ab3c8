//! The program of the README, word for word.

use events::{AnyEvent, Event, Lifespan, dispatch, on};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
#[event(name = "cat-requested-a-fish")]
struct CatRequestedAFish {
    #[validate(length(min = 1))]
    cat: String,
    #[validate(range(min = 1, max = 10))]
    fish: u32,
}

#[derive(Debug, Event, Serialize, Deserialize)]
struct FishServed {
    cat: String,
}

#[on("cat*")]
async fn serve(event: &CatRequestedAFish) -> FishServed {
    println!("{} fish for {}", event.fish, event.cat);
    FishServed { cat: event.cat.clone() } // what a handler returns is dispatched in turn
}

#[on("*")]
fn audit(event: &AnyEvent) {
    println!("{} {}", event.name(), event.json());
}

#[tokio::main]
async fn main() -> Result<(), events::Error> {
    let app = Lifespan::builder().start().await?;
    app.scope(async {
        dispatch(CatRequestedAFish { cat: "Tom".into(), fish: 2 }) // queued; delivered when the scope ends
    })
    .await?;
    app.shutdown().await?; // drains, then stops
    Ok(())
}
