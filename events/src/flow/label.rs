//! How things are named in a picture.

/// The name of a type, without its path and its parameters.
pub(super) fn type_name(path: &str) -> &str {
    if path.ends_with("{{closure}}") {
        return "closure";
    }
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::type_name;

    #[test]
    fn a_type_has_its_last_name() {
        let cases = [
            ("events::sink::built_in::Echo<std::io::stdio::Stdout>", "Echo"),
            ("app::main::{{closure}}", "closure"),
            ("app::post", "post"),
            ("u8", "u8"),
        ];
        for (given, told) in cases {
            assert_eq!(type_name(given), told, "{given}");
        }
    }
}
