use events::provide;

#[provide]
fn database<T: Default>() -> T {
    T::default()
}

fn main() {}
