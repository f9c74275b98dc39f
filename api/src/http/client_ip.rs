//! The client address of a request: the connection's peer, or the address that trusted proxies
//! report.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::header::HeaderName;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// Each proxy appends the address that it received the request from. Entries to the left of the
/// rightmost untrusted address may be forged.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client address of a request; `0.0.0.0` if unknown.
pub fn of(request: &Request, trusted: &[IpNet]) -> IpAddr {
    of_parts(request.extensions(), request.headers(), trusted)
}

/// The client address of a request with these parts.
pub fn of_parts(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    behind(peer, headers, trusted)
}

/// The first address that is not a trusted proxy's, starting at the connection and reading the
/// header from right to left.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut forwarded = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    let mut nearest = peer.to_canonical();
    while trusted.iter().any(|net| net.contains(&nearest)) {
        let Some(address) = forwarded.next().and_then(address) else {
            break;
        };
        nearest = address;
    }
    nearest
}

/// Parses an address with or without a port; some proxies append one.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let alone = text.parse().ok();
    let address = alone.or_else(|| text.parse::<SocketAddr>().ok().map(|both| both.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const TRUSTED: [&str; 3] = ["10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32"];

    fn found(peer: &str, forwarded: &[&'static str]) -> Option<String> {
        let forwarded = forwarded
            .iter()
            .map(|forwarded| (FORWARDED_FOR, HeaderValue::from_static(forwarded)));
        let headers = forwarded.collect();
        let trusted: Vec<IpNet> = TRUSTED.iter().filter_map(|net| net.parse().ok()).collect();
        Some(behind(peer.parse().ok()?, &headers, &trusted).to_string())
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, forwarded, from) in [
            ("198.51.100.7", &[][..], "198.51.100.7"),
            ("198.51.100.7", &["203.0.113.9"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            // The client can forge only the leftmost entries.
            ("10.0.0.1", &["192.0.2.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["192.0.2.1", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("2001:db8::1", &["[2001:dead::9]:443"], "2001:dead::9"),
            ("10.0.0.1", &["203.0.113.9:443"], "203.0.113.9"),
            // An entry that does not parse yields the address of the proxy that appended it.
            ("10.0.0.1", &["unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, _hidden"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ] {
            assert_eq!(
                found(peer, forwarded).as_deref(),
                Some(from),
                "{peer} {forwarded:?}"
            );
        }
    }
}
