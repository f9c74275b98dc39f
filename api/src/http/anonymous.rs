//! Counts requests without a valid key by client address. In memory only, so that counting them costs
//! the database nothing: each process counts by itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::surface::Surface;
use store::rate_limits::Counted as Position;
use time::OffsetDateTime;

/// The /64 prefix of an IPv6 address. A site is assigned at least a /64 (RFC 6177), so a client can
/// use any address within it.
const IPV6_SITE: u128 = u128::MAX << 64;
/// At most so many addresses are counted; then counting starts again.
const ADDRESSES_MAX: usize = 50_000;

/// The counts of this minute.
#[derive(Default)]
pub struct Anonymous(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    /// When it ends, Unix seconds.
    reset: i64,
    counts: HashMap<(u128, Counted), u32>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Requests without a valid key.
    Requests(Surface),
    /// Lookups of keys that were not valid. They have a count of their own, so that whoever sends no
    /// key does not keep others at the same address from sending theirs.
    LookUps,
}

impl Anonymous {
    /// Counts one more. Returns its position among those of its address in this minute.
    pub fn count(&self, what: Counted, from: IpAddr) -> Position {
        let mut minute = self.minute();
        let now = OffsetDateTime::now_utc().unix_timestamp();
        if minute.reset <= now || minute.counts.len() >= ADDRESSES_MAX {
            minute.reset = now - now.rem_euclid(60) + 60;
            minute.counts.clear();
        }
        let number = minute.counts.entry((site(from), what)).or_default();
        *number = number.saturating_add(1);
        Position {
            number: *number,
            reset: minute.reset,
        }
    }

    /// Takes back a count.
    pub fn uncount(&self, what: Counted, from: IpAddr) {
        if let Some(number) = self.minute().counts.get_mut(&(site(from), what)) {
            *number = number.saturating_sub(1);
        }
    }

    fn minute(&self) -> MutexGuard<'_, Minute> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is counted as one address: an IPv4 address, or a site's /64 of IPv6.
pub fn site(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() & IPV6_SITE,
    }
}
