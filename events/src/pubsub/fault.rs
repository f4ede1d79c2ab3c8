//! What went wrong in a call, and whether another attempt may mend it.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;

use prost::Message as _;
use tonic::Code;

use super::proto;
use crate::error::chain;
use crate::trust;
use crate::wire::shown;

/// Why the service has not done what it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    text: String,
    code: Code,
    is_transient: bool,
    is_broken: bool,
    /// What became of some acknowledgement ids, where the service answers for each.
    failures: HashMap<String, String>,
}

impl Fault {
    /// Nothing was reached, or nobody has answered.
    pub(super) fn unreachable(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            code: Code::Unavailable,
            is_transient: true,
            is_broken: true,
            failures: HashMap::new(),
        }
    }

    /// Credentials that are not there, or that nobody accepts.
    pub(super) fn unauthenticated(error: &(dyn Error + 'static), is_transient: bool) -> Self {
        let text = format!("no credentials: {}", chain(error));
        Self { text, code: Code::Unauthenticated, is_transient, is_broken: false, failures: HashMap::new() }
    }

    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            code: Code::InvalidArgument,
            is_transient: false,
            is_broken: false,
            failures: HashMap::new(),
        }
    }

    /// The connection could not be made.
    pub(super) fn connecting(host: &str, error: &(dyn Error + 'static)) -> Self {
        let text = format!("cannot connect to `{host}`: {}", chain(error));
        Self::unreachable(trust::advised(text, error))
    }

    /// An answer of the service, or what the client says instead of one. `role` is what the caller needs.
    pub(super) fn answered(status: &tonic::Status, role: &str) -> Self {
        let code = status.code();
        // A source is something that happened here: the service was not reached, or its answer was not.
        let is_broken = status.source().is_some();
        let said = status.source().map_or_else(|| status.message().to_owned(), chain);
        let hint = match code {
            _ if is_broken => String::new(),
            Code::NotFound => ": create it, or look at the name and the project".to_owned(),
            Code::PermissionDenied => format!(": grant `{role}`"),
            Code::Unauthenticated => ": look at the credentials".to_owned(),
            _ => String::new(),
        };
        let text = format!("{}: {}{hint}", name(code), shown(&said));
        Self { text, code, is_transient: is_broken || is_transient(code), is_broken, failures: failures(status) }
    }

    /// Says in front what was tried.
    pub(super) fn at(mut self, what: &str) -> Self {
        self.text = format!("{what}: {}", self.text);
        self
    }

    pub(super) fn is_transient(&self) -> bool {
        self.is_transient
    }

    /// Whether the connection is not to be used again.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether it may be the fault of one message among several.
    pub(super) fn is_of_one(&self) -> bool {
        self.code == Code::InvalidArgument
    }

    pub(super) fn failures(&self) -> &HashMap<String, String> {
        &self.failures
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What Google's table of error codes says can be tried again, and what a connection that is closed says.
fn is_transient(code: Code) -> bool {
    matches!(
        code,
        Code::Aborted
            | Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Internal
            | Code::ResourceExhausted
            | Code::Unavailable
            | Code::Unknown
    )
}

/// The code as the documentation of the service spells it.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// What the service says of single ids, when a subscription has exactly-once delivery.
fn failures(status: &tonic::Status) -> HashMap<String, String> {
    const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
    let details = proto::Status::decode(status.details()).map(|status| status.details).unwrap_or_default();
    let infos = details.into_iter().filter(|detail| detail.type_url == ERROR_INFO);
    let infos = infos.filter_map(|detail| proto::ErrorInfo::decode(detail.value).ok());
    let about_ids = |(_, reason): &(String, String)| reason.contains("_FAILURE_");
    infos.flat_map(|info| info.metadata).filter(about_ids).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_spelled_as_the_service_does() {
        assert_eq!(name(Code::NotFound), "NOT_FOUND");
        assert_eq!(name(Code::Unavailable), "UNAVAILABLE");
        let denied = Fault::answered(&tonic::Status::permission_denied("not you"), "roles/pubsub.publisher");
        assert_eq!(denied.to_string(), "PERMISSION_DENIED: not you: grant `roles/pubsub.publisher`");
        assert!(!denied.is_transient() && !denied.is_broken());
    }

    #[test]
    fn what_the_table_of_the_service_says_is_tried_again() {
        for (code, again) in [
            (Code::Aborted, true),
            (Code::Cancelled, true),
            (Code::DeadlineExceeded, true),
            (Code::Internal, true),
            (Code::ResourceExhausted, true),
            (Code::Unavailable, true),
            (Code::Unknown, true),
            (Code::AlreadyExists, false),
            (Code::FailedPrecondition, false),
            (Code::InvalidArgument, false),
            (Code::NotFound, false),
            (Code::OutOfRange, false),
            (Code::PermissionDenied, false),
            (Code::Unauthenticated, false),
            (Code::Unimplemented, false),
        ] {
            assert_eq!(Fault::answered(&tonic::Status::new(code, ""), "").is_transient(), again, "{code:?}");
        }
    }
}
