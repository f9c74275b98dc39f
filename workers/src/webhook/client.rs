//! Posting to addresses that merchants chose: no private addresses, no redirects, no proxy, short
//! timeouts. Every connection resolves its name again and connects only to the addresses that were
//! checked, so that a DNS response that changes between check and connection gains an attacker nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::endpoint::Policy;
use domain::merchant::Mode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, Url};

/// How long an endpoint may take for its whole response.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// How much of a response body is read, so that the connection can be reused.
const RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// The result of posting a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostResult {
    /// The endpoint responded with this status.
    Responded(u16),
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

impl PostResult {
    /// Whether the endpoint accepted the message: 2xx. A redirect is not followed, so it is a failure.
    pub const fn is_accepted(self) -> bool {
        matches!(self, PostResult::Responded(200..=299))
    }

    /// Its class in the metrics.
    pub const fn class(self) -> &'static str {
        match self {
            PostResult::Responded(..=199) => "1xx",
            PostResult::Responded(200..=299) => "2xx",
            PostResult::Responded(300..=399) => "3xx",
            PostResult::Responded(400..=499) => "4xx",
            PostResult::Responded(500..) => "5xx",
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
                drain(response).await;
                PostResult::Responded(status)
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

async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > RESPONSE_BYTES_MAX {
            return;
        }
    }
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
