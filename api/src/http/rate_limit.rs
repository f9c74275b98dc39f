//! Rate limits: requests per key, surface and minute, counted across all API processes.

use std::net::IpAddr;

use axum::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use domain::merchant::{Mode, RATE_LIMIT_DEFAULT, RATE_LIMIT_LIVE_INTENTS};
use domain::surface::Surface;
use store::merchants::Principal;
use store::rate_limits::Counted;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::App;
use crate::error::ApiError;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The /64 prefix of an IPv6 address. A site is assigned at least a /64 (RFC 6177), so a client can
/// use any address within it.
const IPV6_SITE: u128 = u128::MAX << 64;

/// A request's position in its minute, and its limit.
pub struct Window {
    limit: u32,
    counted: Counted,
}

impl Window {
    /// Counts an authenticated request under its key.
    pub async fn count(
        app: &App,
        surface: Surface,
        principal: &Principal,
    ) -> Result<Self, ApiError> {
        let usual = match (surface, principal.mode) {
            (Surface::Finternet, Mode::Live) => RATE_LIMIT_LIVE_INTENTS,
            _ => RATE_LIMIT_DEFAULT,
        };
        let limit = principal.rate_limit.unwrap_or(usual);
        let counted = app
            .hits
            .count_below(principal.key_id, surface, limit)
            .await?;
        Ok(Self { limit, counted })
    }

    /// Counts a request without a valid key under its client address.
    pub async fn count_anonymous(
        app: &App,
        surface: Surface,
        from: IpAddr,
    ) -> Result<Self, ApiError> {
        let subject = match from {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits() & IPV6_SITE,
        };
        let subject = Uuid::from_u128(subject);
        Ok(Self {
            limit: RATE_LIMIT_DEFAULT,
            counted: app.hits.count(subject, surface).await?,
        })
    }

    /// Rejects a request beyond the limit.
    pub fn check(&self) -> Result<(), ApiError> {
        if self.counted.number <= self.limit {
            return Ok(());
        }
        let left = self.counted.reset - OffsetDateTime::now_utc().unix_timestamp();
        Err(ApiError::RateLimited(left.clamp(1, 60)))
    }

    /// Adds the rate limit headers to a response, and `Retry-After` beyond the limit.
    pub fn write(&self, headers: &mut HeaderMap) {
        let remaining = self.limit.saturating_sub(self.counted.number);
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(remaining));
        headers.insert(RESET, HeaderValue::from(self.counted.reset));
        if let Err(ApiError::RateLimited(seconds)) = self.check() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}
