use events::provide;

#[provide]
fn url() -> String {
    String::new()
}

#[provide]
fn host(#[depends(url)] url: &str) -> Result<&str, std::fmt::Error> {
    Ok(url)
}

fn main() {}
