//! Lets concurrent callers share one run of the same work, without each using a connection to the
//! database.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The runs in progress, by what they are about.
pub struct SingleFlight<K: Eq + Hash, T>(Mutex<HashMap<K, watch::Receiver<Option<T>>>>);

impl<K: Eq + Hash, T> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// Held by the caller that runs. When it is dropped, the next caller may run.
struct Turn<'a, K: Clone + Eq + Hash, T> {
    all: &'a SingleFlight<K, T>,
    key: K,
    done: watch::Sender<Option<T>>,
}

impl<K: Clone + Eq + Hash, T> Drop for Turn<'_, K, T> {
    fn drop(&mut self) {
        self.all.runs().remove(&self.key);
    }
}

/// The result of a run.
pub enum Ran<T> {
    /// This caller's own.
    Own(T),
    /// The result of a run that was in progress; this caller's work did not start.
    Shared(T),
}

impl<T> Ran<T> {
    pub fn into_inner(self) -> T {
        match self {
            Ran::Own(result) | Ran::Shared(result) => result,
        }
    }
}

impl<K: Clone + Eq + Hash, T: Clone> SingleFlight<K, T> {
    /// Runs `work`, unless a run with this key is in progress: then waits for its result. If the caller
    /// that runs gives up, another one of those that wait runs.
    pub async fn run(&self, key: K, work: impl Future<Output = T>) -> Ran<T> {
        loop {
            let mut done = match self.enter(&key) {
                Ok(turn) => {
                    let result = work.await;
                    turn.done.send_replace(Some(result.clone()));
                    return Ran::Own(result);
                }
                Err(done) => done,
            };
            let done = done.wait_for(Option::is_some).await;
            if let Some(result) = done.ok().and_then(|result| result.clone()) {
                return Ran::Shared(result);
            }
        }
    }

    fn enter(&self, key: &K) -> Result<Turn<'_, K, T>, watch::Receiver<Option<T>>> {
        match self.runs().entry(key.clone()) {
            Entry::Occupied(entry) => Err(entry.get().clone()),
            Entry::Vacant(entry) => {
                let (done, waiting) = watch::channel(None);
                entry.insert(waiting);
                Ok(Turn {
                    all: self,
                    key: key.clone(),
                    done,
                })
            }
        }
    }
}

impl<K: Eq + Hash, T> SingleFlight<K, T> {
    /// Whether a run with this key is in progress.
    pub fn is_running(&self, key: &K) -> bool {
        self.runs().contains_key(key)
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<K, watch::Receiver<Option<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn concurrent_callers_share_one_run() {
        let (all, runs) = (SingleFlight::default(), AtomicU32::new(0));
        let call = async |key: u8| {
            let work = async {
                yield_now().await;
                runs.fetch_add(1, Ordering::Relaxed)
            };
            all.run(key, work).await.into_inner()
        };
        let (first, same, other) = tokio::join!(call(1), call(1), call(2));
        assert_eq!(first, same);
        assert_ne!(first, other);
        assert!(all.runs().is_empty());
        assert_eq!(call(1).await, 2);
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_leaves_its_turn() {
        let all = SingleFlight::default();
        let turn = all.enter(&1);
        let next = all.run(1, async { "next" });
        let (next, ()) = tokio::join!(next, async { drop(turn) });
        assert!(matches!(next, Ran::Own("next")));
        assert!(all.runs().is_empty());
    }
}
