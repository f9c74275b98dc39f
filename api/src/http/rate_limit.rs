//! Rate limits: requests per key, surface and minute, counted across all API processes.

use axum::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use domain::merchant::{Mode, RATE_LIMIT_DEFAULT, RATE_LIMIT_LIVE_INTENTS};
use domain::surface::Surface;
use store::merchants::Principal;
use store::rate_limits::Counted;
use time::OffsetDateTime;

use crate::App;
use crate::error::ApiError;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

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

    /// The position of a request or a lookup among those of its client address.
    pub const fn of_address(counted: Counted) -> Self {
        Self {
            limit: RATE_LIMIT_DEFAULT,
            counted,
        }
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
