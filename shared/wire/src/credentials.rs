//! Client credentials, exchanged for a short-lived access token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::fields::{FieldError, Fields};
use crate::limits;
use crate::query::Parameters;

/// Client credentials from a token request.
pub struct Credentials {
    /// Client id, `client_…`; not validated until it is looked up.
    pub client_id: String,
    /// Client secret, `cs_…`.
    pub client_secret: Zeroizing<String>,
}

impl Credentials {
    /// Reads a JSON body.
    pub fn read(body: Value) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let mut credential = |name| {
            fields.required(name, |fields, name| {
                fields.secret_text(name, limits::CREDENTIAL_MAX)
            })
        };
        let credentials = Self {
            client_id: credential("client_id")?,
            client_secret: Zeroizing::new(credential("client_secret")?),
        };
        fields.finish()?;
        Ok(credentials)
    }

    /// Reads what follows `Basic` in an `Authorization` header: a client id and a secret, each
    /// form-encoded (RFC 6749, section 2.3.1). `None` if it is malformed.
    pub fn of_basic(encoded: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
        let (id, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        Some(Self {
            client_id: form_decoded(id)?.to_string(),
            client_secret: form_decoded(secret)?,
        })
    }
}

fn form_decoded(text: &str) -> Option<Zeroizing<String>> {
    let form = Zeroizing::new(format!("value={text}"));
    let decoded = Parameters::of(&form);
    let decoded = decoded.text("value").ok()??;
    Some(Zeroizing::new(decoded.to_owned()))
}

/// Your client credentials, which were shown once, when the account was created.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ClientCredentials")]
pub struct CredentialsBody {
    /// Client id, `client_…`.
    #[schemars(length(max = limits::CREDENTIAL_MAX))]
    pub client_id: String,
    /// Client secret, `cs_…`.
    #[schemars(length(max = limits::CREDENTIAL_MAX))]
    pub client_secret: String,
}

/// An access token. Send it in place of an API key, as `Authorization: Bearer …`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccessToken")]
pub struct Granted<'a> {
    /// The access token.
    access_token: &'a str,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Lifetime of the token, in seconds.
    expires_in: i32,
    /// Granted scopes, separated by spaces. Absent on APIs whose token requests have no scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

impl<'a> Granted<'a> {
    /// A token that expires after `expires_in` seconds.
    pub const fn of(access_token: &'a str, expires_in: i32, scope: Option<&'a str>) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in,
            scope,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Body;
    use crate::fields::Why;
    use crate::samples::any_json;

    #[test]
    fn the_documents_example_is_read() -> Result<(), FieldError> {
        let example = json!({"client_id": "your_client_id", "client_secret": "your_client_secret"});
        assert!(serde_json::from_value::<CredentialsBody>(example.clone()).is_ok());
        let read = Credentials::read(example)?;
        let found = (read.client_id.as_str(), read.client_secret.as_str());
        assert_eq!(found, ("your_client_id", "your_client_secret"));
        Ok(())
    }

    #[test]
    fn both_are_required() {
        for (body, name) in [
            (json!({"client_secret": "b"}), "client_id"),
            (json!({"client_id": "a"}), "client_secret"),
            (
                json!({"client_id": "a", "client_secret": null}),
                "client_secret",
            ),
        ] {
            let missing = FieldError::new(name, Why::Missing);
            assert_eq!(Credentials::read(body).err(), Some(missing));
        }
    }

    #[test]
    fn basic_credentials_are_form_encoded() {
        let read = |text: &str| {
            let read = Credentials::of_basic(&STANDARD.encode(text))?;
            Some((read.client_id, read.client_secret.to_string()))
        };
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(read("client_1:cs_2"), pair("client_1", "cs_2"));
        assert_eq!(read("a%3Ab:c+d%26"), pair("a:b", "c d&"));
        assert_eq!(read("client_1:"), pair("client_1", ""));
        assert_eq!(read("client_1"), None);
        for wrong in ["", "client_1:cs_2", "Y2xpZW50", "/w==", "OkE"] {
            assert!(Credentials::of_basic(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_answered_as_the_contract_says() {
        let plain = r#"{"access_token":"at_1","token_type":"Bearer","expires_in":3600}"#;
        assert_eq!(Granted::of("at_1", 3_600, None).body(), plain);
        let scoped = plain.replace('}', r#","scope":"payments"}"#);
        assert_eq!(Granted::of("at_1", 3_600, Some("payments")).body(), scoped);
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_reader(body in any_json()) {
            let _ = Credentials::read(body);
        }

        #[test]
        fn no_header_breaks_the_reader(header in "\\PC{0,40}", text in "\\PC{0,40}") {
            let _ = (Credentials::of_basic(&header), Credentials::of_basic(&STANDARD.encode(text)));
        }
    }
}
