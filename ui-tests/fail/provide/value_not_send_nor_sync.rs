use events::provide;

#[provide]
fn names() -> std::rc::Rc<str> {
    "Tom".into()
}

fn main() {}
