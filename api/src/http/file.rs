//! Files that are the same for everyone. Each is rendered and compressed once, and not sent again to a
//! client that has it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use tower_http::compression::CompressionLayer;
use tower_service::Service;

/// A file in memory.
pub struct File {
    kind: &'static str,
    cache: &'static str,
    policy: Option<&'static str>,
    digest: String,
    /// `None` if it exists only compressed.
    plain: Option<Bytes>,
    /// Compressed when it is first asked for.
    gzip: OnceCell<Option<Bytes>>,
}

impl File {
    /// A file that clients ask about each time they use it.
    pub fn new(kind: &'static str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self {
            kind,
            cache: "no-cache",
            policy: None,
            digest: digest(&content),
            plain: Some(content),
            gzip: OnceCell::new(),
        }
    }

    /// A file that is sent compressed with gzip to every client, and never changes under its path.
    pub fn compressed(kind: &'static str, gzip: &'static [u8]) -> Self {
        Self {
            kind,
            cache: "public, max-age=31536000, immutable",
            policy: None,
            digest: digest(gzip),
            plain: None,
            gzip: OnceCell::new_with(Some(Some(Bytes::from_static(gzip)))),
        }
    }

    /// Adds a content security policy.
    pub fn with_policy(self, policy: &'static str) -> Self {
        Self {
            policy: Some(policy),
            ..self
        }
    }

    /// The route that serves it.
    pub fn route(self) -> MethodRouter {
        let file = Arc::new(self);
        get(async move |headers: HeaderMap| file.respond(&headers).await)
    }

    async fn respond(&self, request: &HeaderMap) -> Response {
        let is_gzip = self.plain.is_none() || accepts_gzip(request);
        let gzip = if is_gzip { self.gzip().await } else { None };
        let variant = if gzip.is_some() { "-gzip" } else { "" };
        let tag = format!("\"{}{variant}\"", self.digest);
        let mut response = if has(request, &self.digest) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let is_gzip = gzip.is_some();
            let content = gzip.or_else(|| self.plain.clone()).unwrap_or_default();
            let mut response = Response::new(Body::from(content));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
            if is_gzip {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let headers = response.headers_mut();
        headers.extend(HeaderValue::from_str(&tag).map(|tag| (ETAG, tag)));
        for (name, value) in [
            (CACHE_CONTROL, self.cache),
            (REFERRER_POLICY, "no-referrer"),
            (VARY, "Accept-Encoding"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(policy) = self.policy {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        response
    }

    async fn gzip(&self) -> Option<Bytes> {
        let plain = self.plain.clone().unwrap_or_default();
        let compress = async || compressed(self.kind, plain).await;
        self.gzip.get_or_init(compress).await.clone()
    }
}

fn digest(content: &[u8]) -> String {
    format!("{:.16}", hex::encode(Sha256::digest(content)))
}

/// Passes the content through the compression layer once, instead of for each request.
async fn compressed(kind: &'static str, content: Bytes) -> Option<Bytes> {
    let content = get(async move || ([(CONTENT_TYPE, kind)], content));
    let router = Router::new().route("/", content);
    let request = Request::get("/").header(ACCEPT_ENCODING, "gzip");
    let request = request.body(Body::empty()).ok()?;
    let Ok(response) = router.layer(CompressionLayer::new()).call(request).await;
    let body = response.into_body().collect().await;
    Some(body.ok()?.to_bytes())
}

/// The members of a header that is a list.
fn members(headers: &HeaderMap, name: &axum::http::HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    let members = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    members.map(|member| member.trim().to_owned()).collect()
}

/// Whether the client has the content with this digest, compressed or not (RFC 9110, section 13.1.2).
fn has(request: &HeaderMap, digest: &str) -> bool {
    members(request, &IF_NONE_MATCH).iter().any(|tag| {
        let tag = tag.trim_start_matches("W/").trim_matches('"');
        tag == "*" || tag.trim_end_matches("-gzip") == digest
    })
}

/// Whether the client accepts gzip (RFC 9110, section 12.5.3).
fn accepts_gzip(request: &HeaderMap) -> bool {
    let accepted = members(request, &ACCEPT_ENCODING);
    let weight = |name: &str| {
        accepted.iter().find_map(|member| {
            let (coding, weight) = member.split_once(';').unwrap_or((member, "q=1"));
            let weight = weight.trim().trim_start_matches("q=");
            let is_named = coding.trim().eq_ignore_ascii_case(name);
            is_named.then(|| !weight.trim_matches(['0', '.']).is_empty())
        })
    };
    weight("gzip").or_else(|| weight("*")).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().filter_map(|(name, value)| {
            Some((name.parse().ok()?, HeaderValue::from_str(value).ok()?))
        });
        pairs.collect()
    }

    #[test]
    fn gzip_is_sent_to_who_accepts_it() {
        for (accepted, expected) in [
            ("", false),
            ("identity", false),
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000, *", false),
            ("*", true),
            ("*;q=0", false),
            ("xgzip", false),
        ] {
            let request = headers(&[("accept-encoding", accepted)]);
            assert_eq!(accepts_gzip(&request), expected, "{accepted}");
        }
    }

    #[tokio::test]
    async fn a_file_is_sent_once_plain_or_compressed() {
        let text = "All work and no play. ".repeat(100);
        let file = File::new("text/plain", text.clone());
        let mut tags = Vec::new();
        for (accepted, is_gzip) in [("identity", false), ("gzip", true)] {
            let response = file
                .respond(&headers(&[("accept-encoding", accepted)]))
                .await;
            assert_eq!(response.headers().contains_key(CONTENT_ENCODING), is_gzip);
            let tag = response
                .headers()
                .get(ETAG)
                .and_then(|tag| tag.to_str().ok());
            tags.push(tag.unwrap_or_default().to_owned());
            let body = response.into_body().collect().await;
            let body = body.map(http_body_util::Collected::to_bytes);
            let length = body.as_ref().map(Bytes::len).unwrap_or_default();
            assert_eq!(length < text.len() / 10, is_gzip, "{accepted}: {length}");
        }
        assert_ne!(tags.first(), tags.last());
        for tag in &tags {
            for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
                let response = file.respond(&headers(&[("if-none-match", &known)])).await;
                assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
                assert!(response.headers().contains_key(ETAG), "{known}");
            }
        }
        let other = file.respond(&headers(&[("if-none-match", "\"x\"")])).await;
        assert_eq!(other.status(), StatusCode::OK);
    }
}
