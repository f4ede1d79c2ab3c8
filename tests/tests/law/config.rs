//! How the laws are tried.

use proptest::test_runner::{Config, FileFailurePersistence};

/// So many cases, or as many as `PROPTEST_CASES` wants.
pub(crate) fn config(cases_in_ci: u32, source_file: &'static str) -> Config {
    let cases_wanted = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    Config {
        cases: cases_wanted.unwrap_or(cases_in_ci),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        source_file: Some(source_file),
        max_shrink_iters: 20_000,
        ..Config::default()
    }
}
