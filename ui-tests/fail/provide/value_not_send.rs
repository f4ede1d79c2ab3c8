use events::provide;

#[provide]
fn names() -> std::sync::MutexGuard<'static, u32> {
    panic!()
}

fn main() {}
