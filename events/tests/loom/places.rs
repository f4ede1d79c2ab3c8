//! Places for handlers, asked for by several at a time.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Waker};

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::bounded_model;
use crate::places::{Held, Places};

/// As a delivery does: at once, or after a wait.
fn taken(places: &Places, count: usize) -> Held<'_> {
    places.try_take(count).unwrap_or_else(|| block_on(places.take(count)))
}

/// Two that work in one place each, and one that takes all of them.
fn crowd(places: &Arc<Places>, all: usize) {
    let at_work = Arc::new(AtomicUsize::new(0));
    let work = |count: usize| {
        let (places, at_work) = (Arc::clone(places), Arc::clone(&at_work));
        move || {
            let held = taken(&places, count);
            let others = at_work.fetch_add(count, Ordering::Relaxed);
            assert!(others + count <= all, "{count} beside {others}");
            at_work.fetch_sub(count, Ordering::Relaxed);
            drop(held);
        }
    };
    let others = [1, all].map(|count| thread::spawn(work(count)));
    work(1)();
    for other in others {
        other.join().expect("no panic");
    }
}

/// Nobody works beside who has all places, and each gets its turn: a missed call would be a deadlock.
#[test]
fn there_are_never_more_at_work_than_places() {
    bounded_model(3, || {
        let places = Arc::new(Places::new(2, 1));
        crowd(&places, 2);
        assert!(places.try_take(2).is_some(), "all are free again, and nobody waits");
    });
}

/// Who asks and goes away, at whatever moment, keeps no place and stands in nobody's way.
#[test]
fn who_goes_away_leaves_nothing_behind() {
    bounded_model(3, || {
        let places = Arc::new(Places::new(1, 1));
        let held = taken(&places, 1);
        let fickle = thread::spawn({
            let places = Arc::clone(&places);
            move || {
                let mut take = places.take(1);
                let _ = Pin::new(&mut take).poll(&mut Context::from_waker(Waker::noop()));
            }
        });
        let patient = thread::spawn({
            let places = Arc::clone(&places);
            move || drop(taken(&places, 1))
        });
        drop(held);
        fickle.join().expect("no panic");
        patient.join().expect("no panic");
        assert!(places.try_take(1).is_some(), "it is free again, and nobody waits");
    });
}

/// Places that a thread keeps are there for those who wait, and nobody works beside who has all of them.
#[test]
fn what_is_kept_is_there_for_all() {
    bounded_model(2, || {
        let places = Arc::new(Places::new(4, 1));
        // One is kept.
        drop(taken(&places, 1));
        crowd(&places, 4);
        drop(taken(&places, 4));
    });
}
