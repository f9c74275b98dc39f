//! Large responses. What the process holds of them until clients have taken them is bounded, and each merchant has
//! a share of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use domain::id::MerchantId;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

use super::shares::{Permit, Shares};

/// Larger bodies count. A part that hyper takes at once has at most this size.
const PART: usize = 64 * 1024;
/// How much of large bodies may wait to be sent, in units of [`PART`]: 64 MiB.
const PARTS_MAX: usize = 1_024;

/// What may wait to be sent.
pub struct Unsent(Shares);

impl Default for Unsent {
    fn default() -> Self {
        Self::new(PARTS_MAX)
    }
}

impl Unsent {
    fn new(parts: usize) -> Self {
        Self(Shares::new(parts))
    }

    /// Returns the response to a merchant, or to a client without a key; `None` if too much waits already.
    /// Its body must be in memory.
    pub async fn hold(&self, merchant: Option<MerchantId>, response: Response) -> Option<Response> {
        let size = response.body().size_hint().exact().unwrap_or_default();
        let size = usize::try_from(size).ok()?;
        if size <= PART {
            return Some(response);
        }
        let permit = self.0.take(merchant, size.div_ceil(PART))?;
        let (head, body) = response.into_parts();
        let rest = body.collect().await.ok()?.to_bytes();
        let body = Body::new(Held {
            rest,
            _permit: permit,
        });
        Some(Response::from_parts(head, body))
    }
}

/// A body that keeps its permit until hyper has taken the last part.
struct Held {
    rest: Bytes,
    _permit: Permit,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let size = self.rest.len().min(PART);
        if size == 0 {
            return Poll::Ready(None);
        }
        // A copy: a slice would keep the whole body in memory while the last part waits.
        let part = Bytes::copy_from_slice(&self.rest.split_to(size));
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(size: usize) -> Response {
        Response::new(Body::from(vec![b'x'; size]))
    }

    async fn taken(response: Option<Response>) -> Option<usize> {
        let body = response?.into_body().collect().await.ok()?;
        Some(body.to_bytes().len())
    }

    #[tokio::test]
    async fn large_responses_wait_up_to_a_bound() {
        let unsent = Unsent::new(4);
        let hold = async |size| unsent.hold(None, response(size)).await;
        let (large, larger) = (PART * 3, PART * 3 + 1);
        let first = hold(large).await;
        assert!(hold(PART + 1).await.is_none());
        assert_eq!(taken(hold(PART).await).await, Some(PART));
        assert_eq!(taken(first).await, Some(large));
        // What was taken, or given up, counts no longer.
        drop(hold(larger).await);
        assert_eq!(taken(hold(larger).await).await, Some(larger));
        assert!(hold(PART * 5).await.is_none());
    }
}
