//! What no decent client sends, over a bare socket.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::{Gateway, Process, cards, example, run_cases};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::repeats_card;

/// Sends bytes, and reads until the connection ends or nothing more comes for a moment.
pub async fn exchange(gateway: &Gateway, bytes: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(gateway.address(Process::Api)).await?;
    // The other end may have closed before all was sent.
    let _ = stream.write_all(bytes).await;
    let mut received = Vec::new();
    let mut buffer = vec![0; 65_536];
    while let Ok(Ok(length)) =
        tokio::time::timeout(Duration::from_millis(700), stream.read(&mut buffer)).await
    {
        if length == 0 {
            break;
        }
        received.extend_from_slice(buffer.get(..length).unwrap_or_default());
    }
    Ok(String::from_utf8_lossy(&received).into_owned())
}

/// The statuses of all answers; the next one may begin right where a body ends.
pub fn statuses(received: &str) -> Vec<&str> {
    let answers = received.split("HTTP/1.").skip(1);
    answers
        .filter_map(|answer| answer.split(' ').nth(1))
        .collect()
}

fn head(gateway: &Gateway, framing: &str) -> String {
    let key = gateway.merchant.test_key.as_str();
    format!(
        "POST /v1/payments HTTP/1.1\r\nHost: sluice\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n"
    )
}

fn smuggled(gateway: &Gateway) -> String {
    let body = example(cards::APPROVED).to_string();
    format!(
        "{}{body}",
        head(gateway, &format!("Content-Length: {}", body.len()))
    )
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        conflicting_framings_smuggle_nothing,
        garbage_is_refused,
        chunks_pipelines_and_old_clients_are_served,
    )
}

/// A request with two lengths is read one way only: what one reader takes for its body must not be
/// a second request to us.
async fn conflicting_framings_smuggle_nothing(gateway: &Gateway) -> Result<()> {
    let inner = smuggled(gateway);
    let hidden = format!("0\r\n\r\n{inner}");
    let length = hidden.len();
    for framing in [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nTransfer-Encoding: xchunked"),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked, identity"),
        format!("Content-Length: {length}\r\nTransfer-Encoding : chunked"),
        format!("Content-Length: 5\r\nContent-Length: {length}"),
        format!("Content-Length: 5, {length}"),
        "Content-Length: +5".to_owned(),
        "Content-Length: -5".to_owned(),
        "Content-Length: 0x5".to_owned(),
        "Content-Length: 99999999999999999999".to_owned(),
    ] {
        let bytes = format!("{}{hidden}", head(gateway, &framing));
        let received = exchange(gateway, bytes.as_bytes()).await?;
        ensure!(statuses(&received) == ["400"], "{framing}: {received}");
        ensure!(!repeats_card(&received), "{framing}: {received}");
        gateway.check_nothing_stored().await?;
    }
    Ok(())
}

async fn garbage_is_refused(gateway: &Gateway) -> Result<()> {
    let large = format!(
        "GET /v1/payments/x HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    let many = format!(
        "GET /v1/payments/x HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "A: b\r\n".repeat(1_000)
    );
    let line = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a header too large", large.into()),
        ("too many headers", many.into()),
        ("a path too long", line.into()),
        ("no HTTP", b"hello\r\n\r\n".to_vec()),
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        ),
        ("zeros", vec![0; 4_096]),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        (
            "NUL in a header",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n".to_vec(),
        ),
        (
            "a folded header",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n".to_vec(),
        ),
        (
            "a bare carriage return",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n".to_vec(),
        ),
        ("no path", b"GET HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        (
            "a card as a method",
            format!("{} / HTTP/1.1\r\nHost: x\r\n\r\n", cards::APPROVED).into(),
        ),
        (
            "a strange version",
            b"GET / HTTP/9.9\r\nHost: x\r\n\r\n".to_vec(),
        ),
    ];
    for (name, bytes) in cases {
        let received = exchange(gateway, &bytes).await?;
        let refused = |status: &&str| status.starts_with('4');
        ensure!(
            statuses(&received).iter().all(refused),
            "{name}: {received}"
        );
        ensure!(
            statuses(&received).len() <= 1 && !repeats_card(&received),
            "{name}: {received}"
        );
    }
    gateway.check_nothing_stored().await?;
    assert_eq!(gateway.pay(cards::APPROVED).await?.status, 200);
    Ok(())
}

/// Well framed requests are read as they are: in chunks, several on one connection, with 1.0.
async fn chunks_pipelines_and_old_clients_are_served(gateway: &Gateway) -> Result<()> {
    let body = example(cards::APPROVED).to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let chunked = format!(
        "{}{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        head(gateway, "Transfer-Encoding: chunked"),
        first.len(),
        second.len(),
    );
    let plain = smuggled(gateway);
    let old = plain.replacen("HTTP/1.1", "HTTP/1.0", 1);
    for (bytes, count) in [(chunked, 1), (format!("{plain}{plain}"), 2), (old, 1)] {
        let received = exchange(gateway, bytes.as_bytes()).await?;
        ensure!(statuses(&received) == vec!["200"; count], "{received}");
        ensure!(
            received.matches(r#""status":"succeeded""#).count() == count,
            "{received}"
        );
    }
    Ok(())
}
