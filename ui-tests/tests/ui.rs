//! Compiles every program of `fail` and compares the errors with the `.stderr` beside it; compiles and runs those of
//! `pass`. `TRYBUILD=overwrite cargo test -p events-ui-tests` writes the errors anew.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fail/*/*.rs");
    cases.pass("pass/*.rs");
}

/// The message of every first line of an error in the `.stderr` files.
fn messages() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["fail/event", "fail/every", "fail/on", "fail/provide", "fail/timed"] {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            if path.extension().is_some_and(|extension| extension == "stderr") {
                let text = std::fs::read_to_string(&path).expect("it can be read");
                let errors = text.lines().filter(|line| line.starts_with("error"));
                let message = |line: &str| line.split_once(": ").map(|(_, message)| message.to_owned());
                found.extend(errors.filter_map(message).map(|message| (path.display().to_string(), message)));
            }
        }
    }
    found
}

#[test]
fn every_message_has_its_place_in_the_guide() {
    let guide = include_str!("../../events/src/docs/compile_errors.md");
    let headings: Vec<String> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| heading.replace('[', "[[]").replace(" (it has ..)", "*").replace("..", "*"))
        .collect();
    let messages = messages();
    assert!(messages.len() > 60, "the folders are where they were");
    let undocumented: Vec<_> = messages
        .iter()
        .filter(|(_, message)| {
            let message = message.strip_prefix("evaluation panicked: ").unwrap_or(message);
            !headings.iter().any(|heading| events::Pattern::new(heading).matches(message))
        })
        .collect();
    assert!(undocumented.is_empty(), "{undocumented:#?}");
}
