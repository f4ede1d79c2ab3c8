//! The end of a lifespan against the work that enters and leaves.

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::bounded_model;
use crate::gate::{Force, Gate};

/// Two that have entered, and leave once they have added themselves to `done`.
fn workers(gate: &Arc<Gate>, done: &Arc<AtomicUsize>) -> [thread::JoinHandle<()>; 2] {
    [(); 2].map(|()| {
        let (gate, done) = (Arc::clone(gate), Arc::clone(done));
        assert!(gate.enter(false), "it is open");
        thread::spawn(move || {
            done.fetch_add(1, Ordering::Relaxed);
            gate.leave();
        })
    })
}

/// One that has entered, enters for more, and leaves once it has added itself to `done`.
fn chain(gate: &Arc<Gate>, done: &Arc<AtomicUsize>) -> thread::JoinHandle<()> {
    let (gate, done) = (Arc::clone(gate), Arc::clone(done));
    thread::spawn(move || {
        assert!(gate.enter(true), "a link of its chain");
        gate.leave();
        done.fetch_add(1, Ordering::Relaxed);
        gate.leave();
    })
}

/// Whoever waits for the last work is told when it has left: a missed call would be a deadlock.
#[test]
fn the_end_hears_of_the_last_work() {
    bounded_model(3, || {
        let gate = Arc::new(Gate::new(1));
        let done = Arc::new(AtomicUsize::new(0));
        let workers = workers(&gate, &done);
        gate.drain();
        block_on(gate.empty());
        assert_eq!(done.load(Ordering::Relaxed), 2, "what the work did is seen");
        assert!(gate.close_if_empty(), "nothing enters from outside any more");
        for worker in workers {
            worker.join().expect("no panic");
        }
    });
}

/// Work from outside enters before the end and is waited for, or not at all.
#[test]
fn work_from_outside_is_waited_for_or_refused() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        let done = Arc::new(AtomicUsize::new(0));
        let worker = thread::spawn({
            let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
            move || {
                let entered = gate.enter(false);
                if entered {
                    // A link of its chain enters from inside, while it still counts itself.
                    assert!(gate.enter(true), "the gate cannot close over work");
                    gate.leave();
                    done.fetch_add(1, Ordering::Relaxed);
                    gate.leave();
                }
                entered
            }
        });
        gate.drain();
        block_on(gate.empty());
        assert!(gate.close_if_empty());
        let seen = done.load(Ordering::Relaxed);
        assert_eq!(usize::from(worker.join().expect("no panic")), seen, "it had left before the end, or never entered");
        assert!(!gate.enter(true) && !gate.enter(false), "closed");
    });
}

/// A straggler that nobody waits for enters and the gate stays open for it, or it is refused.
#[test]
fn the_gate_closes_only_when_it_is_empty() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        let inside = Arc::new(AtomicUsize::new(0));
        gate.drain();
        let straggler = thread::spawn({
            let (gate, inside) = (Arc::clone(&gate), Arc::clone(&inside));
            move || {
                if gate.enter(true) {
                    inside.fetch_add(1, Ordering::Relaxed);
                    inside.fetch_sub(1, Ordering::Relaxed);
                    gate.leave();
                }
            }
        });
        block_on(gate.empty());
        if gate.close_if_empty() {
            assert_eq!(inside.load(Ordering::Relaxed), 0);
            assert!(!gate.enter(true));
            assert_eq!(gate.left(), 0);
        } else {
            block_on(gate.empty());
        }
        straggler.join().expect("no panic");
        assert_eq!(gate.left(), 0);
    });
}

/// Clocks stop when the gate begins to drain.
#[test]
fn draining_is_told_to_who_waits_for_it() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        let clock = thread::spawn({
            let gate = Arc::clone(&gate);
            move || block_on(gate.draining())
        });
        gate.drain();
        clock.join().expect("no panic");
        gate.drain();
        assert!(gate.close_if_empty(), "drained once, however often it was asked for");
    });
}

/// A forced close leaves the count to those that are inside.
#[test]
fn a_gate_closed_over_work_counts_it_down() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        assert!(gate.enter(false));
        let worker = thread::spawn({
            let gate = Arc::clone(&gate);
            move || {
                let more = gate.enter(true);
                if more {
                    gate.leave();
                }
                gate.leave();
            }
        });
        gate.drain();
        gate.close();
        assert!(!gate.enter(true), "closed");
        worker.join().expect("no panic");
        assert_eq!(gate.left(), 0);
    });
}

/// Whoever watches an open gate is told when it is empty, and sees what the work did.
#[test]
fn a_watcher_hears_of_the_last_work() {
    bounded_model(3, || {
        let gate = Arc::new(Gate::new(1));
        let done = Arc::new(AtomicUsize::new(0));
        let workers = workers(&gate, &done);
        block_on(gate.idle());
        assert_eq!(done.load(Ordering::Relaxed), 2, "what the work did is seen");
        assert!(gate.is_open() && gate.enter(false), "watching changes nothing");
        gate.leave();
        for worker in workers {
            worker.join().expect("no panic");
        }
    });
}

/// Work that enters for more work is never seen as none.
#[test]
fn a_watcher_waits_for_what_the_work_begins() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        let done = Arc::new(AtomicUsize::new(0));
        assert!(gate.enter(false), "it is open");
        let worker = chain(&gate, &done);
        block_on(gate.idle());
        assert_eq!(done.load(Ordering::Relaxed), 1);
        worker.join().expect("no panic");
    });
}

/// A watcher and the end hear of the same work, and watching keeps no gate open.
#[test]
fn a_watcher_and_the_end_both_hear_of_the_last_work() {
    bounded_model(3, || {
        let gate = Arc::new(Gate::new(1));
        assert!(gate.enter(false));
        let watcher = thread::spawn({
            let gate = Arc::clone(&gate);
            move || block_on(gate.idle())
        });
        let worker = thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.leave()
        });
        gate.drain();
        block_on(gate.empty());
        assert!(gate.close_if_empty());
        assert!(gate.is_closed() && !gate.enter(true) && gate.left() == 0);
        watcher.join().expect("no panic");
        worker.join().expect("no panic");
    });
}

/// What one thread gave back and another one takes is counted all the time.
#[test]
fn work_that_changes_threads_is_waited_for() {
    bounded_model(3, || {
        let gate = Arc::new(Gate::new(2));
        let done = Arc::new(AtomicUsize::new(0));
        // Kept, by the thread that has left.
        assert!(gate.enter(false));
        gate.leave();
        assert!(gate.enter(false));
        let worker = chain(&gate, &done);
        gate.drain();
        block_on(gate.empty());
        assert_eq!(done.load(Ordering::Relaxed), 1, "what the work did is seen");
        assert!(gate.close_if_empty());
        worker.join().expect("no panic");
        assert_eq!(gate.left(), 0);
    });
}

/// Everybody who waits for the force hears of it.
#[test]
fn force_reaches_all_that_wait() {
    bounded_model(3, || {
        let force = Arc::new(Force::default());
        let waiting: [_; 2] = [(); 2].map(|()| {
            let force = Arc::clone(&force);
            thread::spawn(move || block_on(force.wait()))
        });
        force.force();
        assert!(force.is_forced());
        for one in waiting {
            one.join().expect("no panic");
        }
    });
}
