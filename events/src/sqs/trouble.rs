//! What the service says that is not what was asked for.

use std::error::Error;
use std::fmt;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::BatchResultErrorEntry;

use super::bounded;
use crate::sink::SinkError;
use crate::source::SourceError;
use crate::telemetry::spans;
use crate::trust;
use crate::wire::shown;

/// Parts of the codes that say that another attempt may do: the service is busy or broken, or our credentials are renewed.
const PASSING: [&str; 9] = [
    "Throttl",
    "TooManyRequests",
    "LimitExceeded",
    "OverLimit",
    "SlowDown",
    "Unavailable",
    "Internal",
    "Expired",
    "Skewed",
];
/// Parts of the codes that say that the queue takes nothing from us at all.
const REFUSED: [&str; 4] = ["NonExistentQueue", "QueueDoesNotExist", "AccessDenied", "Kms"];

/// Why a call, or one entry of it, has failed.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    text: String,
    pub(super) kind: Kind,
    /// Whether there was no answer.
    is_late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Another attempt may do.
    Passing,
    /// It is not about what was asked, but about who asks, and whom.
    Refused,
    /// It is about what was asked.
    Unfit,
}

impl Trouble {
    pub(super) fn passing(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: Kind::Passing, is_late: false }
    }

    pub(super) fn late(text: impl Into<String>) -> Self {
        Self { is_late: true, ..Self::passing(text) }
    }

    /// The same for spans.
    pub(super) fn word(&self) -> &'static str {
        match self.kind {
            Kind::Passing if self.is_late => spans::TIMEOUT,
            Kind::Passing => spans::failed(false),
            Kind::Refused | Kind::Unfit => spans::failed(true),
        }
    }

    /// What was tried, and what came of it.
    pub(super) fn of_call<E: ProvideErrorMetadata + Error + 'static>(what: &str, error: &SdkError<E>) -> Self {
        let Some(code) = error.code() else {
            return Self::passing(trust::advised(format!("{what}: {}", shown(&cause(error))), error));
        };
        let is_broken = error.raw_response().is_some_and(|response| response.status().is_server_error());
        let kind = if is_broken { Kind::Passing } else { kind(code) };
        Self { text: format!("{what}: {}", said(code, error.message())), kind, is_late: false }
    }

    pub(super) fn of_entry(what: &str, entry: &BatchResultErrorEntry) -> Self {
        let kind = if entry.sender_fault() { kind(entry.code()) } else { Kind::Passing };
        Self { text: format!("{what}: {}", said(entry.code(), entry.message())), kind, is_late: false }
    }
}

fn kind(code: &str) -> Kind {
    let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    if has(&PASSING) {
        Kind::Passing
    } else if has(&REFUSED) {
        Kind::Refused
    } else {
        Kind::Unfit
    }
}

/// Without the name of the service before the code, which all of them have who speak of a queue.
fn said(code: &str, message: Option<&str>) -> String {
    let code = code.rsplit('.').next().unwrap_or(code);
    match message {
        Some(message) if !message.is_empty() => format!("{} ({})", shown(message), shown(code)),
        _ => shown(code),
    }
}

/// The last reason behind an error: those before it say that there is one.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    bounded::said(last).unwrap_or_else(|| last.to_string())
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Trouble> for SinkError {
    fn from(trouble: Trouble) -> Self {
        match trouble.kind {
            Kind::Passing => Self::new(trouble.text),
            Kind::Refused | Kind::Unfit => Self::permanent(trouble.text),
        }
    }
}

impl From<Trouble> for SourceError {
    fn from(trouble: Trouble) -> Self {
        Self::new(trouble.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(code: &str, fault: bool) -> Trouble {
        let entry = BatchResultErrorEntry::builder().id("1").code(code).sender_fault(fault).message("why").build();
        Trouble::of_entry("not sent", &entry.expect("all there"))
    }

    #[test]
    fn what_another_attempt_mends_is_told_from_what_it_does_not() {
        for (code, expected) in [
            ("RequestThrottled", Kind::Passing),
            ("ThrottlingException", Kind::Passing),
            ("KMS.ThrottlingException", Kind::Passing),
            ("KmsThrottled", Kind::Passing),
            ("ServiceUnavailable", Kind::Passing),
            ("InternalError", Kind::Passing),
            ("ExpiredTokenException", Kind::Passing),
            ("AWS.SimpleQueueService.NonExistentQueue", Kind::Refused),
            ("AccessDeniedException", Kind::Refused),
            ("KmsDisabled", Kind::Refused),
            ("InvalidMessageContents", Kind::Unfit),
            ("InvalidParameterValue", Kind::Unfit),
        ] {
            assert_eq!(entry(code, true).kind, expected, "{code}");
            assert_eq!(entry(code, false).kind, Kind::Passing, "{code}, which is not the sender's fault");
        }
        assert_eq!(entry("AWS.SimpleQueueService.A", true).to_string(), "not sent: why (A)");
    }
}
