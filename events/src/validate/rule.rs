//! What a broken rule says where its author has not said it.

use serde_json::Value;
use validator::ValidationError;

/// The rules of `validator`, in words that name their limits.
pub(super) fn message(broken: &ValidationError, value: Option<&str>) -> String {
    let limit = |name: &str| broken.params.get(name).filter(|limit| !limit.is_null());
    let needle = || limit("needle").map(ToString::to_string).unwrap_or_default();
    match &*broken.code {
        "length" => length(limit("equal"), limit("min"), limit("max"), value),
        "range" => range(limit("min"), limit("max"), limit("exclusive_min"), limit("exclusive_max")),
        "email" => "must be an e-mail address".into(),
        "url" => "must be a URL".into(),
        "ip" => "must be an IP address".into(),
        "credit_card" => "must be the number of a credit card".into(),
        "non_control_character" => "must be free of control characters".into(),
        "contains" => format!("must contain {}", needle()),
        "does_not_contain" => format!("must not contain {}", needle()),
        "must_match" => "must be equal to the field beside it".into(),
        "regex" => "must match the pattern of the rule".into(),
        "required" => "is missing".into(),
        code => format!("breaks the rule `{code}`"),
    }
}

fn length(equal: Option<&Value>, min: Option<&Value>, max: Option<&Value>, value: Option<&str>) -> String {
    let (one, many) = match value.and_then(|value| value.bytes().next()) {
        Some(b'"') => ("character", "characters"),
        Some(b'{') => ("entry", "entries"),
        _ => ("item", "items"),
    };
    let counted = |limit: &Value| format!("{limit} {}", if limit == 1 { one } else { many });
    match (equal, min, max) {
        (Some(equal), ..) => format!("must have exactly {}", counted(equal)),
        (_, Some(min), Some(max)) => format!("must have {min} to {}", counted(max)),
        (_, Some(min), None) => format!("must have at least {}", counted(min)),
        (_, None, Some(max)) => format!("must have at most {}", counted(max)),
        (None, None, None) => "has the wrong length".into(),
    }
}

fn range(min: Option<&Value>, max: Option<&Value>, above: Option<&Value>, below: Option<&Value>) -> String {
    if let (Some(min), Some(max), None, None) = (min, max, above, below) {
        return format!("must be from {min} to {max}");
    }
    let limits = [("at least", min), ("more than", above), ("at most", max), ("less than", below)];
    let limits = limits.into_iter().filter_map(|(word, limit)| Some(format!("{word} {}", limit?)));
    match limits.collect::<Vec<_>>().join(" and ") {
        limits if limits.is_empty() => "is out of range".into(),
        limits => format!("must be {limits}"),
    }
}
