use events::timed;

#[timed]
const fn import() -> u32 {
    7
}

fn main() {}
