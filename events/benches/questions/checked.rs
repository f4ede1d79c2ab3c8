//! Events with rules, checked and unchecked.

use std::hint::black_box;

use events::{Event, Lifespan, dispatch, dispatch_unchecked, on};
use validator::Validate;

use crate::support::operation::Work;
use crate::support::payload::Payload;

/// Two rules, about what an event of numbers has.
#[derive(Event, Validate)]
struct Checked {
    #[validate(range(min = 1, max = 1_000_000))]
    cents: u64,
    #[validate(range(max = 100))]
    pieces: u32,
    payload: Payload,
}

impl Checked {
    fn new() -> Self {
        Self { cents: black_box(1999), pieces: black_box(3), payload: Payload::new() }
    }

    fn add(&self) {
        self.payload.add(0);
    }
}

#[on(now)]
fn on_checked(event: &Checked) {
    event.add();
}

pub(crate) fn validated(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        app.scope(async {
            for _ in 0..times {
                dispatch(Checked::new()).expect("it keeps its rules");
            }
        })
        .await;
    })
}

pub(crate) fn unchecked(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        app.scope(async {
            for _ in 0..times {
                dispatch_unchecked(Checked::new()).expect("a lifespan that is open takes events");
            }
        })
        .await;
    })
}

type Call = fn(&Checked);

/// The rules, where they are asked, and a call through a pointer.
pub(crate) fn by_hand<const RULES: bool>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let event = Checked::new();
            if RULES {
                event.validate().expect("it keeps its rules");
            }
            let call: Call = black_box(Checked::add);
            call(&event);
        }
    })
}
