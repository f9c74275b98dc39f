//! A bounded number of things, such as requests in progress, that merchants share: one merchant cannot have
//! them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::id::MerchantId;

/// Half are free for anyone; of the other half, a merchant has one in this many of all at most, and so have all
/// clients without a key together.
const ONE_IN: usize = 4;

/// Clones share them.
#[derive(Clone)]
pub struct Shares {
    most: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_merchant: HashMap<Option<MerchantId>, usize>,
}

impl Shares {
    /// At most this many.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// Takes some for a merchant, or for a client without a key, until the result is dropped; `None` if too few
    /// are free. Whoever has none may take more at once than a share.
    pub fn take(&self, merchant: Option<MerchantId>, count: usize) -> Option<Permit> {
        let mut taken = self.lock();
        let own = taken.by_merchant.get(&merchant).copied().unwrap_or(0);
        let all = taken.all + count;
        let is_above_share = own > 0 && own + count > self.most.div_ceil(ONE_IN);
        if all > self.most || (is_above_share && all > self.most / 2) {
            return None;
        }
        taken.all = all;
        taken.by_merchant.insert(merchant, own + count);
        Some(Permit {
            shares: self.clone(),
            merchant,
            count,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was taken, until this is dropped.
pub struct Permit {
    shares: Shares,
    merchant: Option<MerchantId>,
    count: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self.shares.lock();
        taken.all -= self.count;
        if let Some(own) = taken.by_merchant.get_mut(&self.merchant) {
            *own -= self.count;
            if *own == 0 {
                taken.by_merchant.remove(&self.merchant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn merchants() -> [Option<MerchantId>; 2] {
        [1, 2].map(|id| Some(MerchantId(Uuid::from_u128(id))))
    }

    /// Takes one after the other until there is none for this merchant.
    fn take_all(shares: &Shares, merchant: Option<MerchantId>) -> Vec<Permit> {
        std::iter::from_fn(|| shares.take(merchant, 1)).collect()
    }

    #[test]
    fn one_merchant_has_half_at_most_and_others_a_quarter_each() {
        let shares = Shares::new(16);
        let [one, other] = merchants();
        let first = take_all(&shares, one);
        assert_eq!(first.len(), 8);
        let second = take_all(&shares, other);
        assert_eq!(second.len(), 4);
        let anonymous = take_all(&shares, None);
        assert_eq!(anonymous.len(), 4);
        drop(first);
        assert_eq!(take_all(&shares, one).len(), 4);
        drop((second, anonymous));
        assert!(shares.lock().by_merchant.is_empty());
        assert_eq!(shares.lock().all, 0);
    }

    #[test]
    fn one_large_request_may_exceed_the_share_but_not_all() {
        let shares = Shares::new(16);
        let [one, _] = merchants();
        let large = shares.take(one, 12);
        assert!(large.is_some() && shares.take(one, 1).is_none());
        drop(large);
        assert!(shares.take(one, 17).is_none());
    }
}
