//! One event on its way.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Instant;

use super::crowd::Crowd;
use super::{Bundle, Delivery, surround};
use crate::any::AnyEvent;
use crate::call::{Begun, Ended, HandlerRun, begin};
use crate::context::{About, Ambient, Context, Lent};
use crate::handler::Handler;
use crate::lifespan::{Held, Lifespan, Take};
use crate::route::{Route, SyncHandler};
use crate::telemetry::{Seen, Stopwatch, spans};

/// One event on its way through the stages of its route.
pub(super) struct EventRun<'a> {
    /// What surrounds its handlers, from the first turn that did not end it.
    ambient: Option<Ambient>,
    seen: Seen,
    course: Course<'a>,
}

/// What is done in its ambient.
struct Course<'a> {
    bundle: &'a Bundle,
    lifespan: &'a Lifespan,
    event: &'a AnyEvent,
    /// Those that run first, if they have not.
    at_once: &'a [SyncHandler],
    /// The stages that have not been begun, and what is left of the one that has.
    stages: &'a [Box<[Handler]>],
    stage: &'a [Handler],
    permit: Permit<'a>,
    waiting: Crowd<HandlerRun<'a>>,
    delivery: Delivery,
    begun: Stopwatch,
}

/// The place among the handlers at work that a part of a stage has, or waits for.
enum Permit<'a> {
    None,
    Waiting(Take<'a>),
    Held { _places: Option<Held<'a>> },
}

impl<'a> EventRun<'a> {
    pub(super) fn new(bundle: &'a Bundle, event: &'a AnyEvent, route: &'a Route) -> Self {
        let course = Course {
            bundle,
            lifespan: bundle.lifespan(),
            event,
            at_once: &route.at_once,
            stages: &route.stages,
            stage: &[],
            permit: Permit::None,
            waiting: Crowd::default(),
            delivery: Delivery::default(),
            begun: Stopwatch::start(),
        };
        Self { ambient: None, seen: spans::delivery(event), course }
    }

    /// The first turn, in surroundings that are shared with the others of the bundle.
    pub(super) fn begin(&mut self, cx: &mut task::Context<'_>, surrounding: &mut Option<Ambient>) -> Poll<Delivery> {
        surround(surrounding, self.course.lifespan, self.course.event);
        let lent = Lent::new(surrounding);
        let polled = self.advance(cx);
        drop(lent);
        if polled.is_pending() {
            self.ambient.clone_from(surrounding);
        }
        polled
    }

    /// Goes on in its surroundings.
    fn advance(&mut self, cx: &mut task::Context<'_>) -> Poll<Delivery> {
        let entered = self.seen.enter();
        let polled = self.course.poll_stages(cx);
        drop(entered);
        if let Poll::Ready(delivery) = &polled {
            std::mem::take(&mut self.seen).delivered(delivery);
        }
        polled
    }

    /// Ends the run where it stands: the handlers at work fail as aborted.
    pub(super) fn abort(mut self) -> Delivery {
        let course = &mut self.course;
        for run in course.waiting.take() {
            course.count(run.abort());
        }
        std::mem::take(&mut self.seen).ended(spans::ABORTED);
        std::mem::take(&mut course.delivery)
    }
}

impl<'a> Course<'a> {
    fn count(&mut self, ended: Ended<'_>) {
        self.delivery.count(self.event, self.lifespan, ended);
    }

    fn context(&self) -> Context<'a> {
        Context::new(self.lifespan, About::Event(self.event)).with_values(self.bundle.values())
    }

    /// How many handlers of the stage begin together, and how many places at work they need for it.
    fn part(&self) -> (usize, usize) {
        if self.bundle.nested || !self.stage.iter().any(Handler::can_wait) {
            return (self.stage.len(), 0);
        }
        let part = self.stage.len().min(self.lifespan.core().limits.max_at_work);
        (part, part)
    }

    /// Gets the places for the next part of the stage.
    fn poll_permit(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        if let Permit::None = self.permit {
            let at_work = &self.lifespan.core().at_work;
            self.permit = match self.part() {
                (_, 0) => Permit::Held { _places: None },
                (_, places) => match at_work.try_take(places) {
                    Some(held) => Permit::Held { _places: Some(held) },
                    None => Permit::Waiting(at_work.take(places)),
                },
            };
        }
        if let Permit::Waiting(waiting) = &mut self.permit {
            let held = task::ready!(Pin::new(waiting).poll(cx));
            self.permit = Permit::Held { _places: Some(held) };
        }
        Poll::Ready(())
    }

    /// Calls the handlers of the next part, polls each once, and keeps those that wait.
    fn start(&mut self, cx: &mut task::Context<'_>) {
        let (part, rest) = self.stage.split_at(self.part().0);
        self.stage = rest;
        let context = self.context();
        for handler in part {
            match begin(handler, context) {
                Begun::Ended(ended) => self.count(ended),
                Begun::Running(mut run) => match Pin::new(&mut run).poll(cx) {
                    Poll::Ready(ended) => self.count(ended),
                    Poll::Pending => self.waiting.push(run),
                },
            }
        }
    }

    /// Polls the handlers that wait; ready when none is left.
    fn poll_waiting(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        while let Some(ended) = task::ready!(self.waiting.poll_next(cx)) {
            self.count(ended);
        }
        Poll::Ready(())
    }

    fn poll_stages(&mut self, cx: &mut task::Context<'_>) -> Poll<Delivery> {
        for handler in std::mem::take(&mut self.at_once) {
            self.count(handler.run(Instant::now(), self.context()));
        }
        loop {
            task::ready!(self.poll_waiting(cx));
            if let Permit::Held { .. } = self.permit {
                self.permit = Permit::None;
            }
            if self.stage.is_empty() {
                let Some((next, rest)) = self.stages.split_first() else {
                    let core = self.lifespan.core();
                    core.seam.ran(self.event, self.delivery.handlers);
                    core.seam.delivered(self.event);
                    core.meters.delivered(self.event.subject(), self.begun);
                    return Poll::Ready(std::mem::take(&mut self.delivery));
                };
                (self.stage, self.stages) = (next, rest);
            }
            task::ready!(self.poll_permit(cx));
            self.start(cx);
            if !self.waiting.is_empty() {
                // Each has been polled once, and wakes this run; to poll them again now would take their turn from others.
                return Poll::Pending;
            }
        }
    }
}

impl Future for EventRun<'_> {
    type Output = Delivery;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Delivery> {
        let mut ambient = self.ambient.take();
        let lent = Lent::new(&mut ambient);
        let polled = self.advance(cx);
        drop(lent);
        self.ambient = ambient;
        polled
    }
}

impl Drop for EventRun<'_> {
    fn drop(&mut self) {
        if !self.course.waiting.is_empty() {
            // What handlers leave behind is dropped where they ran, so that destructors may dispatch.
            let _lent = Lent::new(&mut self.ambient);
            self.course.waiting.take();
        }
        self.seen.ended(spans::ABORTED);
    }
}
