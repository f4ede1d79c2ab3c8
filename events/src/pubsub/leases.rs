//! The messages that are with us: which of them may be handed on, and whose time is to be extended.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::format::Message;

/// A message that has not been handed on.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: String,
    /// The ordering key; nothing where the service keeps no order.
    pub(super) key: Option<String>,
    pub(super) message: Message,
    /// Why it cannot be read, if so.
    pub(super) unreadable: Option<String>,
    /// Whether the subscription has a dead-letter policy, which ends what is given back again and again.
    pub(super) has_dead_letters: bool,
}

#[derive(Debug)]
struct Lease {
    key: Option<String>,
    since: Instant,
    /// When the service was last told, as far as it has heard.
    extended: Option<Instant>,
}

/// The messages that are with us, by their acknowledgement ids.
#[derive(Debug)]
pub(super) struct Leases {
    /// How long the service waits for a sign of life.
    deadline: Duration,
    /// How long a message is kept from others.
    longest: Duration,
    held: HashMap<String, Lease>,
    ready: VecDeque<Waiting>,
    /// What waits for a message with the same ordering key.
    behind: HashMap<String, VecDeque<Waiting>>,
    waiting: usize,
}

impl Leases {
    pub(super) fn new(deadline: Duration, longest: Duration) -> Self {
        let (held, behind) = (HashMap::new(), HashMap::new());
        Self { deadline, longest, held, ready: VecDeque::new(), behind, waiting: 0 }
    }

    /// How often [`due`](Self::due) is to be asked.
    pub(super) fn period(&self) -> Duration {
        self.deadline / 10
    }

    /// How many have not been handed on.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Keeps a message that has come.
    pub(super) fn add(&mut self, waiting: Waiting, now: Instant) {
        // The time runs since the service has sent it.
        let lease = Lease { key: waiting.key.clone(), since: now, extended: Some(now) };
        if self.held.insert(waiting.id.clone(), lease).is_some() {
            return;
        }
        self.waiting += 1;
        let queue = waiting.key.as_ref().and_then(|key| self.behind.get_mut(key));
        match queue {
            Some(queue) => queue.push_back(waiting),
            None => {
                self.behind.extend(waiting.key.clone().map(|key| (key, VecDeque::new())));
                self.ready.push_back(waiting);
            }
        }
    }

    /// The next message that may be handed on.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.ready.pop_front()?;
        self.waiting -= 1;
        Some(waiting)
    }

    /// Lets a message go that is settled for good: the next one with its key may be handed on.
    pub(super) fn end(&mut self, id: &str) {
        let Some(key) = self.held.remove(id).and_then(|lease| lease.key) else { return };
        let next = self.behind.get_mut(&key).map(VecDeque::pop_front);
        match next {
            Some(Some(waiting)) => self.ready.push_back(waiting),
            _ => drop(self.behind.remove(&key)),
        }
    }

    /// Lets a message go that comes again, and answers which others are to be given back with it: those that wait behind it,
    /// which the service sends again as well.
    pub(super) fn give_back(&mut self, id: &str) -> Vec<String> {
        let Some(key) = self.held.remove(id).and_then(|lease| lease.key) else { return Vec::new() };
        let behind = self.behind.remove(&key).unwrap_or_default();
        self.waiting -= behind.len();
        behind.into_iter().map(|waiting| self.forget(waiting)).collect()
    }

    /// Lets those go that might have been handed on, and answers which these were. What waits behind a message that somebody has
    /// stays until that is settled: others would have it before that one.
    pub(super) fn give_back_ready(&mut self) -> Vec<String> {
        let mut back = Vec::new();
        for waiting in std::mem::take(&mut self.ready) {
            self.waiting -= 1;
            back.extend(self.give_back(&waiting.id));
            back.push(waiting.id);
        }
        back
    }

    fn forget(&mut self, waiting: Waiting) -> String {
        self.held.remove(&waiting.id);
        waiting.id
    }

    /// Which messages the service is to be told of, that they are still with us.
    pub(super) fn due(&mut self, now: Instant) -> Vec<String> {
        let (pause, longest) = (self.deadline / 3, self.longest);
        let is_due = |lease: &Lease| {
            now.duration_since(lease.since) < longest
                && lease.extended.is_none_or(|extended| now.duration_since(extended) >= pause)
        };
        let due = self.held.iter_mut().filter(|(_, lease)| is_due(lease));
        let told = due.map(|(id, lease)| {
            lease.extended = Some(now);
            id.clone()
        });
        told.collect()
    }

    /// The service has not heard of these.
    pub(super) fn not_extended(&mut self, ids: &[String]) {
        for id in ids {
            if let Some(lease) = self.held.get_mut(id) {
                lease.extended = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn waiting(id: String, key: Option<String>) -> Waiting {
        Waiting { id, key, message: Message::default(), unreadable: None, has_dead_letters: false }
    }

    fn leases(messages: &[(&str, &str)]) -> (Leases, Instant) {
        let (mut leases, now) = (Leases::new(60 * S, 600 * S), Instant::now());
        for (id, key) in messages {
            let key = Some((*key).to_owned()).filter(|key| !key.is_empty());
            leases.add(waiting((*id).to_owned(), key), now);
        }
        (leases, now)
    }

    fn popped(leases: &mut Leases) -> Vec<String> {
        std::iter::from_fn(|| leases.pop()).map(|waiting| waiting.id).collect()
    }

    #[test]
    fn of_each_key_one_message_is_out_at_a_time() {
        let (mut leases, _) = leases(&[("1", "a"), ("2", "a"), ("3", ""), ("4", "b"), ("5", "a"), ("6", "")]);
        assert_eq!(popped(&mut leases), ["1", "3", "4", "6"]);
        assert_eq!(leases.waiting(), 2);
        leases.end("3");
        leases.end("4");
        assert!(!leases.has_ready());
        leases.end("1");
        assert_eq!(popped(&mut leases), ["2"]);
        leases.end("2");
        assert_eq!(popped(&mut leases), ["5"]);
        leases.end("5");
        assert!(leases.behind.is_empty() && leases.waiting() == 0);
        assert_eq!(leases.held.keys().collect::<Vec<_>>(), ["6"]);
    }

    #[test]
    fn what_comes_again_takes_those_behind_it_along() {
        let (mut leases, now) = leases(&[("1", "a"), ("2", "a"), ("3", "b"), ("4", "a")]);
        assert_eq!(popped(&mut leases), ["1", "3"]);
        assert_eq!(leases.give_back("1"), ["2", "4"]);
        assert_eq!(leases.waiting(), 0);
        leases.add(waiting("1'".into(), Some("a".into())), now);
        assert_eq!(popped(&mut leases), ["1'"]);
    }

    #[test]
    fn what_might_have_been_handed_on_is_given_back_but_for_what_stays_behind_another() {
        let (mut leases, now) = leases(&[("1", "a"), ("2", "a"), ("3", ""), ("4", "b"), ("5", "b"), ("6", "a")]);
        leases.pop();
        let mut back = leases.give_back_ready();
        back.sort();
        assert_eq!((back, leases.waiting()), (["3", "4", "5"].map(String::from).into(), 2));
        let mut due = leases.due(now + 20 * S);
        due.sort();
        assert_eq!(due, ["1", "2", "6"]);
        leases.end("1");
        let mut back = leases.give_back_ready();
        back.sort();
        assert_eq!((back, leases.waiting()), (["2", "6"].map(String::from).into(), 0));
        assert!(leases.held.is_empty() && leases.behind.is_empty());
    }

    #[test]
    fn the_service_is_told_in_time_and_not_for_ever() {
        let (mut leases, now) = leases(&[("1", "")]);
        assert!(leases.due(now + 19 * S).is_empty());
        assert_eq!(leases.due(now + 20 * S), ["1"]);
        assert!(leases.due(now + 39 * S).is_empty());
        leases.not_extended(&["1".to_owned(), "2".to_owned()]);
        assert_eq!(leases.due(now + 39 * S), ["1"]);
        assert_eq!(leases.due(now + 599 * S), ["1"]);
        assert!(leases.due(now + 700 * S).is_empty());
        assert_eq!(leases.period(), 6 * S);
    }
}
