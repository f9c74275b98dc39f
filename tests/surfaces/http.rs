//! What RFC 9110 and RFC 9112 ask of a server.

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder};
use tests::{Gateway, Process, cards, example, run_cases};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::raw::{exchange, statuses};
use super::{check_error, expect_error, refusal};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_header_that_stands_twice_is_refused,
        a_host_is_needed,
        every_form_of_a_target_is_read,
        head_is_get_without_a_body,
        a_body_is_asked_for_only_if_it_is_read,
        each_401_names_the_schemes_of_its_surface,
        a_browser_is_led_from_the_root_to_the_documentation,
    )
}

async fn a_browser_is_led_from_the_root_to_the_documentation(gateway: &Gateway) -> Result<()> {
    let read = |accepted: &str| {
        let request = gateway.request(Method::GET, "/");
        gateway.send(request.header("Accept", accepted))
    };
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let shown = read(browser).await?;
    let documentation = gateway.send(gateway.request(Method::GET, "/docs")).await?;
    ensure!(documentation.status == 200, "{}", documentation.text);
    ensure!(shown.text == documentation.text, "{}", shown.text);
    // Programs get an error, as for every other path.
    let unknown = gateway
        .send(gateway.request(Method::GET, "/nothing"))
        .await?;
    for accepted in ["*/*", "application/json"] {
        let answer = read(accepted).await?;
        let found = (answer.status, answer.text);
        ensure!(found == (404, unknown.text.clone()), "{found:?}");
    }
    let post = gateway.request(Method::POST, "/").header("Accept", browser);
    ensure!(gateway.send(post).await?.status == 404);
    Ok(())
}

/// A POST of each surface, with its own credential.
fn posts(gateway: &Gateway) -> [(&'static str, RequestBuilder); 4] {
    let key = gateway.merchant.test_key.as_str();
    let post = |path| {
        let request = gateway.request(Method::POST, path);
        request.json(&example(cards::APPROVED))
    };
    [
        (
            "/error/code=header_invalid",
            post("/v1/payments").bearer_auth(key),
        ),
        ("/error/code=VAL001", post("/v2/payments").bearer_auth(key)),
        (
            "/error/code=invalid_request",
            post("/v1/payment-intents").header("X-API-Key", key),
        ),
        (
            "/title=Invalid request",
            post("/v1/payments/").basic_auth(key, Some("")),
        ),
    ]
}

async fn a_header_that_stands_twice_is_refused(gateway: &Gateway) -> Result<()> {
    for name in [
        "Idempotency-Key",
        "Content-Type",
        "Authorization",
        "X-API-Key",
        "Host",
    ] {
        for (expected, request) in posts(gateway) {
            let request = request.header(name, "one").header(name, "two");
            let answer = gateway.send(request).await?;
            // Two credentials of a surface that takes another one select their own surface.
            let (pointer, code) = expected.split_once('=').context("no code")?;
            let is_credential = ["Authorization", "X-API-Key"].contains(&name);
            ensure!(answer.status == 400, "{name}: {}", answer.text);
            ensure!(
                is_credential || answer.at(pointer) == code,
                "{name}: {}",
                answer.text
            );
            let why = format!("{name} must not be sent twice.");
            ensure!(answer.text.contains(&why), "{name}: {}", answer.text);
            ensure!(answer.header("x-request-id").len() == 36, "{name}");
        }
    }
    // The same value twice is not a value either.
    let same = gateway.posting("/v1/payments", &example(cards::APPROVED));
    let same = same
        .header("Idempotency-Key", "one")
        .header("Idempotency-Key", "one");
    let answer = expect_error(gateway, same, &refusal(400, "header_invalid", "")).await?;
    check_error(&answer)?;
    gateway.check_nothing_stored().await?;
    let docs = gateway.request(Method::GET, "/docs");
    let docs = docs.header("Host", "one").header("Host", "two");
    assert_eq!(gateway.send(docs).await?.status, 400);
    let page = gateway.request(Method::GET, "/checkout/");
    let page = page.header("Host", "one").header("Host", "two");
    assert_eq!(gateway.send(page).await?.status, 400);
    Ok(())
}

async fn a_host_is_needed(gateway: &Gateway) -> Result<()> {
    for (head, status) in [
        ("GET /livez HTTP/1.1\r\n", "400"),
        ("GET /v1/payments/pay_1 HTTP/1.1\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nHost: a b\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nHost: user@example.com\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nHost: example.com:8000\r\n", "200"),
        ("GET /livez HTTP/1.1\r\nHost: [::1]:8000\r\n", "200"),
        ("GET /livez HTTP/1.1\r\nHost:\r\n", "200"),
        ("GET /livez HTTP/1.0\r\n", "200"),
    ] {
        let received = exchange(gateway, format!("{head}\r\n").as_bytes()).await?;
        ensure!(statuses(&received) == [status], "{head}: {received}");
        ensure!(received.contains("x-request-id: "), "{head}: {received}");
    }
    Ok(())
}

async fn every_form_of_a_target_is_read(gateway: &Gateway) -> Result<()> {
    for (target, status) in [
        ("GET http://elsewhere.example/livez", "200"),
        ("GET http://elsewhere.example/v1/payments/pay_1", "401"),
        ("OPTIONS *", "404"),
        ("CONNECT elsewhere.example:443", "404"),
    ] {
        let head = format!("{target} HTTP/1.1\r\nHost: x\r\n\r\n");
        let received = exchange(gateway, head.as_bytes()).await?;
        ensure!(statuses(&received) == [status], "{target}: {received}");
        ensure!(received.contains("{\"error\"") || status == "200" || status == "401");
    }
    Ok(())
}

async fn head_is_get_without_a_body(gateway: &Gateway) -> Result<()> {
    for path in [
        "/livez",
        "/docs",
        "/openapi.json",
        "/v1/payments/pay_1",
        "/v1/typo",
    ] {
        let [get, head] = [Method::GET, Method::HEAD].map(|verb| gateway.request(verb, path));
        let (get, head) = (gateway.send(get).await?, gateway.send(head).await?);
        assert_eq!(
            (get.status, ""),
            (head.status, head.text.as_str()),
            "{path}"
        );
        for name in ["content-length", "content-type", "etag"] {
            assert_eq!(get.header(name), head.header(name), "{path} {name}");
        }
    }
    let wrong = gateway.request(Method::POST, "/checkout/");
    let wrong = gateway.send(wrong).await?;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "GET,HEAD"));
    Ok(())
}

/// `Expect: 100-continue`: the client sends its body only when the server wants it.
async fn a_body_is_asked_for_only_if_it_is_read(gateway: &Gateway) -> Result<()> {
    let body = example(cards::APPROVED).to_string();
    for (key, first) in [
        (
            gateway.merchant.test_key.as_str(),
            "HTTP/1.1 100 Continue\r\n\r\n",
        ),
        ("sk_test_x", "HTTP/1.1 401 "),
    ] {
        let head = format!(
            "POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let mut client = TcpStream::connect(gateway.address(Process::Api)).await?;
        client.write_all(head.as_bytes()).await?;
        let mut begun = vec![0; first.len()];
        client.read_exact(&mut begun).await?;
        assert_eq!(String::from_utf8_lossy(&begun), first);
        let mut rest = String::new();
        if first.contains("100") {
            client.write_all(body.as_bytes()).await?;
            client.read_to_string(&mut rest).await?;
            ensure!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{rest}");
        }
    }
    Ok(())
}

async fn each_401_names_the_schemes_of_its_surface(gateway: &Gateway) -> Result<()> {
    const BEARER: &str = r#"Bearer realm="Sluice""#;
    const BASIC: &str = r#"Basic realm="Sluice", charset="UTF-8""#;
    const API_KEY: &str = r#"Api-Key realm="Sluice""#;
    for (path, schemes) in [
        ("/v1/transactions", &[BEARER][..]),
        ("/v2/payments", &[BEARER]),
        ("/v1/payment-intents", &[BEARER, BASIC]),
        ("/v1/payments/", &[BASIC, API_KEY]),
    ] {
        let answer = gateway.send(gateway.request(Method::GET, path)).await?;
        let named = answer.headers.get_all("www-authenticate").iter();
        let named: Vec<_> = named.filter_map(|one| one.to_str().ok()).collect();
        assert_eq!((answer.status, named.as_slice()), (401, schemes), "{path}");
    }
    let client = serde_json::json!({"client_id": "x", "client_secret": "x"});
    let form = "grant_type=client_credentials&client_id=x&client_secret=x";
    let asked = |path| gateway.request(Method::POST, path);
    for (path, token) in [
        ("/v1/auth/token", asked("/v1/auth/token").json(&client)),
        (
            "/oauth/token",
            asked("/oauth/token")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(form),
        ),
    ] {
        let token = gateway.send(token).await?;
        let named = token.header("www-authenticate");
        assert_eq!(
            (token.status, named),
            (401, BASIC),
            "{path}: {}",
            token.text
        );
    }
    let paid = gateway.pay(cards::APPROVED).await?;
    assert_eq!((paid.status, paid.header("www-authenticate")), (200, ""));
    Ok(())
}
