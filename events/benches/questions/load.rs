//! Events, each with its own number of handlers, and the same handlers as a plain table.

use std::future::{Future, ready};
use std::pin::Pin;

use events::{Event, on};

use crate::support::payload::Payload;

pub(crate) type SyncCall = fn(&Payload);
pub(crate) type AsyncCall = for<'a> fn(&'a Payload) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// An event and what its handlers do, for a baseline that calls them from a table.
pub(crate) trait SyncLoad: Event + From<Payload> {
    const CALLS: &[SyncCall];
}

pub(crate) trait AsyncLoad: Event + From<Payload> {
    const CALLS: &[AsyncCall];
}

/// The number in a handler's name.
const fn number(name: &str) -> u64 {
    let [_, tens, ones] = name.as_bytes() else { panic!("a letter and two digits") };
    (*tens - b'0') as u64 * 10 + (*ones - b'0') as u64
}

macro_rules! event {
    ($event:ident) => {
        #[derive(Event)]
        pub(crate) struct $event(Payload);

        impl From<Payload> for $event {
            fn from(payload: Payload) -> Self {
                Self(payload)
            }
        }
    };
}

pub(super) use event;

macro_rules! sync_load {
    ($event:ident $options:tt $($handler:ident)*) => {
        event!($event);

        impl SyncLoad for $event {
            const CALLS: &[SyncCall] = &[$(|payload| payload.add(const { number(stringify!($handler)) })),*];
        }

        const _: () = {
            // `#[on]` and the type must come out of one macro: its expansion mixes its own names with the type's span.
            type Own = $event;
            $(
                #[on $options]
                fn $handler(event: &Own) {
                    event.0.add(const { number(stringify!($handler)) });
                }
            )*
        };
    };
}

macro_rules! async_load {
    ($event:ident [$first:expr] $($handler:ident)*) => {
        event!($event);

        impl AsyncLoad for $event {
            const CALLS: &[AsyncCall] = &[$(|payload| Box::pin(async move {
                $first.await;
                payload.add(const { number(stringify!($handler)) });
            })),*];
        }

        const _: () = {
            type Own = $event;
            $(
                #[on]
                async fn $handler(event: &Own) {
                    $first.await;
                    event.0.add(const { number(stringify!($handler)) });
                }
            )*
        };
    };
}

macro_rules! eight {
    ($load:ident $($event:tt)*) => { $load!($($event)* h00 h01 h02 h03 h04 h05 h06 h07); };
}

macro_rules! sixty_four {
    ($load:ident $($event:tt)*) => {
        $load!($($event)*
            h00 h01 h02 h03 h04 h05 h06 h07 h08 h09 h10 h11 h12 h13 h14 h15
            h16 h17 h18 h19 h20 h21 h22 h23 h24 h25 h26 h27 h28 h29 h30 h31
            h32 h33 h34 h35 h36 h37 h38 h39 h40 h41 h42 h43 h44 h45 h46 h47
            h48 h49 h50 h51 h52 h53 h54 h55 h56 h57 h58 h59 h60 h61 h62 h63
        );
    };
}

/// An event that nobody waits for.
#[derive(Event)]
pub(crate) struct Sync0(Payload);

impl From<Payload> for Sync0 {
    fn from(payload: Payload) -> Self {
        Self(payload)
    }
}

impl SyncLoad for Sync0 {
    const CALLS: &[SyncCall] = &[];
}

sync_load!(Sync1 () h00);
eight!(sync_load Sync8 ());
sixty_four!(sync_load Sync64 ());
sync_load!(Now1 (now) h00);
sync_load!(Now2 (now) h00 h01);

async_load!(Async1 [ready(())] h00);
eight!(async_load Async8 [ready(())]);
sixty_four!(async_load Async64 [ready(())]);
async_load!(Waiting1 [tokio::task::yield_now()] h00);
eight!(async_load Waiting8 [tokio::task::yield_now()]);
