//! Idempotency-Key: the same request with the same key is done once.

use axum::http::HeaderMap;
use domain::card;
use domain::surface::Surface;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use store::accept::Key;

use crate::refused::Refused;

/// The request's idempotency key with the fingerprint of what it asks: HMAC under a server key,
/// the security code left out, so that what is stored cannot be guessed back to a card.
pub fn key(
    headers: &HeaderMap,
    server_key: &[u8; 32],
    route: &str,
    surface: Surface,
    body: &Value,
) -> Result<Option<Key>, Refused> {
    let Some(header) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = header
        .to_str()
        .map_err(|_| Refused::IdempotencyKeyMalformed)?;
    if key.is_empty() || key.len() > 255 || card::is_in(key) {
        return Err(Refused::IdempotencyKeyMalformed);
    }
    let fingerprint = fingerprint(server_key, &[route, surface.name()], body)?;
    Ok(Some(Key {
        key: key.to_owned(),
        fingerprint,
    }))
}

fn fingerprint(server_key: &[u8; 32], route: &[&str], body: &Value) -> Result<Vec<u8>, Refused> {
    let mut mac = Hmac::<Sha256>::new_from_slice(server_key).map_err(|_| Refused::Internal)?;
    for part in route {
        mac.update(part.as_bytes());
        mac.update(b"\0");
    }
    // serde_json writes an object's keys in order, so equal bodies are equal texts.
    mac.update(zeroize::Zeroizing::new(without_cvc(body).to_string()).as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

fn without_cvc(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(Value::Object(card)) = body.get_mut("card") {
        card.remove("cvc");
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_requests_have_equal_fingerprints() {
        let of = |route: &str, body: &Value| fingerprint(&[1; 32], &[route, "paygate"], body).ok();
        let body = json!({"amount": 1, "card": {"number": "4242", "cvc": "123"}});
        let same = json!({"card": {"cvc": "999", "number": "4242"}, "amount": 1});
        let other = json!({"amount": 2, "card": {"number": "4242", "cvc": "123"}});
        assert_eq!(of("/payments", &body), of("/payments", &same));
        assert_ne!(of("/payments", &body), of("/payments", &other));
        assert_ne!(of("/payments", &body), of("/refunds", &body));
        assert_ne!(
            of("/payments", &body),
            fingerprint(&[2; 32], &["/payments", "paygate"], &body).ok()
        );
    }
}
