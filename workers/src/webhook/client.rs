//! Posting to addresses that merchants chose: no private addresses, no redirects, no proxy, short
//! timeouts. Every connection resolves its name again and connects only to the addresses that were
//! checked, so that a DNS response that changes between check and connection gains an attacker nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::delivery::RESPONSE_READ;
use domain::endpoint::Policy;
use domain::merchant::Mode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, Url};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// How long an endpoint may take for its whole response.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// How much of a response body is read, so that the connection can be reused.
const RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// The result of posting a message.
#[derive(Debug)]
pub enum PostResult {
    /// The endpoint responded.
    Responded(EndpointResponse),
    /// There was no response.
    Failed(Failure),
}

/// Why there was no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Timeout,
    Connect,
    /// The connection broke.
    Broken,
    /// Nothing was sent, for this reason.
    Blocked(&'static str),
}

impl Failure {
    /// The reason, as it is stored.
    pub const fn reason(self) -> &'static str {
        match self {
            Failure::Timeout => "no response in time",
            Failure::Connect => "could not connect",
            Failure::Broken => "the connection broke",
            Failure::Blocked(reason) => reason,
        }
    }
}

/// What is kept of a response.
#[derive(Debug)]
pub struct EndpointResponse {
    /// The HTTP status.
    pub status: u16,
    /// How long its `Retry-After` asks to wait, with 429 and 503.
    pub retry_after: Option<Duration>,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

impl EndpointResponse {
    /// Whether the endpoint accepted the message: 2xx. A redirect is not followed, so it is a failure.
    pub const fn is_accepted(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

impl PostResult {
    /// Its class in the metrics.
    pub const fn class(&self) -> &'static str {
        match self {
            PostResult::Responded(response) => match response.status {
                ..=199 => "1xx",
                200..=299 => "2xx",
                300..=399 => "3xx",
                400..=499 => "4xx",
                500.. => "5xx",
            },
            PostResult::Failed(Failure::Timeout) => "timeout",
            PostResult::Failed(Failure::Connect) => "connect",
            PostResult::Failed(Failure::Broken) => "broken",
            PostResult::Failed(Failure::Blocked(_)) => "blocked",
        }
    }
}

/// HTTP clients that connect only to allowed addresses, one for each mode.
#[derive(Clone)]
pub struct Client {
    policy: Policy,
    test: reqwest::Client,
    live: reqwest::Client,
}

impl Client {
    pub fn new(policy: Policy) -> anyhow::Result<Self> {
        let client = |mode| {
            reqwest::Client::builder()
                .user_agent(concat!("Sluice-Webhooks/", env!("CARGO_PKG_VERSION")))
                .timeout(TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .dns_resolver(Arc::new(AllowedAddresses { policy, mode }))
                .build()
        };
        Ok(Self {
            policy,
            test: client(Mode::Test)?,
            live: client(Mode::Live)?,
        })
    }

    /// Posts a signed message.
    pub async fn post(
        &self,
        mode: Mode,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: String,
    ) -> PostResult {
        let url = match self.check(mode, url) {
            Ok(url) => url,
            Err(reason) => return PostResult::Failed(Failure::Blocked(reason)),
        };
        let client = match mode {
            Mode::Test => &self.test,
            Mode::Live => &self.live,
        };
        let mut request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                let asked = matches!(status, 429 | 503).then(|| retry_after(response.headers()));
                PostResult::Responded(EndpointResponse {
                    status,
                    retry_after: asked.flatten(),
                    body: beginning(response).await,
                })
            }
            Err(error) => PostResult::Failed(failure(&error)),
        }
    }

    /// Checks the scheme, and the address if the URL contains one: then nothing is resolved, and the
    /// resolver would not see it.
    fn check(&self, mode: Mode, url: &str) -> Result<Url, &'static str> {
        let url = Url::parse(url).map_err(|_| "not a URL")?;
        let host = url.host_str().unwrap_or_default();
        self.policy
            .may_use(mode, url.scheme(), host)
            .map_err(|_| "the scheme is not allowed")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse::<IpAddr>() {
            self.policy
                .may_connect(mode, address)
                .map_err(|_| "the address is not allowed")?;
        }
        Ok(url)
    }
}

/// The wait that a response asks for, in seconds or until a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = OffsetDateTime::parse(value, &Rfc2822).ok()?;
    (until - OffsetDateTime::now_utc()).try_into().ok()
}

/// Reads the whole body if it is short, and returns its beginning.
async fn beginning(mut response: Response) -> Vec<u8> {
    let (mut beginning, mut read) = (Vec::new(), 0);
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = RESPONSE_READ.saturating_sub(beginning.len());
        beginning.extend(chunk.iter().take(room));
        read += chunk.len();
        if read > RESPONSE_BYTES_MAX {
            break;
        }
    }
    beginning
}

fn failure(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        Failure::Timeout
    } else if error.is_connect() {
        Failure::Connect
    } else {
        Failure::Broken
    }
}

/// A resolver that returns only allowed addresses.
struct AllowedAddresses {
    policy: Policy,
    mode: Mode,
}

impl Resolve for AllowedAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, mode) = (self.policy, self.mode);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| policy.may_connect(mode, address.ip()).is_ok())
                .collect();
            if allowed.is_empty() {
                return Err("the name has no allowed address".into());
            }
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<Duration> {
        let value = value.parse().ok()?;
        retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]))
    }

    #[test]
    fn a_wait_is_a_number_of_seconds_or_a_date() -> Result<(), time::error::Format> {
        assert_eq!(asked("120"), Some(Duration::from_mins(2)));
        assert_eq!(asked("0"), Some(Duration::ZERO));
        let soon = OffsetDateTime::now_utc() + Duration::from_mins(10);
        // An HTTP date names its zone GMT (RFC 9110, section 5.6.7).
        let date = soon.format(&Rfc2822)?.replace("+0000", "GMT");
        let wait = asked(&date).unwrap_or_default();
        assert!((590..=600).contains(&wait.as_secs()), "{date}: {wait:?}");
        for wrong in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "-1",
            "1.5",
            "soon",
            "",
            "99999999999999999999",
            "Fri, 31 Feb 2090 00:00:00 GMT",
        ] {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
        Ok(())
    }
}
