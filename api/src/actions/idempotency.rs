//! `Idempotency-Key`: a request that is repeated with the same key takes effect once.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use domain::card;
use domain::id::MerchantId;
use domain::merchant::Mode;
use domain::surface::Surface;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;
use store::Tx;
use store::accept::{Key, StoredResponse};
use store::idempotency::{self, Existing};
use store::merchants::Principal;
use uuid::Uuid;

use crate::App;
use crate::error::ApiError;
use crate::single_flight::SingleFlight;

/// A response, and whether it replays an earlier one.
pub struct ApiResponse {
    pub response: StoredResponse,
    pub is_replay: bool,
}

impl ApiResponse {
    /// A response that is not a replay.
    pub const fn new(response: StoredResponse) -> Self {
        Self {
            response,
            is_replay: false,
        }
    }

    /// The stored response to an earlier request.
    pub const fn replay(response: StoredResponse) -> Self {
        Self {
            response,
            is_replay: true,
        }
    }
}

/// The requests with a key that are in progress in this process, by their key. The result of each is
/// its fingerprint and its response.
pub type InProgress = SingleFlight<(MerchantId, Mode, String), (Vec<u8>, Response)>;

type Response = Result<StoredResponse, ApiError>;

/// Runs `act`, unless a request with the same key is in progress: then waits for its response, which is
/// also the response to this one if both are the same.
pub async fn coalesce(
    app: &App,
    principal: Principal,
    key: Option<&Key>,
    act: impl Future<Output = Result<ApiResponse, ApiError>> + Send,
) -> Result<ApiResponse, ApiError> {
    match key {
        Some(key) => in_turn(&app.keyed, principal, key, act).await,
        None => act.await,
    }
}

async fn in_turn(
    in_progress: &InProgress,
    principal: Principal,
    key: &Key,
    act: impl Future<Output = Result<ApiResponse, ApiError>> + Send,
) -> Result<ApiResponse, ApiError> {
    let id = (principal.merchant_id, principal.mode, key.key.clone());
    let mut act = std::pin::pin!(act);
    loop {
        let mut is_replay = true;
        let work = async {
            let acted = act.as_mut().await;
            is_replay = acted.as_ref().is_ok_and(|acted| acted.is_replay);
            let response = acted.map(|acted| acted.response);
            (key.fingerprint.clone(), response)
        };
        let (fingerprint, response) = in_progress.run(id.clone(), work).await.into_inner();
        if fingerprint == key.fingerprint {
            return response.map(|response| ApiResponse {
                response,
                is_replay,
            });
        }
        // A different request that was rejected does not use up the key.
        if response.is_ok() {
            return Err(ApiError::IdempotencyKeyReused);
        }
    }
}

/// The request's idempotency key and fingerprint. The fingerprint is an HMAC under a server key and
/// leaves out security codes, so that no card can be recovered from it by brute force. `path` holds
/// the segments of the request's path.
pub fn key(
    parts: &Parts,
    path: &[&str],
    server_key: &[u8; 32],
    surface: Surface,
    body: &Value,
) -> Result<Option<Key>, ApiError> {
    let Some(key) = text(&parts.headers)? else {
        return Ok(None);
    };
    // A trailing slash does not make a different request.
    let path = path.join("/");
    let route = [
        parts.method.as_str(),
        path.trim_end_matches('/'),
        surface.name(),
    ];
    let fingerprint = fingerprint(server_key, &route, body)?;
    Ok(Some(Key { key, fingerprint }))
}

fn text(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(header) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let is_printable = |key: &&str| key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let key = header.to_str().ok().filter(is_printable);
    let key = key.filter(|key| (1..=255).contains(&key.len()) && !card::contains_card_number(key));
    let key = key.ok_or(ApiError::IdempotencyKeyMalformed)?;
    Ok(Some(key.to_owned()))
}

fn fingerprint(server_key: &[u8; 32], route: &[&str], body: &Value) -> Result<Vec<u8>, ApiError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(server_key)
        .map_err(|_| ApiError::internal("HMAC takes keys of any length"))?;
    for part in route {
        mac.update(part.as_bytes());
        mac.update(b"\0");
    }
    mac.update(zeroize::Zeroizing::new(canonical(body).to_string()).as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

/// The body with object members sorted by name, so that equal bodies serialize equally, and without
/// security codes, wherever in the body a surface has its card.
fn canonical(body: &Value) -> Value {
    let members = match body {
        Value::Object(members) => members,
        Value::Array(items) => return items.iter().map(canonical).collect(),
        other => return other.clone(),
    };
    let members = members.iter().map(|(name, value)| {
        let mut value = canonical(value);
        if let ("card", Value::Object(card)) = (name.as_str(), &mut value) {
            card.retain(|name, _| name != "cvc" && name != "cvv");
        }
        (name.clone(), value)
    });
    // `BTreeMap` sorts; serde_json's `Map` keeps insertion order.
    let members: BTreeMap<_, _> = members.collect();
    Value::Object(members.into_iter().collect::<Map<_, _>>())
}

/// Takes the request's key for what this transaction does to `subject`. Returns `Some` if an
/// earlier request used the key: the subject and stored response of that request. Then do nothing.
pub async fn begin(
    tx: &mut Tx,
    principal: Principal,
    key: Option<&Key>,
    subject: Uuid,
) -> Result<Option<(Uuid, Option<StoredResponse>)>, ApiError> {
    let Some(key) = key else { return Ok(None) };
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let existing = idempotency::begin(tx, merchant, mode, key, subject).await?;
    existing
        .map(|existing| earlier(Some(key), existing))
        .transpose()
}

/// The subject of the earlier request with this key, and its response, if one is stored.
pub fn earlier(
    key: Option<&Key>,
    existing: Existing,
) -> Result<(Uuid, Option<StoredResponse>), ApiError> {
    if key.is_none_or(|key| key.fingerprint != existing.fingerprint) {
        return Err(ApiError::IdempotencyKeyReused);
    }
    Ok((existing.subject, existing.response))
}

/// Deletes a key that is older than 24 hours, so that it may be used again.
pub async fn delete_expired(
    app: &App,
    principal: Principal,
    key: Option<&Key>,
) -> Result<(), ApiError> {
    let Some(key) = key else { return Ok(()) };
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    Ok(idempotency::delete_expired_key(&app.db, merchant, mode, &key.key).await?)
}

/// Stores the response for repeats of the request, in the transaction that does the work: either
/// both are committed or neither.
pub async fn store_response(
    tx: &mut Tx,
    principal: Principal,
    key: Option<&Key>,
    response: &StoredResponse,
) -> Result<(), ApiError> {
    let Some(key) = key else { return Ok(()) };
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    Ok(idempotency::store_response(tx, merchant, mode, &key.key, response).await?)
}

/// Replays a stored response. For actions that use [`store_response`]: there, a used key always has
/// one.
pub fn replayed(before: Option<StoredResponse>) -> Result<ApiResponse, ApiError> {
    Ok(ApiResponse::replay(before.ok_or_else(|| {
        ApiError::internal("an idempotency key has no response")
    })?))
}

/// Stores the response to work that a worker did, unless one is stored already, and returns the
/// stored one. If storing fails, the client gets an error instead of the response and retries with
/// its key; so all repeats receive the same response.
pub async fn store_first(
    app: &App,
    principal: Principal,
    key: Option<&Key>,
    response: StoredResponse,
) -> Result<StoredResponse, ApiError> {
    let Some(key) = key else { return Ok(response) };
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    Ok(idempotency::store_first_response(&app.db, merchant, mode, &key.key, response).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::sync::oneshot;

    /// The body and whether it is a replay, or the error.
    fn shown(response: Result<ApiResponse, ApiError>) -> String {
        match response {
            Ok(one) => format!("{} {}", one.response.body, one.is_replay),
            Err(error) => format!("{error:?}"),
        }
    }

    fn response(body: &str) -> ApiResponse {
        ApiResponse::new(StoredResponse {
            status: 200,
            body: body.to_owned(),
        })
    }

    /// A first request that ends with `first`, and two that arrive meanwhile: the same, and another with
    /// the same key.
    async fn race(first: Result<ApiResponse, ApiError>) -> [String; 3] {
        let (all, principal) = (
            InProgress::default(),
            Principal {
                key_id: Uuid::nil(),
                merchant_id: MerchantId(Uuid::nil()),
                mode: Mode::Test,
                rate_limit: None,
            },
        );
        let [same, other] = [1, 2].map(|fingerprint| Key {
            key: "order".to_owned(),
            fingerprint: vec![fingerprint],
        });
        let (end, ended) = oneshot::channel();
        let ended = async { ended.await.unwrap_or(Err(ApiError::Internal)) };
        let (first, again, another, _) = tokio::join!(
            in_turn(&all, principal, &same, ended),
            in_turn(&all, principal, &same, async { Ok(response("again")) }),
            in_turn(&all, principal, &other, async { Ok(response("another")) }),
            async { end.send(first) },
        );
        [first, again, another].map(shown)
    }

    #[tokio::test]
    async fn the_same_requests_share_one_response() {
        assert_eq!(
            race(Ok(response("first"))).await,
            ["first false", "first true", "IdempotencyKeyReused"]
        );
        assert_eq!(
            race(Err(ApiError::NotRefundable)).await,
            ["NotRefundable", "NotRefundable", "another false"]
        );
    }

    #[test]
    fn equal_requests_have_equal_fingerprints() {
        let of = |route: &str, body: &Value| fingerprint(&[1; 32], &[route, "paygate"], body).ok();
        let body = json!({"amount": 1, "card": {"number": "4242", "cvc": "123"}});
        let same = json!({"card": {"cvc": "999", "number": "4242"}, "amount": 1});
        let items = |one| json!({"items": [one, {"b": [{"d": 1, "c": 2}], "a": 1}]});
        let turned = json!({"items": ["x", {"a": 1, "b": [{"c": 2, "d": 1}]}]});
        assert_eq!(of("/payments", &items("x")), of("/payments", &turned));
        assert_ne!(of("/payments", &items("y")), of("/payments", &turned));
        let other = json!({"amount": 2, "card": {"number": "4242", "cvc": "123"}});
        assert_eq!(of("/payments", &body), of("/payments", &same));
        assert_ne!(of("/payments", &body), of("/payments", &other));
        assert_ne!(of("/payments", &body), of("/refunds", &body));
        assert_ne!(
            of("/payments", &body),
            fingerprint(&[2; 32], &["/payments", "paygate"], &body).ok()
        );
    }

    #[test]
    fn no_surface_s_security_code_is_in_a_fingerprint() {
        for (body, same) in [
            (
                json!({"payment_method": {"type": "card", "card": {"number": "1", "cvc": "1"}}}),
                json!({"payment_method": {"type": "card", "card": {"number": "1", "cvc": "2"}}}),
            ),
            (
                json!({"card": {"cardNumber": "1", "cvv": "1"}}),
                json!({"card": {"cardNumber": "1", "cvv": "2"}}),
            ),
        ] {
            assert_eq!(canonical(&body), canonical(&same));
        }
        assert_ne!(canonical(&json!({"cvc": 1})), json!({}));
    }
}
