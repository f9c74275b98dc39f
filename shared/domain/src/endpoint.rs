//! Webhook endpoints: their status and health, and where they may be: at public addresses over TLS, and in test
//! mode, if the operator allows it, at loopback addresses. Anything else would let merchants reach our
//! own network (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::id::{EndpointId, MerchantId};
use crate::merchant::Mode;
use crate::surface::Surface;

/// How long the secret before a roll signs too, unless the merchant says otherwise.
pub const OVERLAP_DEFAULT: Duration = Duration::from_hours(24);
/// The longest that the secret before a roll signs too.
pub const OVERLAP_MAX: Duration = Duration::from_hours(7 * 24);

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Its merchant.
    pub merchant_id: MerchantId,
    /// It receives only events of this mode.
    pub mode: Mode,
    /// The surface whose event format it receives.
    pub surface: Surface,
    /// Where to post.
    pub url: String,
    /// The subscription, as the surface names events; `*` is everything.
    pub events: Vec<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
    /// Whether to sign with Ed25519 too.
    pub ed25519: bool,
    /// Whether it receives new events.
    pub is_active: bool,
    /// Whether its attempts fail.
    pub health: Health,
    /// How often its secret was rolled.
    pub secret_version: u32,
    /// Until when the secret before the last roll signs too, if it does.
    pub previous_secret_until: Option<OffsetDateTime>,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// How the last attempts to reach an endpoint went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Since when every attempt has failed.
    pub failing_since: Option<OffsetDateTime>,
    /// How many attempts in a row have failed. Those made at about the same time count once.
    pub failures: u32,
    /// Until when nothing is sent to it.
    pub paused_until: Option<OffsetDateTime>,
    /// The last attempt that it accepted, exact to a minute.
    pub last_success_at: Option<OffsetDateTime>,
    /// Why the last failed attempt failed, in words.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<OffsetDateTime>,
    /// Why it was disabled, if the merchant did not do it.
    pub disabled_reason: Option<DisabledReason>,
}

/// Which secrets of an endpoint or a merchant sign webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secrets {
    /// How often the secret was rolled.
    pub version: u32,
    /// Whether the secret before the last roll signs too.
    pub is_previous_valid: bool,
}

/// Why the gateway disabled an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// It responded with 410 Gone.
    Gone,
    /// Every attempt failed for [`FAILING_MAX`](crate::delivery::FAILING_MAX).
    Failing,
}

names!(DisabledReason {
    Gone = "gone",
    Failing = "failing",
});

/// Whether an endpoint receives events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It receives events.
    Active,
    /// The merchant or the gateway disabled it; it receives no new events.
    Disabled,
    /// The merchant deleted it; the row stays for its deliveries.
    Deleted,
}

names!(Status {
    Active = "active",
    Disabled = "disabled",
    Deleted = "deleted",
});

/// Why a URL is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither https nor, in test mode, http to a loopback address.
    #[error("The URL must use https.")]
    Scheme,
    /// A private or special-purpose address.
    #[error("The URL must name a public address.")]
    Private,
}

/// Which addresses a merchant's endpoint may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether test mode may use loopback addresses, without TLS.
    pub is_loopback_allowed: bool,
}

impl Policy {
    /// Checks the scheme for this host, a name or an address. Names are resolved later; check each
    /// address with [`Policy::may_connect`] before connecting, because DNS may change in between.
    pub fn may_use(self, mode: Mode, scheme: &str, host: &str) -> Result<(), UrlError> {
        match scheme {
            "https" => Ok(()),
            "http" if self.allows_loopback(mode) && is_loopback_host(host) => Ok(()),
            _ => Err(UrlError::Scheme),
        }
    }

    /// Checks a resolved address.
    pub fn may_connect(self, mode: Mode, address: IpAddr) -> Result<(), UrlError> {
        let address = address.to_canonical();
        if is_public(address) || (self.allows_loopback(mode) && address.is_loopback()) {
            Ok(())
        } else {
            Err(UrlError::Private)
        }
    }

    const fn allows_loopback(self, mode: Mode) -> bool {
        self.is_loopback_allowed && matches!(mode, Mode::Test)
    }
}

fn is_loopback_host(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Excludes the blocks of IANA's IPv4 special-purpose address registry, and multicast.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// Only `2000::/3` is routed publicly. Within it, excludes addresses that embed an IPv4 address or
/// serve documentation: Teredo, ORCHID and benchmarking (`2001::/23`), `2001:db8::/32`, 6to4
/// (`2002::/16`), `3fff::/20`. NAT64, unique local, link-local, site-local, segment routing and
/// IPv4-compatible addresses lie outside `2000::/3`.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_special = matches!(
        (first, second),
        (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _) | (0x3fff, 0..=0x0fff)
    );
    (0x2000..=0x3fff).contains(&first) && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Policy = Policy {
        is_loopback_allowed: false,
    };
    const LOCAL: Policy = Policy {
        is_loopback_allowed: true,
    };

    fn allowed(policy: Policy, mode: Mode, address: &str) -> bool {
        address
            .parse()
            .is_ok_and(|address| policy.may_connect(mode, address).is_ok())
    }

    #[test]
    fn private_addresses_are_rejected() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.9",
            "192.88.99.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "fec0::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "100::1",
            "5f00::1",
            "3fff::1",
        ] {
            assert!(!allowed(STRICT, Mode::Test, address), "{address}");
            assert!(!allowed(LOCAL, Mode::Live, address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
        ] {
            assert!(allowed(STRICT, Mode::Live, address), "{address}");
        }
    }

    #[test]
    fn loopback_is_allowed_in_test_mode_by_policy() {
        assert!(allowed(LOCAL, Mode::Test, "127.0.0.1"));
        assert!(allowed(LOCAL, Mode::Test, "::1"));
        assert!(!allowed(LOCAL, Mode::Test, "10.0.0.1"));
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            assert_eq!(LOCAL.may_use(Mode::Test, "http", host), Ok(()));
            assert_eq!(
                LOCAL.may_use(Mode::Live, "http", host),
                Err(UrlError::Scheme)
            );
            assert_eq!(
                STRICT.may_use(Mode::Test, "http", host),
                Err(UrlError::Scheme)
            );
        }
        for host in ["example.com", "1.1.1.1", "localhost.example.com"] {
            assert_eq!(
                LOCAL.may_use(Mode::Test, "http", host),
                Err(UrlError::Scheme)
            );
            assert_eq!(LOCAL.may_use(Mode::Live, "https", host), Ok(()));
            assert_eq!(
                STRICT.may_use(Mode::Live, "ftp", host),
                Err(UrlError::Scheme)
            );
        }
    }
}
