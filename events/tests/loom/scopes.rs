//! A scope that ends while others still push into it, and the room for what waits.

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;

use crate::bounded_model;
use crate::queue::Queue;
use crate::room::Room;

/// Every event is in one batch, or was given back.
#[test]
fn a_straggler_gets_its_event_into_the_last_batch_or_back() {
    loom::model(|| {
        let queue = Arc::new(Queue::default());
        let stragglers: [_; 2] = [1, 2].map(|event| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.push(event).err())
        });
        queue.push(0).expect("it is open");
        let mut all = queue.close().events.to_vec();
        assert!(!queue.is_open());
        all.extend(stragglers.into_iter().filter_map(|straggler| straggler.join().expect("no panic")));
        assert!(queue.take().events.is_empty(), "nothing comes after the end");
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
    });
}

/// A flush and the end of the scope share what was pushed, and the order of one task is kept.
#[test]
fn a_flush_and_the_end_take_each_event_once() {
    loom::model(|| {
        let queue = Arc::new(Queue::default());
        let flushing = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.take().events.to_vec()
        });
        let pushing = thread::spawn({
            let queue = Arc::clone(&queue);
            move || (1..=2).filter_map(|event| queue.push(event).err()).collect::<Vec<_>>()
        });
        let last = queue.close().events.to_vec();
        let flushed = flushing.join().expect("no panic");
        let given_back = pushing.join().expect("no panic");
        let all: Vec<_> = [flushed, last, given_back].concat();
        assert_eq!(all, [1, 2], "each once, in order");
    });
}

/// Places are never taken twice, and none is refused that is free.
#[test]
fn room_is_given_up_to_the_limit() {
    loom::model(|| {
        let room = Arc::new(Room::new(2, 1));
        assert!(room.reserve_many(1), "one of two");
        let others: [_; 2] = [(); 2].map(|()| {
            let room = Arc::clone(&room);
            thread::spawn(move || room.reserve_many(1))
        });
        let fitting = others.into_iter().map(|other| other.join().expect("no panic"));
        assert_eq!(fitting.filter(|fits| *fits).count(), 1, "the other one of two");
        room.release(2);
        assert!(room.reserve_many(1) && room.reserve_many(1) && !room.reserve_many(1), "all of it is free again");
    });
}

/// One that is refused takes no room from one that comes when a place is free.
#[test]
fn a_refused_event_keeps_no_other_out() {
    loom::model(|| {
        let room = Arc::new(Room::new(1, 1));
        assert!(room.reserve_many(1), "the only one");
        let other = thread::spawn({
            let room = Arc::clone(&room);
            move || room.reserve_many(1)
        });
        room.release(1);
        let own = room.reserve_many(1);
        let others = other.join().expect("no panic");
        assert!(own ^ others, "the place is free once, and once alone");
    });
}

/// Who waits for a place is told of it, whoever else takes it and gives it back meanwhile.
#[test]
fn who_waits_for_room_misses_none() {
    loom::model(|| {
        let room = Arc::new(Room::new(1, 1));
        assert!(room.reserve_many(1), "the only one");
        let waiting = thread::spawn({
            let room = Arc::clone(&room);
            move || {
                while !room.reserve_many(1) {
                    block_on(room.free());
                }
            }
        });
        room.release(1);
        if room.reserve_many(1) {
            room.release(1);
        }
        waiting.join().expect("no panic");
        assert!(room.is_full());
    });
}

/// Places that a thread keeps are refused to nobody, while others give back and take.
#[test]
fn what_is_kept_is_refused_to_nobody() {
    bounded_model(3, || {
        let room = Arc::new(Room::new(4, 1));
        assert!(room.reserve_many(4), "all of it");
        // One is kept, and counted as taken by all but who asks.
        room.release(1);
        assert_eq!(room.taken(), 3);
        let giving = thread::spawn({
            let room = Arc::clone(&room);
            move || {
                room.release(1);
                room.release(1);
            }
        });
        let asking = thread::spawn({
            let room = Arc::clone(&room);
            move || room.reserve_many(1)
        });
        let refused = usize::from(!asking.join().expect("no panic"));
        assert_eq!(refused, 0, "one is free all the time");
        giving.join().expect("no panic");
        assert!(room.reserve_many(2) && room.is_full() && !room.reserve_many(1), "no more than there are");
    });
}

/// Who waits while places are kept is told of them, and what is kept again afterwards is refused to nobody.
#[test]
fn who_waits_has_what_is_kept() {
    bounded_model(2, || {
        let room = Arc::new(Room::new(4, 1));
        assert!(room.reserve_many(4), "all of it");
        let waiting = thread::spawn({
            let room = Arc::clone(&room);
            move || {
                // Kept, or told of.
                block_on(room.free());
                while !room.reserve_many(1) {
                    block_on(room.free());
                }
                room.release(1);
            }
        });
        for _ in 0..4 {
            room.release(1);
        }
        waiting.join().expect("no panic");
        assert_eq!(room.taken(), 0);
        assert!(room.reserve_many(4) && !room.reserve_many(1));
    });
}

/// Who waits is told of the one place that is given back, though its thread would keep it.
#[test]
fn who_waits_is_told_of_what_would_be_kept() {
    loom::model(|| {
        let room = Arc::new(Room::new(4, 1));
        assert!(room.reserve_many(4), "all of it");
        let waiting = thread::spawn({
            let room = Arc::clone(&room);
            move || block_on(room.free())
        });
        room.release(1);
        waiting.join().expect("no panic");
        assert_eq!(room.taken(), 3);
    });
}
