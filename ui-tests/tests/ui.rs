//! Compiles every program of `fail` and compares the errors with the `.stderr` beside it; compiles and runs those of
//! `pass`. `TRYBUILD=overwrite cargo test -p events-ui-tests` writes the errors anew.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fail/*/*.rs");
    cases.pass("pass/*.rs");
}
