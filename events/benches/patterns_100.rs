//! Does a dispatch cost the same with ten thousand patterns as with one? This binary declares a hundred
//! more, of one handler.
//!
//! The link table belongs to a binary, hence one binary for each number. Within each, the baseline knows no patterns,
//! so that its figures tell how busy the machine was. Instructions are counted as in the benchmark `dispatch`.
//!
//! ```text
//! cargo bench -p events --bench patterns_1 --bench patterns_100 --bench patterns_10000
//! ```

#[path = "support/clock.rs"]
mod clock;
mod patterns;
mod support;
#[path = "patterns/unrelated.rs"]
mod unrelated;

unrelated::unrelated! { [a] [a] }

fn main() {
    patterns::answer();
}
