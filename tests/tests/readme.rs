//! The README shows the program that `cargo run --example quickstart` runs.

#[test]
fn the_readme_has_the_quickstart_word_for_word() {
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("```rust\n").expect("the README begins with a program");
    let (shown, _) = after.split_once("```").expect("the block ends");
    let example = include_str!("../../examples/quickstart.rs");
    let (_, program) = example.split_once("\n\n").expect("the module's doc comes first");
    assert_eq!(shown, program);
}
