//! Absolute URLs that merchants send. Parsers drop or reinterpret some characters, so that the server
//! that a URL seems to name is not the one that is called. Such URLs are rejected.

use url::Url;

const NOT_ABSOLUTE: &str = "must be an absolute URL";

/// Parses an absolute URL with a host, and without a user name or password. The error is the end of
/// a sentence: "must be …".
pub fn parse(text: &str) -> Result<Url, &'static str> {
    let is_reinterpreted = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if text.contains(is_reinterpreted) {
        return Err("must not contain blanks, control characters or backslashes");
    }
    let (scheme, rest) = text.split_once("://").ok_or(NOT_ABSOLUTE)?;
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(NOT_ABSOLUTE);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("must not hold a user name or password");
    }
    // Parsers skip slashes until they find a host.
    if authority.is_empty() {
        return Err("must name a host");
    }
    Url::parse(text).map_err(|_| NOT_ABSOLUTE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_that_parsers_read_differently_is_rejected() {
        for text in [
            "",
            "example.com",
            "/hook",
            "//example.com/",
            "https:example.com",
            "https:/example.com",
            "https://",
            "https:///example.com/",
            "https://?example.com",
            "https://#example.com",
            "https:\\\\example.com/",
            "https://example.com\\@example.org/",
            "https://example.com/a\\b",
            "https://example.com/\tx",
            "https://exam\nple.com/",
            "https://example.com/\r",
            "https://example.com/\u{0}",
            "https://example.com/\u{7f}",
            " https://example.com/",
            "https://example.com/ ",
            "https://example.com/a b",
            "https://example.com/\u{a0}",
            "https://user@example.com/",
            "https://user:password@example.com/",
            "https://@example.com/",
            "https://:@example.com/",
            "https://example.com:x/",
            "https://exa%mple.com/",
            "https:x://example.com/",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        for (text, parsed) in [
            ("https://example.com/hook", "https://example.com/hook"),
            ("https://example.com", "https://example.com/"),
            ("HTTPS://Example.COM:443/a/../b", "https://example.com/b"),
            ("https://exämple.com/ü", "https://xn--exmple-cua.com/%C3%BC"),
            ("https://0x7f.1/", "https://127.0.0.1/"),
            ("https://[::1]:8443/?a=b@c", "https://[::1]:8443/?a=b@c"),
            ("http://localhost:1/x@y", "http://localhost:1/x@y"),
        ] {
            assert_eq!(parse(text).map(String::from), Ok(parsed.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn a_parsed_url_parses_to_itself(text in "https?://\\PC{0,20}(/\\PC{0,20})?") {
            if let Ok(url) = parse(&text) {
                prop_assert_eq!(parse(url.as_str()), Ok(url.clone()));
                prop_assert!(url.host_str().is_some_and(|host| !host.is_empty()));
            }
        }
    }
}
