//! The service called in place.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;

use axum::body::Bytes;
use events::Lifespan;
use events::tower::EventsLayer;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, Service, service_fn};

use super::{Handled, LAYER, act};
use crate::support::operation::Work;

/// How many requests are answered before their events are waited for, as by a server with as many clients.
const AT_ONCE: u32 = 16;

type Answer = Ready<Result<Response<Full<Bytes>>, Infallible>>;

fn answer<const WAY: u8, const EVENTS: u32>(_: Request<()>) -> Answer {
    act::<WAY, EVENTS>();
    ready(Ok(Response::new(Full::new(Bytes::from_static(b"answer")))))
}

pub(crate) fn service<const WAY: u8, const EVENTS: u32>()
-> impl Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible, Future = Answer> + Send {
    service_fn(answer::<WAY, EVENTS>)
}

pub(crate) fn run<const WAY: u8, const EVENTS: u32>(app: Lifespan, times: u32) -> Work {
    let service = service::<WAY, EVENTS>();
    match WAY {
        LAYER => Box::pin(requests::<EVENTS, _, _>(EventsLayer::new(app).layer(service), times)),
        _ => Box::pin(requests::<EVENTS, _, _>(service, times)),
    }
}

async fn requests<const EVENTS: u32, S, B>(mut service: S, times: u32)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Error = Infallible>,
{
    let mut handled = Handled::new();
    for _ in 0..times / AT_ONCE {
        for _ in 0..AT_ONCE {
            request(&mut service).await;
        }
        handled.until(AT_ONCE * EVENTS).await;
    }
    for _ in 0..times % AT_ONCE {
        request(&mut service).await;
    }
    handled.until(times % AT_ONCE * EVENTS).await;
}

async fn request<S, B>(service: &mut S)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Error = Infallible>,
{
    let Ok(response) = service.call(Request::new(())).await;
    let mut body = pin!(response.into_body());
    while !body.is_end_stream() {
        body.frame().await;
    }
}
