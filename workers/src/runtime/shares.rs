//! Shares of a worker's slots: one merchant, endpoint or acquirer cannot take them all, and live jobs do not
//! wait for test jobs. Half of a mode's slots are free for anyone; of the other half a party gets no more than
//! its share. A merchant's share with an acquirer is a part of the acquirer's, by the same rule. A job without
//! a slot waits here if one will soon be free, for a second at most and only if few others wait; otherwise it
//! is postponed, so that it takes nothing while it waits.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::{EndpointId, MerchantId};
use domain::merchant::Mode;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// How long a job waits for a slot.
const WAIT_HERE: Duration = Duration::from_secs(1);
/// How long a run is taken to last before the first one ends. Too short costs a second claim, too long leaves
/// slots unused.
const RUN: Duration = Duration::from_millis(50);
/// The shortest and the longest time by which a job is postponed.
const POSTPONED_MIN: Duration = Duration::from_millis(250);
const POSTPONED_MAX: Duration = Duration::from_mins(1);
/// After this many runs in a row without a clear response, a party gets a quarter of its share, even of the
/// free half, and one slot more for each merchant that has none.
const FAILURES_MAX: u32 = 10;

/// Whose share a job uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Party {
    Merchant(MerchantId),
    Endpoint(EndpointId),
    /// An acquirer, by its name.
    Acquirer(&'static str),
    /// All jobs together whose endpoint has failed lately.
    Failing,
}

/// A party's share of the slots of a mode.
#[derive(Debug, Clone)]
pub struct Share {
    party: Party,
    one_in: usize,
    is_strict: bool,
    is_nested: bool,
}

impl Share {
    /// One slot of `one_in`, and more while half of the slots are free.
    pub const fn of(party: Party, one_in: usize) -> Self {
        Self {
            party,
            one_in,
            is_strict: false,
            is_nested: false,
        }
    }

    /// One slot of `one_in` of the share before this one, and more while half of that share is free: so that
    /// one merchant cannot take all of an acquirer's share.
    pub const fn within(party: Party, one_in: usize) -> Self {
        Self {
            is_nested: true,
            ..Self::of(party, one_in)
        }
    }

    /// One slot of `one_in`, and never more.
    pub const fn at_most(party: Party, one_in: usize) -> Self {
        Self {
            party,
            one_in,
            is_strict: true,
            is_nested: false,
        }
    }
}

/// The slots of one process, half of them for each mode. Clones share them.
#[derive(Debug, Clone)]
pub struct Shares {
    slots: usize,
    used: Arc<Mutex<HashMap<Key, Used>>>,
}

/// A party within a mode, or all of the mode.
type Key = (Mode, Option<Party>);

/// What a party uses.
#[derive(Debug)]
struct Used {
    slots: usize,
    waiting: Waiting,
    failures: u32,
    /// How long a run takes, as a moving average.
    mean: Duration,
    /// When a slot was last taken while none was in use, or freed.
    freed: Instant,
    /// When a slot is free for the next job that is postponed.
    next_free: Instant,
}

impl Used {
    fn new() -> Self {
        Self {
            slots: 0,
            waiting: Waiting::default(),
            failures: 0,
            mean: RUN,
            freed: Instant::now(),
            next_free: Instant::now(),
        }
    }

    /// How long until the next slot is free, of those in use and of `limit` at least. While none is freed the
    /// estimate grows fast, or the jobs that wait for a party that hangs would return again and again.
    fn turn(&self, limit: usize) -> Duration {
        let late = self.freed.elapsed().saturating_sub(self.mean);
        let run = self.mean + late * 4;
        run / u32::try_from(limit.max(self.slots)).unwrap_or(u32::MAX)
    }

    fn is_idle(&self) -> bool {
        self.slots == 0
            && self.waiting.len() == 0
            && self.failures == 0
            && self.next_free <= Instant::now()
    }

    /// By how much to postpone a job, so that waiting jobs return about as fast as slots become free.
    fn postpone(&mut self, limit: usize) -> Duration {
        let (now, turn) = (Instant::now(), self.turn(limit));
        self.next_free = (self.next_free.max(now) + turn).min(now + POSTPONED_MAX);
        (self.next_free - now).max(POSTPONED_MIN)
    }
}

type Queue = VecDeque<oneshot::Sender<()>>;

/// Jobs that wait in this process for a party's slot.
#[derive(Debug, Default)]
struct Waiting {
    /// Those whose caller waits. They and the others take turns: a new payment does not wait for a backlog, nor
    /// a backlog for new payments.
    callers: Queue,
    others: Queue,
    is_turn_of_callers: bool,
}

impl Waiting {
    fn len(&self) -> usize {
        self.callers.len() + self.others.len()
    }

    /// How many slots are free before the next job of this kind has one.
    fn ahead(&self, has_caller: bool) -> usize {
        let (mut same, mut other) = (self.others.len(), self.callers.len());
        if has_caller {
            std::mem::swap(&mut same, &mut other);
        }
        same + other.min(same)
    }

    fn push(&mut self, has_caller: bool) -> oneshot::Receiver<()> {
        let (waiter, woken) = oneshot::channel();
        let queue = if has_caller {
            &mut self.callers
        } else {
            &mut self.others
        };
        queue.push_back(waiter);
        woken
    }

    fn forget_closed(&mut self) {
        self.callers.retain(|waiter| !waiter.is_closed());
        self.others.retain(|waiter| !waiter.is_closed());
    }

    fn wake_one(&mut self) {
        self.is_turn_of_callers = !self.is_turn_of_callers;
        let (first, second) = if self.is_turn_of_callers {
            (&mut self.callers, &mut self.others)
        } else {
            (&mut self.others, &mut self.callers)
        };
        while let Some(waiter) = first.pop_front().or_else(|| second.pop_front()) {
            if waiter.send(()).is_ok() {
                return;
            }
        }
    }
}

/// Slots that are in use until this is dropped.
#[derive(Debug)]
pub struct Slots {
    shares: Shares,
    keys: Vec<Key>,
    since: Instant,
}

impl Shares {
    /// `slots` for each mode.
    pub fn new(slots: usize) -> Self {
        Self {
            slots,
            used: Arc::default(),
        }
    }

    /// Takes a slot of each share, waiting for at most a second. Otherwise returns by how much to postpone
    /// the job. `has_caller`: whether a request waits for the job's outcome.
    pub async fn take(
        &self,
        mode: Mode,
        shares: &[Share],
        has_caller: bool,
    ) -> Result<Slots, Duration> {
        let deadline = Instant::now() + WAIT_HERE;
        loop {
            let (key, limit) = match self.try_take(mode, shares) {
                Ok(slots) => return Ok(slots),
                Err(full) => full,
            };
            let woken = {
                let mut used = self.lock();
                let of_mode = used.iter().filter(|((of, _), _)| *of == mode);
                let waiting: usize = of_mode.map(|(_, party)| party.waiting.len()).sum();
                let party = used.entry(key.clone()).or_insert_with(Used::new);
                let ahead = party.waiting.ahead(has_caller);
                let wait = u32::try_from(ahead).map_or(Duration::MAX, |ahead| {
                    party.turn(limit).saturating_mul(ahead)
                });
                if waiting >= 2 * self.slots || ahead >= self.slots || wait >= WAIT_HERE {
                    return Err(party.postpone(limit));
                }
                party.waiting.push(has_caller)
            };
            if timeout_at(deadline, woken).await.is_err() {
                let mut used = self.lock();
                let party = used.entry(key).or_insert_with(Used::new);
                party.waiting.forget_closed();
                return Err(party.postpone(limit));
            }
        }
    }

    /// Takes the slots, or returns whose share is used up, and how large it is.
    fn try_take(&self, mode: Mode, shares: &[Share]) -> Result<Slots, (Key, usize)> {
        let mut used = self.lock();
        let of = |used: &HashMap<Key, Used>, key: &Key| {
            used.get(key).map_or((0, 0), |of| (of.slots, of.failures))
        };
        let all: Key = (mode, None);
        let (in_use, _) = of(&used, &all);
        if in_use >= self.slots {
            return Err((all, self.slots));
        }
        let is_first = shares.iter().any(|share| {
            let key: Key = (mode, Some(share.party.clone()));
            matches!(share.party, Party::Merchant(_)) && of(&used, &key).0 == 0
        });
        let mut before = (in_use, self.slots);
        for share in shares {
            let key: Key = (mode, Some(share.party.clone()));
            let (slots, failures) = of(&used, &key);
            let is_failing = failures >= FAILURES_MAX;
            let one_in = share.one_in.saturating_mul(if is_failing { 4 } else { 1 });
            let (of_used, of_slots) = if share.is_nested {
                before
            } else {
                (in_use, self.slots)
            };
            let limit = of_slots.div_ceil(one_in).max(1);
            // A merchant without a slot may try one: otherwise those that hold the quarter of a failing
            // acquirer would keep all others from it.
            let is_strict = share.is_strict || (is_failing && !is_first);
            if slots >= limit && (is_strict || of_used >= of_slots / 2) {
                return Err((key, limit));
            }
            before = (slots, limit);
        }
        let parties = shares.iter().map(|share| (mode, Some(share.party.clone())));
        let keys: Vec<Key> = parties.chain([all]).collect();
        for key in &keys {
            let party = used.entry(key.clone()).or_insert_with(Used::new);
            if party.slots == 0 {
                party.freed = Instant::now();
            }
            party.slots += 1;
        }
        Ok(Slots {
            shares: self.clone(),
            keys,
            since: Instant::now(),
        })
    }

    /// Records whether a party gave a clear response.
    pub fn record(&self, party: &Party, is_clear: bool) {
        let mut used = self.lock();
        for mode in [Mode::Test, Mode::Live] {
            if let Some(used) = used.get_mut(&(mode, Some(party.clone()))) {
                used.failures = if is_clear {
                    0
                } else {
                    used.failures.saturating_add(1)
                };
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let took = self.since.elapsed();
        let mut used = self.shares.lock();
        for key in &self.keys {
            if let Some(party) = used.get_mut(key) {
                party.slots = party.slots.saturating_sub(1);
                party.freed = Instant::now();
                party.mean = (party.mean * 7 + took) / 8;
                party.waiting.wake_one();
            }
        }
        if used.len() > 4 * self.shares.slots {
            used.retain(|_, party| !party.is_idle());
        }
    }
}

#[cfg(test)]
mod tests;
