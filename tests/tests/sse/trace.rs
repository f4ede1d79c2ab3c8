//! Traces lead through a stream, where it says them.

use std::time::Duration;

use events::{CloudEvents, Event, Lifespan, SourceExt as _, on};
use opentelemetry::trace::{SpanId, SpanKind};
use serde::{Deserialize, Serialize};

use crate::server::{AT_ONCE, Server};
use crate::told::{Story, start};
use crate::traced::{SPAN, TRACE, Traces, attributes, links, trace_of};

#[derive(Event, Serialize, Deserialize)]
struct TracedOrder(u32);

#[on]
async fn take(_: &TracedOrder) {}

#[tokio::test]
async fn a_stream_of_cloud_events_has_traces() {
    let traces = Traces::of_events();
    let server = Server::start().await;
    let source = server.source().called("orders").format(CloudEvents::structured()).continue_trace();
    let app = start(Lifespan::builder().source(source), &Story::new()).await;
    let mut connection = server.stream().await;
    let event = format!(
        r#"{{"specversion":"1.0","type":"traced-order","source":"/shop","id":"17","traceparent":"00-{TRACE}-{SPAN}-01","data":1}}"#
    );
    connection.say(format!("{AT_ONCE}data: {event}\n\n")).await;
    let settled = async {
        while traces.named("ack orders").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), settled).await.expect("it is settled");
    app.shutdown().await.expect("from outside");
    let process = traces.one("process orders");
    assert_eq!((process.span_kind.clone(), trace_of(&process).to_string()), (SpanKind::Consumer, TRACE.to_owned()));
    assert_eq!(links(&process), [SpanId::from_hex(SPAN).expect("an id")]);
    let said = attributes(&process);
    let address = server.address();
    assert_eq!((&*said["messaging.system"], &*said["messaging.message.id"]), ("sse", "17"));
    assert_eq!(
        (&said["server.address"], &said["server.port"]),
        (&address.ip().to_string(), &address.port().to_string())
    );
}
