//! The one place where request bodies are read: forms, and JSON without duplicate keys.

use std::fmt;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Limited};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use tokio::time::timeout;
use wire::numbers;
use zeroize::Zeroizing;

use crate::BODY_BYTES_MAX;
use crate::error::ApiError;

/// How long a body may take to arrive. Error texts below state this limit.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
/// How many arrays and objects may be nested.
const DEPTH_MAX: u8 = 16;

/// Reads a JSON body. Duplicate keys in an object are rejected: parsers differ in which value they
/// use, so a proxy in front may have checked a different one.
///
/// If the body is optional, an empty one is an empty object whatever its `Content-Type`, because
/// clients often send a default type with an empty POST.
pub async fn read(headers: &HeaderMap, body: Body, is_optional: bool) -> Result<Value, ApiError> {
    let is_json = is_of(headers, "application/json");
    let not_json = ApiError::Body("Content-Type must be application/json.");
    if !is_json && !is_optional {
        return Err(not_json);
    }
    let bytes = whole(body).await?;
    if is_optional && bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    if is_json {
        parse(&bytes)
    } else {
        Err(not_json)
    }
}

/// Reads a form body, which may contain a secret.
pub async fn read_form(headers: &HeaderMap, body: Body) -> Result<Zeroizing<String>, ApiError> {
    if !is_of(headers, "application/x-www-form-urlencoded") {
        let why = "Content-Type must be application/x-www-form-urlencoded.";
        return Err(ApiError::Body(why));
    }
    let text = String::from_utf8(whole(body).await?.to_vec());
    let text = text.map_err(|_| ApiError::Body("The body is not UTF-8."))?;
    Ok(Zeroizing::new(text))
}

fn is_of(headers: &HeaderMap, media: &str) -> bool {
    let content_type = headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(media))
}

async fn whole(body: Body) -> Result<Bytes, ApiError> {
    let whole = timeout(BODY_TIME_MAX, Limited::new(body, BODY_BYTES_MAX).collect());
    let whole = whole
        .await
        .map_err(|_| ApiError::Body("The body took longer than 10 seconds to arrive."))?
        .map_err(|_| ApiError::Body("The body could not be read, or is larger than 64 KiB."))?;
    Ok(whole.to_bytes())
}

fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: DEPTH_MAX }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    let value = value.map_err(|_| {
        ApiError::Body("The body is not valid JSON, names a key twice, or is nested too deep.")
    })?;
    if numbers::are_exact(bytes) {
        Ok(value)
    } else {
        let why = "The body has a number with more digits than can be kept. Send it as a string.";
        Err(ApiError::Body(why))
    }
}

struct Strict {
    depth: u8,
}

impl Strict {
    fn deeper<E: Error>(&self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.deeper()?)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_says_two_things_is_refused() {
        for bad in [
            r#"{"amount":1,"amount":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"[{"b":1,"b":1}]"#,
            "{",
            "",
            "{}{}",
            "nul",
            r#"{"a":1e999}"#,
            r#"{"a":NaN}"#,
            r#"{"a":[0.1,12345678901234567890123]}"#,
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(b"{\"a\":\"\xff\"}").is_err());
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(deep(16).as_bytes()).is_ok());
        assert!(parse(deep(17).as_bytes()).is_err());
        assert!(parse(deep(30_000).as_bytes()).is_err());
    }

    #[test]
    fn json_is_read_as_it_stands() {
        let text = r#"{"a":[1,-2,null,true,"x"],"b":{"c":1.5},"d":18446744073709551615}"#;
        let read = parse(text.as_bytes()).map(|value| value.to_string());
        assert_eq!(read.ok().as_deref(), Some(text));
    }
}
