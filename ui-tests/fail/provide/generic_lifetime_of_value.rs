use events::provide;

#[provide]
fn name<'a>() -> std::borrow::Cow<'a, str> {
    "Tom".into()
}

fn main() {}
