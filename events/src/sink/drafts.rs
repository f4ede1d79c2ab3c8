//! Events on their way into requests: what cannot be written is answered for beside what was sent.

use super::SinkError;
use crate::envelope::Envelope;

/// What could be written of some events, and an answer for each of the others.
pub(crate) struct Drafts<D> {
    pub(crate) all: Vec<D>,
    answers: Vec<Result<(), SinkError>>,
}

impl<D> Drafts<D> {
    pub(crate) fn of(envelopes: &[Envelope], draft: impl Fn(&Envelope) -> Result<D, SinkError>) -> Self {
        let (mut answers, mut all) = (Vec::with_capacity(envelopes.len()), Vec::with_capacity(envelopes.len()));
        for envelope in envelopes {
            answers.push(draft(envelope).map(|draft| all.push(draft)));
        }
        Self { all, answers }
    }

    /// The answers for all events in their order, by those for the drafts.
    pub(crate) fn answered(self, sent: Vec<Result<(), SinkError>>) -> Vec<Result<(), SinkError>> {
        let Self { mut answers, .. } = self;
        let mut sent = sent.into_iter();
        for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
            *answer = sent.next().unwrap_or(Ok(()));
        }
        answers
    }
}
