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
use crate::lifespan::{Core, Held, Lifespan, Take};
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
    /// That of the lifespan.
    core: &'a Core,
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

/// The place among the handlers at work that a part of a stage has whose handlers wait, or waits for.
enum Permit<'a> {
    None,
    Waiting(Take<'a>),
    Held { _places: Held<'a> },
}

impl<'a> EventRun<'a> {
    #[inline]
    pub(super) fn new(bundle: &'a Bundle, lifespan: &'a Lifespan, event: &'a AnyEvent, route: &'a Route) -> Self {
        Self {
            ambient: None,
            seen: spans::delivery(event),
            course: Course {
                bundle,
                lifespan,
                core: lifespan.core(),
                event,
                at_once: &route.at_once,
                stages: &route.stages,
                stage: &[],
                permit: Permit::None,
                waiting: Crowd::default(),
                delivery: Delivery::default(),
                begun: Stopwatch::start(),
            },
        }
    }

    /// The first turn, in surroundings that are shared with the others of the bundle.
    #[inline]
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
    #[inline]
    fn advance(&mut self, cx: &mut task::Context<'_>) -> Poll<Delivery> {
        if self.seen.span().is_none() {
            return self.course.poll_stages(cx);
        }
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
        let part = self.stage.len().min(self.core.limits.max_at_work);
        (part, part)
    }

    /// Gets the places for the next part of the stage, and answers how many handlers that has.
    fn poll_places(&mut self, cx: &mut task::Context<'_>) -> Poll<(usize, Option<Held<'a>>)> {
        let (part, places) = self.part();
        if places == 0 {
            return Poll::Ready((part, None));
        }
        let at_work = &self.core.at_work;
        if let Permit::None = self.permit
            && let Some(held) = at_work.try_take(places)
        {
            return Poll::Ready((part, Some(held)));
        }
        let mut asked = match std::mem::replace(&mut self.permit, Permit::None) {
            Permit::Waiting(asked) => asked,
            Permit::None | Permit::Held { .. } => at_work.take(places),
        };
        match Pin::new(&mut asked).poll(cx) {
            Poll::Ready(held) => Poll::Ready((part, Some(held))),
            Poll::Pending => {
                self.permit = Permit::Waiting(asked);
                Poll::Pending
            }
        }
    }

    /// Calls so many handlers of the stage, polls each once, and keeps those that wait.
    fn start(&mut self, part: usize, cx: &mut task::Context<'_>) {
        let (part, rest) = self.stage.split_at(part);
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
        if !self.waiting.is_empty() {
            task::ready!(self.poll_waiting(cx));
            self.permit = Permit::None;
        }
        while self.has_stage() {
            let (part, held) = task::ready!(self.poll_places(cx));
            self.start(part, cx);
            if !self.waiting.is_empty() {
                // Each has been polled once, and wakes this run; to poll them again now would take their turn from others.
                self.permit = held.map_or(Permit::None, |held| Permit::Held { _places: held });
                return Poll::Pending;
            }
        }
        let core = self.core;
        core.seam.ran(self.event, self.delivery.handlers);
        core.seam.delivered(self.event);
        core.meters.delivered(self.event.subject(), self.begun);
        Poll::Ready(std::mem::take(&mut self.delivery))
    }

    /// Whether anything of a stage is left, the next one where nothing is left of this one.
    fn has_stage(&mut self) -> bool {
        if self.stage.is_empty() {
            let Some((next, rest)) = self.stages.split_first() else { return false };
            (self.stage, self.stages) = (next, rest);
        }
        true
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
