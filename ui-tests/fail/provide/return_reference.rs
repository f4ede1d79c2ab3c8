use events::provide;

#[provide]
fn url() -> String {
    String::new()
}

#[provide]
fn host(#[depends(url)] url: &str) -> &str {
    url
}

fn main() {}
