use std::borrow::Cow;

use events::provide;

#[provide]
fn url() -> String {
    String::new()
}

#[provide]
fn host(#[depends(url)] url: &str) -> Cow<'_, str> {
    url.into()
}

fn main() {}
