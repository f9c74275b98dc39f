//! Access token requests.

use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::error::SurfaceError;
use crate::fields::{FieldError, Why, invalid};
use crate::finfusion::error::{CLIENT_INVALID, Error, SCOPE_INVALID};
use crate::query::Parameters;

/// Scopes that a token may have.
const SCOPES: [&str; 2] = ["payments", "accounts"];

/// A request for an access token.
pub struct GetToken {
    /// Credentials of the client.
    pub credentials: Credentials,
    /// Scopes to grant, each once; all scopes if the request names none.
    pub scope: String,
}

impl GetToken {
    /// Reads the form of `POST /oauth/token`, and its `Authorization` header. Unknown parameters are
    /// ignored (RFC 6749).
    pub fn read(form: &str, authorization: Option<&str>) -> Result<Self, Error> {
        let form = Parameters::of(form);
        let required = |name: &str| {
            let text = form.text(name)?;
            text.ok_or_else(|| FieldError::new(name, Why::Missing))
        };
        if required("grant_type")? != "client_credentials" {
            return Err(invalid("grant_type", "must be client_credentials").into());
        }
        let credentials = if let Some(encoded) = authorization.and_then(basic) {
            for name in ["client_id", "client_secret"] {
                if form.text(name)?.is_some() {
                    let why = "must not be sent both in the form and by HTTP Basic";
                    return Err(invalid(name, why).into());
                }
            }
            Credentials::of_basic(encoded).ok_or_else(|| Error::of(&CLIENT_INVALID))?
        } else {
            Credentials {
                client_id: required("client_id")?.to_owned(),
                client_secret: Zeroizing::new(required("client_secret")?.to_owned()),
            }
        };
        let scope = match form.text("scope")? {
            None => SCOPES.join(" "),
            Some(asked) => scope(asked).ok_or_else(|| Error::of(&SCOPE_INVALID))?,
        };
        Ok(Self { credentials, scope })
    }
}

/// What follows the scheme of an `Authorization` header, if the scheme is Basic.
fn basic(authorization: &str) -> Option<&str> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(encoded)
}

/// The requested scopes, each once; `None` if one is unknown or none is named.
fn scope(asked: &str) -> Option<String> {
    let words: Vec<&str> = asked.split(' ').collect();
    if !words.iter().all(|word| SCOPES.contains(word)) {
        return None;
    }
    let granted = SCOPES.into_iter().filter(|scope| words.contains(scope));
    Some(granted.collect::<Vec<_>>().join(" "))
}

/// Request for an access token with client credentials (OAuth 2.0, RFC 6749, section 4.4), sent as
/// `application/x-www-form-urlencoded`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TokenToGet")]
pub struct TokenBody {
    /// Always `client_credentials`.
    #[schemars(extend("enum" = ["client_credentials"]))]
    pub grant_type: String,
    /// Client id, `client_…`. Required unless it is sent by HTTP Basic.
    pub client_id: Option<String>,
    /// Client secret, `cs_…`. Required unless it is sent by HTTP Basic.
    pub client_secret: Option<String>,
    /// Requested scopes: `payments`, `accounts`, or both separated by a space. Defaults to both.
    #[schemars(example = &"payments accounts")]
    pub scope: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str =
        "grant_type=client_credentials&client_id=a%2Bb&client_secret=c+d&scope=payments+accounts";

    fn field_error(form: &str) -> Option<(u16, &'static str, Option<String>)> {
        let error = GetToken::read(form, None).err();
        error.map(|error| (error.status, error.code, error.param))
    }

    #[test]
    fn the_documents_example_is_read() -> Result<(), Error> {
        let read = GetToken::read(EXAMPLE, None)?;
        assert_eq!(read.credentials.client_id, "a+b");
        assert_eq!(read.credentials.client_secret.as_str(), "c d");
        assert_eq!(read.scope, "payments accounts");
        let all = "grant_type=client_credentials&client_id=a&client_secret=b&x=y";
        let all = GetToken::read(all, Some("Bearer sk_test_1"))?;
        assert_eq!(all.scope, "payments accounts");
        Ok(())
    }

    #[test]
    fn credentials_are_read_from_the_form_or_the_header_but_not_both() -> Result<(), Error> {
        let granted = "grant_type=client_credentials&scope=payments";
        for header in ["Basic YTpi", "basic YTpi"] {
            let read = GetToken::read(granted, Some(header))?;
            let credentials = read.credentials;
            assert_eq!(credentials.client_id, "a");
            assert_eq!(credentials.client_secret.as_str(), "b");
            assert_eq!(read.scope, "payments");
        }
        let refused = |form: &str, header| {
            let error = GetToken::read(form, Some(header)).err();
            error.map(|error| (error.status, error.code, error.param))
        };
        for name in ["client_id", "client_secret"] {
            let both = refused(&format!("{granted}&{name}=a"), "Basic YTpi");
            assert_eq!(both, Some((400, "VAL001", Some(name.to_owned()))));
        }
        for malformed in ["Basic YQ==", "Basic !", "Basic "] {
            let found = refused(granted, malformed);
            assert_eq!(found, Some((401, "AUTH001", None)), "{malformed}");
        }
        Ok(())
    }

    #[test]
    fn each_wrong_parameter_is_named() {
        let param = |name: &str| Some((400, "VAL001", Some(name.to_owned())));
        assert_eq!(field_error(""), param("grant_type"));
        assert_eq!(field_error("grant_type=password"), param("grant_type"));
        let granted = "grant_type=client_credentials";
        assert_eq!(field_error(granted), param("client_id"));
        assert_eq!(
            field_error(&format!("{granted}&client_id=a")),
            param("client_secret")
        );
        let twice = format!("{granted}&client_id=a&client_id=b");
        assert_eq!(field_error(&twice), param("client_id"));
    }

    #[test]
    fn a_scope_is_made_of_known_words() {
        let with = |scope: &str| EXAMPLE.replace("payments+accounts", scope);
        let granted = |scope: &str| {
            GetToken::read(&with(scope), None)
                .ok()
                .map(|read| read.scope)
        };
        assert_eq!(granted("accounts").as_deref(), Some("accounts"));
        assert_eq!(
            granted("accounts+payments+accounts").as_deref(),
            Some("payments accounts")
        );
        for wrong in [
            "",
            "admin",
            "payments+admin",
            "payments++accounts",
            "Payments",
        ] {
            assert_eq!(
                field_error(&with(wrong)),
                Some((401, "AUTH003", None)),
                "{wrong}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_form_breaks_the_reader(form in "((grant_type|client_id|client_secret|scope)=\\PC{0,20}&?){0,5}") {
            if let Err(error) = GetToken::read(&form, None) {
                prop_assert!(error.status == 400 || error.status == 401);
            }
        }
    }
}
