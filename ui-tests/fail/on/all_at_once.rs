use events::{Event, on};

#[on("cat*", "", ordr = 1, now, now, timeout = "soon")]
async unsafe fn feed<E: Event>(_: &mut E) -> impl Send {}

fn main() {}
