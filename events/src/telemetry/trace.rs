//! The trace that an event belongs to. Without the feature `otel` nothing is left of it.

#[cfg(not(feature = "otel"))]
pub(crate) use absent::Trace;
#[cfg(feature = "otel")]
pub(crate) use present::Trace;

#[cfg(not(feature = "otel"))]
#[expect(clippy::unused_self, reason = "as `present::Trace`")]
mod absent {
    use tracing::Span;

    #[derive(Clone, Debug, Default)]
    pub(crate) struct Trace;

    impl Trace {
        pub(crate) fn current() -> Self {
            Self
        }

        pub(crate) fn or(self, _: &Self) -> Self {
            self
        }

        pub(crate) fn is_none(&self) -> bool {
            true
        }

        pub(crate) fn read(_parent: Option<&str>, _state: Option<&str>) -> Self {
            Self
        }

        pub(crate) fn write(&self) -> Option<(String, Option<String>)> {
            None
        }

        pub(crate) fn of(_: &Span) -> Self {
            Self
        }

        pub(crate) fn adopt(&self, _: &Span) {}

        pub(crate) fn link(&self, _: &Span) {}
    }
}

#[cfg(feature = "otel")]
mod present {
    use std::sync::Arc;

    use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    /// Where in a trace something stands; nowhere, mostly, where nobody traces.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Trace(Option<Arc<SpanContext>>);

    /// The flags of W3C Trace Context, level 2, that are passed on: sampled, and random.
    const FLAGS: u8 = 0b11;
    /// Of a `traceparent` of whatever version, this much has a meaning that is known.
    const KNOWN_LEN: usize = 55;

    impl Trace {
        /// The span that the caller stands in.
        pub(crate) fn current() -> Self {
            let current = Self::of(&Span::current());
            // Spans of OpenTelemetry itself, which are in no subscriber of `tracing`.
            if current.0.is_some() { current } else { opentelemetry::Context::map_current(Self::in_context) }
        }

        /// A span.
        pub(crate) fn of(span: &Span) -> Self {
            if span.is_none() { Self::default() } else { Self::in_context(&span.context()) }
        }

        fn in_context(context: &opentelemetry::Context) -> Self {
            let known = context.has_active_span().then(|| context.span().span_context().clone());
            Self(known.filter(SpanContext::is_valid).map(Arc::new))
        }

        pub(crate) fn is_none(&self) -> bool {
            self.0.is_none()
        }

        pub(crate) fn or(self, other: &Self) -> Self {
            if self.0.is_some() { self } else { other.clone() }
        }

        /// Reads `traceparent` and `tracestate` as W3C Trace Context, level 2, says: what is broken is no trace, and a state
        /// is nothing without a parent.
        pub(crate) fn read(parent: Option<&str>, state: Option<&str>) -> Self {
            let Some((trace, span, flags)) = parent.and_then(read_parent) else { return Self::default() };
            // The library takes members without a key.
            let named = |state: &&str| state.split(',').all(|member| !member.trim_ascii().starts_with('='));
            let state = state.filter(named).and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
            let context = SpanContext::new(trace, span, flags, true, state);
            Self(Some(context).filter(SpanContext::is_valid).map(Arc::new))
        }

        /// The texts of `traceparent` and `tracestate`.
        pub(crate) fn write(&self) -> Option<(String, Option<String>)> {
            let context = self.0.as_deref()?;
            let flags = context.trace_flags().to_u8() & FLAGS;
            let parent = format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id());
            Some((parent, Some(context.trace_state().header()).filter(|state| !state.is_empty())))
        }

        /// Makes a span, which nobody has entered yet, a child of this one.
        pub(crate) fn adopt(&self, span: &Span) {
            let Some(context) = &self.0 else { return };
            let parent = opentelemetry::Context::new().with_remote_span_context(SpanContext::clone(context));
            // A span that nobody looks at has no parent.
            let _ = span.set_parent(parent);
        }

        /// Says that a span has to do with this one.
        pub(crate) fn link(&self, span: &Span) {
            if let Some(context) = &self.0 {
                span.add_link(SpanContext::clone(context));
            }
        }
    }

    fn read_parent(text: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
        let (known, rest) = text.split_at_checked(KNOWN_LEN)?;
        let parts: Vec<_> = known.split('-').collect();
        let &[version, trace, span, flags] = parts.as_slice() else { return None };
        let is_hex =
            |text: &str, len| text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_known = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
        let is_ended = rest.is_empty() || (version != "00" && rest.starts_with('-'));
        if !is_known || version == "ff" || !is_ended {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()? & FLAGS;
        Some((TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?, TraceFlags::new(flags)))
    }

    #[cfg(test)]
    mod tests {
        use super::Trace;

        const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

        fn again(parent: &str, state: Option<&str>) -> Option<(String, Option<String>)> {
            Trace::read(Some(parent), state).write()
        }

        #[test]
        fn a_trace_is_written_as_it_was_read() {
            let written = again(TRACE, Some("vendor=one,other=two"));
            assert_eq!(written, Some((TRACE.into(), Some("vendor=one,other=two".into()))));
            let random = TRACE.replace("-01", "-03");
            assert_eq!(again(&random, None), Some((random.clone(), None)), "random trace ids are passed on");
        }

        #[test]
        fn flags_without_a_meaning_are_not_passed_on() {
            assert_eq!(again(&TRACE.replace("-01", "-fd"), None), Some((TRACE.into(), None)));
        }

        #[test]
        fn later_versions_are_read_as_far_as_they_are_known() {
            let later = TRACE.replacen("00-", "cc-", 1);
            assert_eq!(again(&later, None), Some((TRACE.into(), None)));
            assert_eq!(again(&format!("{later}-what-follows"), None), Some((TRACE.into(), None)));
            assert_eq!(again(&format!("{later}x"), None), None, "no dash");
            assert_eq!(again(&format!("{TRACE}-what-follows"), None), None, "version 00 has no more");
        }

        #[test]
        fn what_is_broken_is_no_trace() {
            let zero = |n: usize| "0".repeat(n);
            for broken in [
                String::new(),
                TRACE[..54].into(),
                TRACE.to_uppercase(),
                TRACE.replacen("00-", "ff-", 1),
                TRACE.replace("0af7651916cd43dd8448eb211c80319c", &zero(32)),
                TRACE.replace("b7ad6b7169203331", &zero(16)),
                TRACE.replace('-', "_"),
                TRACE.replace("-01", "-0g"),
                TRACE.replace("-01", "-+1"),
                "é".repeat(28),
            ] {
                assert_eq!(again(&broken, Some("vendor=one")), None, "{broken}");
            }
            assert!(Trace::read(None, Some("vendor=one")).write().is_none(), "a state alone");
            for broken in ["= ,,", "=one", "Vendor=one", "vendor"] {
                assert_eq!(again(TRACE, Some(broken)), Some((TRACE.into(), None)), "a broken state costs no trace");
            }
        }
    }
}
