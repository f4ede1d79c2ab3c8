//! A scope for each request, called as a service: every way in which a response and its body may end.

mod layer_support;

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use events::tower::{EventsBody, EventsLayer, EventsService, ResponseFuture};
use events::{DispatchError, Lifespan, Scope, dispatch};
use futures_util::FutureExt as _;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use layer_support::{Heard, TellsWhenDropped, Told, start, tell};
use tokio::io::AsyncWriteExt as _;
use tower::{Layer, Service, ServiceExt, service_fn};

type Frames = std::vec::IntoIter<Result<Frame<Bytes>, &'static str>>;

/// A body of so many frames, each told of; it tells of its end as well.
struct Telling {
    frames: Frames,
    _last: TellsWhenDropped,
}

impl Body for Telling {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        let frame = self.frames.next();
        if frame.is_some() {
            tell("frame");
        }
        Poll::Ready(frame)
    }
}

fn data(text: &'static str) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(text.as_bytes()))
}

fn of_frames(frames: Vec<Result<Frame<Bytes>, &'static str>>) -> Telling {
    Telling { frames: frames.into_iter(), _last: TellsWhenDropped("end") }
}

/// The response that a request with nothing in it gets.
async fn answer<S, B>(service: S) -> Result<Response<B>, S::Error>
where
    S: Service<Request<()>, Response = Response<B>>,
{
    service.oneshot(Request::new(())).await
}

/// What is delivered until the lifespan has ended.
async fn ended(app: Lifespan, mut heard: Heard) -> Vec<String> {
    assert!(app.shutdown().await.expect("from outside").is_clean());
    heard.rest()
}

#[tokio::test]
async fn the_scope_ends_with_the_body() {
    let (app, mut heard) = start().await;
    let service = EventsLayer::new(app.clone()).layer(service_fn(async |_: Request<()>| {
        tell("call");
        let trailers = Ok(Frame::trailers(HeaderMap::new()));
        Ok::<_, Infallible>(Response::new(of_frames(vec![Ok(data("one")), Ok(data("two")), trailers])))
    }));
    let mut body = answer(service).await.expect("it answers").into_body();
    for n in 0..3 {
        let frame = body.frame().await.expect("there are three").expect("all are good");
        assert_eq!((frame.is_data(), body.is_end_stream()), (n < 2, false));
    }
    tokio::task::yield_now().await;
    assert!(heard.rest().is_empty(), "the body has not said that it has ended");
    assert!(body.frame().await.is_none());
    let expected = ["call", "frame", "frame", "frame", "end"];
    for line in expected {
        assert_eq!(heard.next().await, line);
    }
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(body.frame().await.is_none(), "it may be asked again");
    assert!(ended(app, heard).await.is_empty());
    drop(body);
}

#[tokio::test]
async fn a_body_that_knows_its_last_frame_ends_with_it() {
    let (app, mut heard) = start().await;
    let service = EventsLayer::new(app.clone()).layer(service_fn(async |_: Request<()>| {
        tell("call");
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"four"))))
    }));
    let mut body = answer(service).await.expect("it answers").into_body();
    assert_eq!((body.is_end_stream(), body.size_hint().exact()), (false, Some(4)));
    tokio::task::yield_now().await;
    assert!(heard.rest().is_empty());
    assert!(body.frame().await.is_some());
    assert!(body.is_end_stream());
    assert_eq!(heard.next().await, "call");
    assert!(ended(app, heard).await.is_empty());
}

#[tokio::test]
async fn a_body_that_fails_ends() {
    let (app, mut heard) = start().await;
    let service = EventsLayer::new(app.clone()).layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(of_frames(vec![Ok(data("one")), Err("cable"), Ok(data("lost"))])))
    }));
    let mut body = answer(service).await.expect("it answers").into_body();
    assert!(body.frame().await.expect("one").is_ok());
    assert_eq!(body.frame().await.expect("the error").expect_err("the cable"), "cable");
    for line in ["frame", "frame", "end"] {
        assert_eq!(heard.next().await, line);
    }
    assert!(body.frame().await.is_none());
    assert!(ended(app, heard).await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_dropped_ends() {
    let (app, mut heard) = start().await;
    let service = EventsLayer::new(app.clone())
        .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(of_frames(vec![Ok(data("one"))])))));
    let mut body = answer(service.clone()).await.expect("it answers").into_body();
    assert!(body.frame().await.is_some());
    drop(body);
    assert_eq!((heard.next().await, heard.next().await), ("frame".into(), "end".into()));
    drop(answer(service).await.expect("it answers"));
    assert_eq!(ended(app, heard).await, ["end"]);
}

#[tokio::test]
async fn an_empty_body_ends_at_once() {
    let (app, mut heard) = start().await;
    let service = EventsLayer::new(app.clone()).layer(service_fn(async |_: Request<()>| {
        tell("call");
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    }));
    let response = answer(service).await.expect("it answers");
    assert_eq!(heard.next().await, "call");
    assert!(response.body().is_end_stream());
    assert!(ended(app, heard).await.is_empty());
}

#[tokio::test]
async fn a_service_that_fails_delivers_under_every_policy() {
    let (app, heard) = start().await;
    let service = EventsLayer::new(app.clone()).discard_if(|_| true).layer(service_fn(async |_: Request<()>| {
        tell("call");
        Err::<Response<Empty<Bytes>>, _>("no database")
    }));
    assert_eq!(answer(service).await.expect_err("it fails"), "no database");
    assert_eq!(ended(app, heard).await, ["call"]);
}

#[tokio::test]
async fn a_dropped_response_delivers_under_every_policy() {
    let (app, heard) = start().await;
    let service = EventsLayer::new(app.clone()).discard_if(|_| true).layer(service_fn(async |_: Request<()>| {
        let _last = TellsWhenDropped("end");
        tell("call");
        pending::<Result<Response<Empty<Bytes>>, Infallible>>().await
    }));
    assert!(answer(service).now_or_never().is_none());
    assert_eq!(ended(app, heard).await, ["call", "end"]);
}

#[tokio::test]
async fn a_panic_goes_on_and_loses_no_event() {
    let (app, heard) = start().await;
    let layer = EventsLayer::new(app.clone());
    let in_call = layer.layer(service_fn(|_: Request<()>| -> Ready<Result<Response<Empty<Bytes>>, Infallible>> {
        tell("call");
        panic!("spilled");
    }));
    let in_future = layer.layer(service_fn(async |_: Request<()>| -> Result<Response<Empty<Bytes>>, Infallible> {
        tell("poll");
        panic!("spilled")
    }));
    assert!(tokio::spawn(async { answer(in_call).await.is_ok() }).await.expect_err("it panics").is_panic());
    assert!(tokio::spawn(async { answer(in_future).await.is_ok() }).await.expect_err("it panics").is_panic());
    assert_eq!(ended(app, heard).await, ["call", "poll"]);
}

#[tokio::test]
async fn a_body_that_panics_loses_no_event() {
    let (app, heard) = start().await;
    let service = EventsLayer::new(app.clone()).layer(service_fn(async |_: Request<()>| {
        let panics = futures_util::stream::poll_fn(|_| -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            tell("poll");
            panic!("spilled");
        });
        Ok::<_, Infallible>(Response::new(StreamBody::new(panics)))
    }));
    let body = answer(service).await.expect("it answers").into_body();
    assert!(tokio::spawn(async { body.collect().await.is_ok() }).await.expect_err("it panics").is_panic());
    assert_eq!(ended(app, heard).await, ["poll"]);
}

#[tokio::test]
async fn what_was_flushed_is_not_forgotten() {
    let (app, heard) = start().await;
    let service = EventsLayer::new(app.clone()).discard_if(|_| true).layer(service_fn(async |_: Request<()>| {
        tell("flushed");
        let delivery = Scope::current().expect("a request is in a scope").flush().await;
        assert_eq!(delivery.handlers(), 1);
        tell("forgotten");
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    }));
    assert!(answer(service).await.is_ok());
    assert_eq!(ended(app, heard).await, ["flushed"]);
}

#[tokio::test]
async fn the_status_decides_for_the_body_too() {
    let (app, heard) = start().await;
    let layer = EventsLayer::new(app.clone()).discard_if(|status| !status.is_success());
    let service = layer.layer(service_fn(async |request: Request<StatusCode>| {
        let status = request.into_body();
        tell(status.as_str());
        let body = of_frames(vec![Ok(data("one"))]);
        Ok::<_, Infallible>(Response::builder().status(status).body(body).expect("a response"))
    }));
    for status in [StatusCode::OK, StatusCode::CONFLICT, StatusCode::CREATED, StatusCode::BAD_GATEWAY] {
        let response = service.clone().oneshot(Request::new(status)).await.expect("it answers");
        let collected = response.into_body().collect().await.expect("no error").to_bytes();
        assert_eq!(collected, "one");
    }
    let dropped = service.oneshot(Request::new(StatusCode::NOT_FOUND)).await.expect("it answers");
    drop(dropped);
    assert_eq!(ended(app, heard).await, ["200", "frame", "end", "201", "frame", "end"]);
}

#[tokio::test]
async fn the_layer_next_to_the_handler_owns_the_event() {
    let (outer, outer_heard) = start().await;
    let (inner, inner_heard) = start().await;
    let handler = service_fn(async |_: Request<()>| {
        tell("handler");
        Ok::<_, Infallible>(Response::new(of_frames(vec![Ok(data("one"))])))
    });
    let handler = EventsLayer::new(inner.clone()).layer(handler);
    let between = service_fn(move |request: Request<()>| {
        tell("before");
        let response = handler.clone().oneshot(request);
        async move {
            let response = response.await;
            tell("after");
            response
        }
    });
    let service = EventsLayer::new(outer.clone()).layer(between);
    let response = answer(service).await.expect("it answers");
    assert_eq!(response.into_body().collect().await.expect("no error").to_bytes(), "one");
    assert_eq!(ended(inner, inner_heard).await, ["handler", "frame", "end"]);
    assert_eq!(ended(outer, outer_heard).await, ["before", "after"]);
}

#[tokio::test]
async fn the_inner_one_of_two_layers_of_a_lifespan_decides() {
    let (app, heard) = start().await;
    let layer = EventsLayer::new(app.clone());
    let service = layer.layer(layer.clone().discard_if(|_| true).layer(service_fn(async |_: Request<()>| {
        tell("handler");
        Ok::<_, Infallible>(Response::new(of_frames(vec![Ok(data("one"))])))
    })));
    let response = answer(service).await.expect("it answers");
    assert_eq!(response.into_body().collect().await.expect("no error").to_bytes(), "one");
    assert!(ended(app, heard).await.is_empty());
}

#[tokio::test]
async fn requests_after_the_end_are_served() {
    let (app, heard) = start().await;
    let service = EventsLayer::new(app.clone()).layer(service_fn(async |_: Request<()>| {
        let refused = matches!(dispatch(Told("late".into())), Err(DispatchError::Closed { .. }));
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(refused.to_string()))))
    }));
    assert!(ended(app, heard).await.is_empty());
    let response = answer(service).await.expect("it answers");
    assert_eq!(response.into_body().collect().await.expect("no error").to_bytes(), "true");
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_ever() {
    let (app, _heard) = start().await;
    let service = EventsLayer::new(app.clone())
        .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(of_frames(vec![Ok(data("one"))])))));
    let mut body = answer(service).await.expect("it answers").into_body();
    assert!(body.frame().await.is_some());
    let report = app.shutdown_within(Duration::from_secs(1)).await.expect("from outside");
    assert_eq!((report.unfinished, report.delivered, report.aborted), (1, 0, 1), "the body holds what its frame told");
    drop(body);
}

#[tokio::test]
async fn hyper_serves_it_without_a_framework() {
    let (app, mut heard) = start().await;
    let service = EventsLayer::new(app.clone()).layer(service_fn(async |request: Request<Incoming>| {
        tell(request.uri().path());
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"four"))))
    }));
    let (mut client, stream) = tokio::io::duplex(1024);
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let server = tokio::spawn(connection);
    for path in ["/one", "/two"] {
        client.write_all(format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n").as_bytes()).await.expect("it reads");
        assert_eq!(heard.next().await, path, "while the connection stays");
    }
    drop(client);
    server.await.expect("no panic").expect("it is served to the end");
    ended(app, heard).await;
}

/// A service that is ready the second time it is asked.
#[derive(Clone, Debug)]
struct Slow {
    ready: bool,
}

impl Service<Request<()>> for Slow {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut self.ready, true) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(self.ready, "it is called when it is ready");
        ready(Ok(Response::new(Empty::new())))
    }
}

#[tokio::test]
async fn the_inner_service_says_when_it_is_ready() {
    let (app, heard) = start().await;
    let mut service = EventsLayer::new(app.clone()).layer(Slow { ready: false });
    let first = poll_fn(|cx| Poll::Ready(Service::<Request<()>>::poll_ready(&mut service, cx))).await;
    assert!(first.is_pending());
    assert!(ServiceExt::<Request<()>>::ready(&mut service).await.is_ok());
    assert!(answer(service).await.is_ok());
    ended(app, heard).await;
}

#[tokio::test]
async fn what_others_may_ask_of_the_types() {
    fn shared<T: Clone + Debug + Send + Sync>(value: T) -> T {
        value
    }
    fn sent<T: Debug + Send + Sync>(value: T) -> T {
        value
    }
    let (app, heard) = start().await;
    let layer = shared(EventsLayer::new(app.clone()).discard_if(|_| false));
    let mut service: EventsService<Slow> = shared(layer.layer(Slow { ready: true }));
    let response: ResponseFuture<_> = sent(service.call(Request::new(())));
    let mut response = pin!(response);
    let answered = poll_fn(|cx| Poll::Ready(response.as_mut().poll(cx))).await;
    assert!(answered.is_ready());
    let again = poll_fn(|cx| Poll::Ready(response.as_mut().poll(cx))).await;
    assert!(again.is_pending(), "it has answered");
    let body: EventsBody<Full<Bytes>> = sent(EventsBody::default());
    assert_eq!(body.size_hint().exact(), SizeHint::with_exact(0).exact());
    ended(app, heard).await;
}
