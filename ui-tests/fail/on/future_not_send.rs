use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*")]
async fn feed(event: &CatFed) {
    let bowl = std::rc::Rc::new(event.fish);
    std::future::ready(()).await;
    println!("{bowl}");
}

fn main() {}
