//! Posting to addresses that merchants chose: no private address, no redirect, no proxy, little
//! patience. A name is resolved at each connection, and what is connected to is what was judged.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::endpoint::Policy;
use domain::merchant::Mode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, Url};

/// How long an endpoint may take for its whole answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How much of an answer is read, so that its connection can be used again.
const RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// What an endpoint did with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostResult {
    /// It answered with this status.
    Responded(u16),
    /// It did not, for this reason.
    Failed(&'static str),
}

impl PostResult {
    /// Whether the message was taken: 2xx. A redirect is not followed and so not taken.
    pub const fn is_accepted(self) -> bool {
        matches!(self, PostResult::Responded(200..=299))
    }
}

/// A client that refuses private addresses, one for each mode.
#[derive(Clone)]
pub struct Client {
    policy: Policy,
    test: reqwest::Client,
    live: reqwest::Client,
}

impl Client {
    /// A client with this policy.
    pub fn new(policy: Policy) -> anyhow::Result<Self> {
        let client = |mode| {
            reqwest::Client::builder()
                .user_agent(concat!("Sluice-Webhooks/", env!("CARGO_PKG_VERSION")))
                .timeout(TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .dns_resolver(Arc::new(Judged { policy, mode }))
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
        let url = match self.judge(mode, url) {
            Ok(url) => url,
            Err(why) => return PostResult::Failed(why),
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
            Err(error) => PostResult::Failed(why(&error)),
        }
    }

    /// An address that stands in the URL itself is never resolved, so it is judged here.
    fn judge(&self, mode: Mode, url: &str) -> Result<Url, &'static str> {
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

fn why(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "could not connect"
    } else {
        "the connection broke"
    }
}

/// A resolver that keeps only addresses that may be connected to.
struct Judged {
    policy: Policy,
    mode: Mode,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, mode) = (self.policy, self.mode);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| policy.may_connect(mode, address.ip()).is_ok())
                .collect();
            if allowed.is_empty() {
                return Err("the name has no address that is allowed".into());
            }
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}
