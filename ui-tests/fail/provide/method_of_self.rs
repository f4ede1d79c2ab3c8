use events::provide;

struct Pool;

impl Pool {
    #[provide]
    async fn open() -> Result<Self, std::io::Error> {
        Ok(Pool)
    }
}

fn main() {}
