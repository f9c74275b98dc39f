//! Webhook signatures.
//!
//! Secrets are derived from the installation's key and the id of the endpoint or merchant, so that
//! none is stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::endpoint::Secrets;
use domain::id::{EndpointId, EventId, MerchantId};
use domain::merchant::Mode;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Headers that carry the plain digest, one for each surface that documents one.
const PLAIN_HEADERS: [&str; 3] = [
    "x-webhook-signature",
    "finternet-signature",
    "x-finfusion-signature",
];

/// The installation's signing key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

/// The signing secret of an endpoint or a merchant.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Key {
    /// Creates a key from its bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret of an endpoint that was rolled `version` times.
    pub fn endpoint(&self, id: EndpointId, version: u32) -> Secret {
        self.derive_version(b"endpoint", b"rolled", id.0.as_bytes(), version)
    }

    /// The secret of a merchant that was rolled `version` times, in one mode. It also signs every
    /// webhook, so that one verifier can serve all endpoints. The modes have different secrets: a test
    /// webhook does not verify with the secret of live mode.
    pub fn merchant(&self, id: MerchantId, mode: Mode, version: u32) -> Secret {
        let (first, rolled): (&[u8], &[u8]) = match mode {
            Mode::Test => (b"account test", b"rolled account test"),
            Mode::Live => (b"account live", b"rolled account live"),
        };
        self.derive_version(first, rolled, id.0.as_bytes(), version)
    }

    /// The Ed25519 signing key of an endpoint.
    pub fn ed25519(&self, id: EndpointId) -> SigningKey {
        SigningKey::from_bytes(&self.derive(b"ed25519", id.0.as_bytes()).0)
    }

    /// The Ed25519 public key of an endpoint, in the format that verifiers expect: `whpk_…`.
    pub fn ed25519_public(&self, id: EndpointId) -> String {
        let public = self.ed25519(id).verifying_key();
        format!("whpk_{}", BASE64.encode(public.as_bytes()))
    }

    fn derive_version(&self, first: &[u8], rolled: &[u8], id: &[u8], version: u32) -> Secret {
        match version {
            0 => self.derive(first, id),
            version => self.derive(rolled, &[id, &version.to_be_bytes()].concat()),
        }
    }

    fn derive(&self, purpose: &[u8], id: &[u8]) -> Secret {
        Secret(Zeroizing::new(hmac(&self.0, &[purpose, b"\0", id])))
    }
}

impl Secret {
    /// The secret in the format that the merchant receives: `whsec_…`.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", BASE64.encode(*self.0)))
    }

    /// HMAC-SHA256 of the body, as 64 lower-case hex digits. The key is the whole text of the
    /// secret.
    pub fn plain(&self, body: &str) -> String {
        plain(&self.text(), body)
    }

    /// Standard Webhooks `v1` signature of id, timestamp and body. The key is the decoded bytes.
    pub fn v1(&self, signed: &str) -> String {
        format!("v1,{}", BASE64.encode(hmac(&*self.0, &[signed.as_bytes()])))
    }
}

/// HMAC-SHA256 of a body as a receiver computes it, as 64 lower-case hex digits. The key is the
/// whole text of the secret.
pub fn plain(secret: &str, body: &str) -> String {
    hex::encode(hmac(secret.as_bytes(), &[body.as_bytes()]))
}

/// A webhook to sign.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Id of the event, the same in every attempt.
    pub event: EventId,
    /// Time of this attempt, in Unix seconds.
    pub timestamp: i64,
    /// The exact bytes of the body.
    pub body: &'a str,
    /// The endpoint that receives it.
    pub endpoint: EndpointId,
    /// The endpoint's secrets to sign with.
    pub secrets: Secrets,
    /// The merchant of the endpoint.
    pub merchant: MerchantId,
    /// The merchant's secrets to sign with.
    pub merchant_secrets: Secrets,
    /// Test or live.
    pub mode: Mode,
    /// Whether to add an Ed25519 signature.
    pub ed25519: bool,
}

impl Message<'_> {
    /// The signature headers: the plain digest under each surface's header name, and the three
    /// headers of Standard Webhooks, which alone protect against replays and hold the signatures of
    /// two secrets while one replaces the other.
    pub fn headers(&self, key: &Key) -> Vec<(&'static str, String)> {
        let signed = format!("{}.{}.{}", self.event, self.timestamp, self.body);
        let of_endpoint = |version| key.endpoint(self.endpoint, version).v1(&signed);
        let of_merchant = |version| key.merchant(self.merchant, self.mode, version).v1(&signed);
        let mut signatures: Vec<String> = versions(self.secrets).map(of_endpoint).collect();
        signatures.extend(versions(self.merchant_secrets).map(of_merchant));
        if self.ed25519 {
            let signature = key.ed25519(self.endpoint).sign(signed.as_bytes());
            signatures.push(format!("v1a,{}", BASE64.encode(signature.to_bytes())));
        }
        let secret = key.endpoint(self.endpoint, self.secrets.version);
        let plain = secret.plain(self.body);
        let mut headers = PLAIN_HEADERS.map(|name| (name, plain.clone())).to_vec();
        headers.push(("webhook-id", self.event.to_string()));
        headers.push(("webhook-timestamp", self.timestamp.to_string()));
        headers.push(("webhook-signature", signatures.join(" ")));
        headers
    }
}

/// The versions of the secrets to sign with, the newest first.
fn versions(secrets: Secrets) -> impl Iterator<Item = u32> {
    let previous = secrets.version.checked_sub(1);
    let previous = previous.filter(|_| secrets.is_previous_valid);
    std::iter::once(secrets.version).chain(previous)
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC accepts keys of any length, so `new_from_slice` cannot fail.
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use ed25519_dalek::{Signature, Verifier};
    use uuid::Uuid;

    #[test]
    fn the_plain_digest_is_the_documents() {
        let body = r#"{"id":"evt_1234567890","type":"payment.succeeded","created":1699564800,"data":{"object":{"id":"pay_1234567890","amount":5000,"currency":"USD","status":"succeeded"}}}"#;
        assert_eq!(
            plain("whsec_test_secret", body),
            "591e97b46991de65b83f76346ca914db9e566edc44e8848868bbde9cf83d0981"
        );
    }

    /// The test vector of the Standard Webhooks libraries.
    #[test]
    fn v1_is_standard_webhooks() -> Result<(), base64::DecodeError> {
        let bytes = BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
        let signed = r#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let digest = hmac(&bytes, &[signed.as_bytes()]);
        assert_eq!(
            BASE64.encode(digest),
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        Ok(())
    }

    const NEVER_ROLLED: Secrets = Secrets {
        version: 0,
        is_previous_valid: false,
    };

    const MESSAGE: Message<'_> = Message {
        event: EventId(Uuid::from_u128(1)),
        timestamp: 1_614_265_330,
        body: "{}",
        endpoint: EndpointId(Uuid::from_u128(2)),
        secrets: NEVER_ROLLED,
        merchant: MerchantId(Uuid::from_u128(3)),
        merchant_secrets: NEVER_ROLLED,
        mode: Mode::Test,
        ed25519: false,
    };

    fn header(message: &Message<'_>, key: &Key, name: &str) -> String {
        let headers = message.headers(key);
        let value = headers.into_iter().find(|(one, _)| *one == name);
        value.map(|(_, value)| value).unwrap_or_default()
    }

    #[test]
    fn v1a_is_verified_with_the_public_key_shown() -> Result<(), Box<dyn std::error::Error>> {
        let key = Key::new([7; 32]);
        let message = Message {
            ed25519: true,
            ..MESSAGE
        };
        let signatures = header(&message, &key, "webhook-signature");
        let v1a = signatures
            .split(' ')
            .find_map(|one| one.strip_prefix("v1a,"))
            .unwrap_or_default();
        let signature = Signature::from_slice(&BASE64.decode(v1a)?)?;
        let signed = format!("{}.{}.{}", message.event, message.timestamp, message.body);
        key.ed25519(message.endpoint)
            .verifying_key()
            .verify(signed.as_bytes(), &signature)?;
        assert_eq!(signatures.split(' ').count(), 3);
        Ok(())
    }

    #[test]
    fn two_secrets_sign_while_one_replaces_the_other() {
        let key = Key::new([7; 32]);
        let signed = "evt_0000000000000000000001.1614265330.{}";
        let v1 = |version| key.endpoint(MESSAGE.endpoint, version).v1(signed);
        let merchants = |version| {
            let secret = key.merchant(MESSAGE.merchant, MESSAGE.mode, version);
            secret.v1(signed)
        };
        let live = key.merchant(MESSAGE.merchant, Mode::Live, 1).v1(signed);
        let all: HashSet<_> = [
            v1(0),
            v1(1),
            v1(2),
            merchants(0),
            merchants(1),
            merchants(2),
            live,
        ]
        .into();
        assert_eq!(all.len(), 7);
        let signatures = |of: &dyn Fn(u32) -> String, versions: &[u32]| -> Vec<String> {
            versions.iter().map(|version| of(*version)).collect()
        };
        for (version, is_previous_valid, versions) in [
            (0, false, &[0][..]),
            (0, true, &[0]),
            (1, true, &[1, 0]),
            (1, false, &[1]),
            (2, true, &[2, 1]),
        ] {
            let secrets = Secrets {
                version,
                is_previous_valid,
            };
            let endpoint_rolled = Message { secrets, ..MESSAGE };
            let expected = [signatures(&v1, versions), vec![merchants(0)]].concat();
            let sent = header(&endpoint_rolled, &key, "webhook-signature");
            assert_eq!(sent, expected.join(" "));
            let plain = key.endpoint(MESSAGE.endpoint, version).plain("{}");
            assert_eq!(header(&endpoint_rolled, &key, "x-webhook-signature"), plain);
            let merchant_rolled = Message {
                merchant_secrets: secrets,
                ..MESSAGE
            };
            let expected = [vec![v1(0)], signatures(&merchants, versions)].concat();
            let sent = header(&merchant_rolled, &key, "webhook-signature");
            assert_eq!(sent, expected.join(" "));
        }
    }
}
