//! The matcher beside `CPython`'s own answers (`tests/data/fnmatch.py` asks for them).

use events::Pattern;

const ANSWERS: &str = include_str!("../data/fnmatch.txt");

#[test]
fn agrees_with_cpython_on_a_million_answers() {
    let mut lines = ANSWERS.lines();
    let names: Vec<String> = serde_json::from_str(lines.next().expect("the line of names")).expect("a list");
    let mut compared = 0;
    let mut wrong = Vec::new();
    for line in lines {
        let (pattern, bits) = line.split_once('\t').expect("a pattern and its answers");
        let pattern: String = serde_json::from_str(pattern).expect("a JSON string");
        let bits = u128::from_str_radix(bits, 16).expect("a hexadecimal number");
        for (i, name) in names.iter().enumerate() {
            let python = bits >> i & 1 == 1;
            compared += 1;
            if Pattern::new(&pattern).matches(name) != python {
                wrong.push(format!("{pattern:?} against {name:?}: Python says {python}"));
            }
        }
    }
    assert!(compared > 1_000_000, "only {compared} answers were compared");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}
