use events::provide;

struct Pool;

struct Kitchen;

impl Kitchen {
    #[provide]
    fn database(&self) -> Pool {
        Pool
    }
}

fn main() {}
