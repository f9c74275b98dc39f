//! The rate limit: requests of a key on a surface in a minute, counted over all API processes.

use std::net::IpAddr;

use axum::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use domain::merchant::{Mode, RATE_LIMIT_DEFAULT, RATE_LIMIT_LIVE_INTENTS};
use domain::surface::Surface;
use store::merchants::Principal;
use store::rate_limits::{Counted, Hit};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::App;
use crate::error::ApiError;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The part of an IPv6 address that tells sites apart; within one (RFC 6177) a client has as many
/// addresses as it likes.
const IPV6_SITE: u128 = u128::MAX << 64;

/// Where a request stands in its minute.
pub struct Window {
    limit: u32,
    counted: Counted,
}

impl Window {
    /// Counts a request of a known caller.
    pub async fn count(
        app: &App,
        surface: Surface,
        principal: &Principal,
    ) -> Result<Self, ApiError> {
        let hit = Hit {
            key_id: principal.key_id,
            surface,
        };
        let usual = match (surface, principal.mode) {
            (Surface::Finternet, Mode::Live) => RATE_LIMIT_LIVE_INTENTS,
            _ => RATE_LIMIT_DEFAULT,
        };
        let limit = principal.rate_limit.unwrap_or(usual);
        Ok(Self {
            limit,
            counted: app.hits.run(hit).await?,
        })
    }

    /// Counts a request without a valid key by where it came from.
    pub async fn count_anonymous(
        app: &App,
        surface: Surface,
        from: IpAddr,
    ) -> Result<Self, ApiError> {
        let subject = match from {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits() & IPV6_SITE,
        };
        let hit = Hit {
            key_id: Uuid::from_u128(subject),
            surface,
        };
        Ok(Self {
            limit: RATE_LIMIT_DEFAULT,
            counted: app.hits.run(hit).await?,
        })
    }

    /// Refuses a request beyond the limit.
    pub fn check(&self) -> Result<(), ApiError> {
        if self.counted.number <= self.limit {
            return Ok(());
        }
        let left = self.counted.reset - OffsetDateTime::now_utc().unix_timestamp();
        Err(ApiError::RateLimited {
            retry_after_seconds: left.clamp(1, 60),
        })
    }

    /// Writes the headers that every answer carries.
    pub fn write(&self, headers: &mut HeaderMap) {
        let remaining = self.limit.saturating_sub(self.counted.number);
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(remaining));
        headers.insert(RESET, HeaderValue::from(self.counted.reset));
        if let Err(ApiError::RateLimited {
            retry_after_seconds,
        }) = self.check()
        {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        }
    }
}
