//! Each address's share of the connections, so that one cannot take them all. Proxies in front serve many clients
//! and have no limit.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use crate::http::anonymous::site;

/// One address may have this part of all connections.
const ONE_IN: usize = 4;

/// The open connections by IPv4 address, and by /64 of IPv6. Clones share them.
#[derive(Clone)]
pub struct Peers {
    open: Arc<Mutex<HashMap<u128, usize>>>,
    most: usize,
    proxies: Arc<[IpNet]>,
}

/// A connection that counts until this is dropped.
pub struct Counted {
    peers: Peers,
    site: u128,
}

impl Peers {
    /// Shares of `connections`. This machine and `proxies` have no limit.
    pub fn new(connections: usize, proxies: &[IpNet]) -> Self {
        Self {
            open: Arc::default(),
            most: (connections / ONE_IN).max(1),
            proxies: proxies.into(),
        }
    }

    /// Counts a connection; `None` if its address has too many.
    pub fn count(&self, address: IpAddr) -> Option<Counted> {
        let address = address.to_canonical();
        let is_proxy = self.proxies.iter().any(|net| net.contains(&address));
        let mut open = self.lock();
        let site = site(address);
        let count = open.entry(site).or_default();
        if *count >= self.most && !is_proxy && !address.is_loopback() {
            return None;
        }
        *count += 1;
        let peers = self.clone();
        Some(Counted { peers, site })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u128, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.peers.lock();
        if let Some(count) = open.get_mut(&self.site) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.site);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_a_quarter_of_the_connections() {
        let proxies: Vec<IpNet> = "10.0.0.0/8".parse().into_iter().collect();
        let peers = Peers::new(8, &proxies);
        let count = |address: [u8; 4], connections| -> Vec<Counted> {
            let all = (0..connections).filter_map(|_| peers.count(address.into()));
            all.collect()
        };
        let greedy = count([203, 0, 113, 9], 8);
        assert_eq!(greedy.len(), 2);
        for (address, expected) in [
            ([203, 0, 113, 10], 2),
            ([10, 0, 0, 1], 8),
            ([127, 0, 0, 1], 8),
        ] {
            assert_eq!(count(address, 8).len(), expected, "{address:?}");
        }
        assert!(count([203, 0, 113, 9], 1).is_empty());
        drop(greedy);
        assert_eq!(count([203, 0, 113, 9], 1).len(), 1);
        assert!(peers.lock().is_empty());
    }
}
