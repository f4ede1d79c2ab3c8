//! Whether what has happened is what the law says.

use events::ShutdownReport;

use super::ledger::{Answer, Book, Entry, Fault, Id, Run};
use super::play::{Clock, Outcome};
use super::tree::{AMPLE, Case, End, Fate, Kind, Link, Slot, Way};

/// What the law says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// To each matching handler once.
    Delivered,
    /// To `now` handlers alone, which had their turn before it was forgotten.
    Discarded,
    /// To no handler, but for `now` handlers that had their turn before it was refused.
    Refused,
    /// Nobody could know what was answered, or what was queued at that instant: to all handlers or none.
    Unsure,
}

struct Judge<'a> {
    case: &'a Case,
    clock: Clock,
    book: &'a Book,
    report: &'a ShutdownReport,
    dues: Vec<Due>,
    breaches: Vec<String>,
}

/// Answers every breach of the law, one in a line.
pub(crate) fn judge(case: &Case, clock: Clock, outcome: &Outcome) -> Result<(), String> {
    let Outcome { book, report } = outcome;
    let mut judge = Judge { case, clock, book, report, dues: Vec::new(), breaches: book.complaints.clone() };
    judge.dues = judge.dues();
    for (id, entry) in book.events.iter().enumerate() {
        judge.runs(id, entry);
        judge.stages(id, entry);
        judge.failures(id, entry);
    }
    judge.scopes();
    judge.totals();
    judge.order();
    if judge.breaches.is_empty() { Ok(()) } else { Err(format!("{}\n{report:?}", judge.breaches.join("\n"))) }
}

impl Entry {
    fn run(&self, slot: Slot) -> Run {
        self.runs.get(&slot).cloned().unwrap_or_default()
    }
}

impl Judge<'_> {
    fn check(&mut self, holds: bool, breach: impl FnOnce() -> String) {
        if !holds {
            self.breaches.push(breach());
        }
    }

    /// Whether the lifespan had the time to deliver everything.
    fn is_clean(&self) -> bool {
        self.report.aborted == 0 && self.report.unfinished == 0
    }

    /// Whether the end may come before the work does.
    fn may_be_forced(&self) -> bool {
        let mut flaws = self.book.events.iter().flat_map(|entry| &entry.note.flaws);
        let stays = self.clock == Clock::Virtual && flaws.any(|(_, fate)| *fate == Fate::Stuck);
        self.case.end != End::Drain || stays
    }

    /// Whether failure hooks hear of every failure: those of a full lifespan are counted and logged alone.
    fn tells_all(&self) -> bool {
        self.case.max_pending >= AMPLE
    }

    fn dues(&self) -> Vec<Due> {
        let mut dues: Vec<_> = self.book.events.iter().map(|entry| self.answered(entry)).collect();
        for scope in &self.book.scopes {
            let rest = scope.queue.iter().filter(|_| scope.discards_rest || scope.raced);
            for &id in scope.discarded.iter().chain(rest) {
                dues[id] = match dues[id] {
                    // On another thread, it may have missed the end of its scope.
                    Due::Delivered if self.book.threads => Due::Unsure,
                    Due::Delivered => Due::Discarded,
                    due => due,
                };
            }
        }
        dues
    }

    fn answered(&self, entry: &Entry) -> Due {
        match entry.answer {
            Answer::None => Due::Unsure,
            Answer::Accepted => Due::Delivered,
            Answer::Refused => Due::Refused,
            Answer::Returned { by, slot } => {
                let faults = self.book.events[by].run(slot).faults;
                match faults.first() {
                    Some(Fault::Refused) => Due::Refused,
                    None if self.is_clean() && self.tells_all() => Due::Delivered,
                    _ => Due::Unsure,
                }
            }
        }
    }

    fn is_over(&self, entry: &Entry, slot: Slot) -> bool {
        let run = entry.run(slot);
        let untold = run.begun == 1 && self.can_time_out(entry, slot) && !self.tells_all();
        run.ended == 1 || run.faults.contains(&Fault::Timeout) || untold
    }

    /// Whether a handler with a time-out may outlast it: it is told to, or it waits for others that may be.
    fn can_time_out(&self, entry: &Entry, slot: Slot) -> bool {
        let waits = |link: &Link| link.slot == slot && matches!(link.way, Way::Deliver | Way::Scope);
        let stays = entry.note.fate(slot) == Some(Fate::Stuck);
        slot == Slot::Right && self.clock == Clock::Virtual && (stays || entry.note.links.iter().any(waits))
    }

    /// Whether every handler of the delivery has come to its end.
    fn is_complete(&self, entry: &Entry) -> bool {
        entry.note.kind.delivered_to().all(|slot| self.is_over(entry, slot))
    }

    /// Each handler once, or none of them.
    fn runs(&mut self, id: Id, entry: &Entry) {
        let (kind, due) = (entry.note.kind, self.dues[id]);
        for (slot, run) in &entry.runs {
            self.check(kind.slots().contains(slot), || format!("{slot:?} is no handler of {id}"));
            self.check(run.begun <= 1, || format!("{slot:?} ran {} times for {id}", run.begun));
            let allowed = *slot == Slot::Now || matches!(due, Due::Delivered | Due::Unsure);
            self.check(allowed || run.begun == 0, || format!("{slot:?} ran for {id}, which was {due:?}"));
        }
        let seen_now = entry.run(Slot::Now).ended == 1;
        let sure = matches!(due, Due::Delivered | Due::Discarded);
        self.check(!sure || seen_now || !kind.slots().contains(&Slot::Now), || format!("{id} passed its now handler"));
        let begun = kind.delivered_to().any(|slot| entry.run(slot).begun > 0);
        let owed = due == Due::Delivered || (due == Due::Unsure && begun);
        let given = self.is_complete(entry) || !self.is_clean();
        self.check(!owed || given, || format!("{id} ({kind:?}) was lost: {:?}", entry.runs));
        if let (Some((handlers, failures)), true) = (entry.delivery, self.is_clean()) {
            let told: usize = entry.runs.values().map(|run| run.faults.len()).sum();
            let fits = failures == told || (failures > told && !self.tells_all());
            self.check(handlers == kind.slots().len() && fits, || {
                format!("deliver of {id} answered {handlers} handlers and {failures} failures; hooks heard of {told}")
            });
        }
    }

    /// No stage begins before the one before it has ended.
    fn stages(&mut self, id: Id, entry: &Entry) {
        let stages: [&[Slot]; 3] = [&[Slot::First], &[Slot::Left, Slot::Right], &[Slot::Off, Slot::Last]];
        for pair in stages.windows(2) {
            let begun = pair[1].iter().map(|slot| entry.run(*slot)).filter(|run| run.begun > 0).map(|run| run.at).min();
            let Some(begun) = begun else { continue };
            let mut before = pair[0].iter().filter(|slot| entry.note.kind.slots().contains(slot));
            let over = before.all(|slot| self.is_over(entry, *slot) && entry.run(*slot).at < begun);
            self.check(over, || format!("{:?} began too early for {id}", pair[1]));
        }
    }

    /// How a handler must fail that was not aborted.
    fn expected(&self, entry: &Entry, slot: Slot, run: &Run) -> Option<Fault> {
        match entry.note.fate(slot)? {
            _ if run.begun == 0 => None,
            Fate::Fail => Some(Fault::Error),
            Fate::Panic => Some(Fault::Panic),
            Fate::Stuck => (slot == Slot::Right && self.clock == Clock::Virtual).then_some(Fault::Timeout),
        }
    }

    /// What fails is told once, and nothing else is.
    fn failures(&mut self, id: Id, entry: &Entry) {
        for (&slot, run) in &entry.runs {
            self.check(run.faults.len() <= 1, || format!("{slot:?} failed {:?} for {id}", run.faults));
            let told = run.faults.first().copied();
            let expected = self.expected(entry, slot, run);
            let returned = self.has_returned(id, slot);
            let late = told == Some(Fault::Timeout) && self.can_time_out(entry, slot);
            let refused = told == Some(Fault::Refused) && returned;
            let untold = told.is_none() && !self.tells_all();
            let fits = told == expected || late || refused || untold || !self.is_clean();
            self.check(fits, || format!("{slot:?} for {id} should fail as {expected:?}, and did as {told:?}"));
        }
    }

    fn has_returned(&self, id: Id, slot: Slot) -> bool {
        self.book.events.iter().any(|entry| entry.answer == Answer::Returned { by: id, slot })
    }

    /// What the report counts is what was accepted and not discarded.
    fn totals(&mut self) {
        let count = |due: Due| {
            let all = self.book.events.iter().zip(&self.dues);
            all.filter(move |(entry, own)| **own == due && entry.note.kind.is_delivered()).map(|(entry, _)| entry)
        };
        let room = self.book.room.unwrap_or(0);
        let (sure, unsure) = (count(Due::Delivered).count() + room, count(Due::Unsure).count());
        let incomplete = count(Due::Delivered).filter(|entry| !self.is_complete(entry)).count();
        let blocks = count(Due::Delivered).filter(|entry| entry.note.kind == Kind::Block).count();
        let told: usize = self.book.events.iter().flat_map(|e| e.runs.values()).map(|run| run.faults.len()).sum();
        let [delivered, aborted, failed] =
            [self.report.delivered, self.report.aborted, self.report.failed].map(|n| usize::try_from(n).unwrap_or(0));
        let total = delivered + aborted;
        // What a scope holds that has not ended counts as aborted, though the scope may discard it afterwards.
        let held = if self.report.unfinished > 0 { count(Due::Discarded).count() } else { 0 };
        let most = sure + unsure + held;
        self.check((sure..=most).contains(&total), || {
            format!("{sure} to {most} events were accepted, {total} are in the report")
        });
        self.check(incomplete <= aborted, || format!("{incomplete} were not delivered, {aborted} told as aborted"));
        // A blocking handler that was aborted may end all the same.
        let most = incomplete + blocks + unsure + room + held;
        self.check(aborted <= most, || format!("{aborted} told as aborted, but only {most} could be"));
        let failures_fit = if self.is_clean() && self.tells_all() { failed == told } else { failed >= told };
        self.check(failures_fit, || format!("{failed} failures were counted, {told} were told"));
        let own =
            self.book.events.iter().flat_map(|entry| entry.runs.iter().map(move |(slot, run)| (entry, *slot, run)));
        let due = own.filter(|(entry, slot, run)| self.expected(entry, *slot, run).is_some()).count();
        self.check(self.is_clean() || self.may_be_forced(), || "the end was forced, and need not have been".into());
        self.check(failed >= due || !self.is_clean(), || format!("{failed} failures were counted, {due} happened"));
        // A blocking handler that goes on after its abort may dispatch while the room is measured.
        let quiet = self.is_clean() || (self.report.unfinished == 0 && !self.book.threads);
        if quiet && self.book.room.is_some() {
            self.check(room == self.case.max_pending, || format!("there was room for {room} events at the end"));
        }
    }

    /// A scope answers when the handlers of what it delivers are done.
    fn scopes(&mut self) {
        if self.book.threads || !self.is_clean() {
            return;
        }
        for (id, scope) in self.book.scopes.iter().enumerate() {
            let left = &scope.left_behind;
            self.check(left.is_empty(), || format!("scope {id} did not wait for {left:?}"));
        }
    }

    /// Events of one scope start in the order of dispatch.
    fn order(&mut self) {
        if self.book.threads {
            return;
        }
        for batch in self.book.scopes.iter().flat_map(|scope| scope.flushed.iter().chain([&scope.queue])) {
            // When a returned event was dispatched is known to the library alone.
            let known = batch.iter().map(|id| &self.book.events[*id]).filter(|e| e.answer == Answer::Accepted);
            let starts = known.map(|entry| entry.run(Slot::First)).filter(|run| run.begun > 0);
            let in_order = starts.map(|run| run.at).is_sorted();
            self.check(in_order, || format!("{batch:?} of one scope began in another order"));
        }
    }
}
