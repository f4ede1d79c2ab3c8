use events::provide;

struct Pool;

#[provide]
async fn database() -> Pool {
    let name = std::rc::Rc::new(7);
    std::future::ready(()).await;
    drop(name);
    Pool
}

fn main() {}
