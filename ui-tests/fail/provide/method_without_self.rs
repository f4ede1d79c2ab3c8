use events::provide;

struct Pool;

struct Kitchen;

impl Kitchen {
    #[provide]
    fn database() -> Pool {
        Pool
    }
}

fn main() {}
