//! The clock is paused: it advances whenever all tasks are idle.

use anyhow::{Result, ensure};
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;
use crate::http::socket::WRITE_TIME_MAX;

/// More than the kernel buffers for a client that does not read.
const LARGE: usize = 32 * 1024 * 1024;

struct Server {
    address: SocketAddr,
    end: watch::Sender<bool>,
    ended: JoinHandle<()>,
    connections: Arc<Semaphore>,
}

async fn start(connections: usize) -> Result<Server> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (end, ending) = watch::channel(false);
    let peers = Peers::new(connections, &[]);
    let connections = Arc::new(Semaphore::new(connections));
    let router = Router::new()
        .route("/", get(async || "ok"))
        .route("/large", get(async || vec![b'x'; LARGE]));
    let all = Arc::clone(&connections);
    let ended = tokio::spawn(serve(listener, router, Connections { all, peers }, ending));
    Ok(Server {
        address,
        end,
        ended,
        connections,
    })
}

async fn send(server: &Server, request: &str) -> Result<TcpStream> {
    let mut client = TcpStream::connect(server.address).await?;
    client.write_all(request.as_bytes()).await?;
    Ok(client)
}

async fn response(client: &mut TcpStream) -> Result<String> {
    let mut response = Vec::new();
    client.read_to_end(&mut response).await?;
    Ok(String::from_utf8(response)?)
}

fn get_of(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

#[tokio::test(start_paused = true)]
async fn who_never_ends_a_head_is_cut_off() -> Result<()> {
    let server = start(9).await?;
    let started = Instant::now();
    let mut slow = send(&server, "GET / HTTP/1.1\r\nHost: ").await?;
    ensure!(response(&mut slow).await?.is_empty());
    ensure!(started.elapsed() >= FIRST_HEAD_TIME_MAX);
    // After a request, an idle connection may stay longer.
    let started = Instant::now();
    let mut idle = send(&server, &get_of("/")).await?;
    ensure!(response(&mut idle).await?.ends_with("ok"));
    ensure!(started.elapsed() >= HEAD_TIME_MAX);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_cut_off() -> Result<()> {
    let server = start(1).await?;
    let started = Instant::now();
    let _deaf = send(&server, &get_of("/large")).await?;
    // The only connection is free again when the deaf client's is closed.
    let mut next = send(&server, "GET / HTTP/1.0\r\n\r\n").await?;
    ensure!(response(&mut next).await?.ends_with("ok"));
    ensure!(started.elapsed() >= WRITE_TIME_MAX);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn beyond_the_cap_connections_wait() -> Result<()> {
    let server = start(2).await?;
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut client = send(&server, &get_of("/")).await?;
        ensure!(client.read(&mut [0; 512]).await? > 0);
        idle.push(client);
    }
    ensure!(server.connections.available_permits() == 0);
    let mut third = send(&server, "GET / HTTP/1.0\r\n\r\n").await?;
    drop(idle.pop());
    ensure!(response(&mut third).await?.ends_with("ok"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_whatever_clients_do() -> Result<()> {
    let server = start(9).await?;
    let mut deaf = send(&server, &get_of("/large")).await?;
    let _half = send(&server, "GET / HTTP/1.1\r\nHost: ").await?;
    ensure!(deaf.read(&mut [0; 1]).await? == 1);
    let started = Instant::now();
    server.end.send_replace(true);
    server.ended.await?;
    ensure!(started.elapsed() <= SHUTDOWN_TIME_MAX + Duration::from_secs(1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_is_connected_at_the_shutdown_is_answered() -> Result<()> {
    let server = start(9).await?;
    let mut unread = TcpStream::connect(server.address).await?;
    tokio::task::yield_now().await;
    let mut accepted = TcpStream::connect(server.address).await?;
    server.end.send_replace(true);
    for client in [&mut unread, &mut accepted] {
        client.write_all(get_of("/").as_bytes()).await?;
    }
    for client in [&mut unread, &mut accepted] {
        ensure!(response(client).await?.ends_with("ok"));
    }
    server.ended.await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_not_http_gets_an_error_with_a_request_id() -> Result<()> {
    let server = start(9).await?;
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(400_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
    let after = format!("{}hello\r\n\r\n", get_of("/"));
    for (request, status, code) in [
        (large.as_str(), 431, "head_too_large"),
        (&many, 431, "head_too_large"),
        ("hello\r\n\r\n", 400, "malformed_request"),
        (&after, 400, "malformed_request"),
        (
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            400,
            "malformed_request",
        ),
    ] {
        let mut client = TcpStream::connect(server.address).await?;
        // The server may close before it has read all.
        let _ = client.write_all(request.as_bytes()).await;
        let said = response(&mut client).await?;
        let last = said.rfind("HTTP/1.1 ").and_then(|start| said.get(start..));
        let last = last.unwrap_or_default();
        ensure!(last.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
        let (head, body) = last.split_once("\r\n\r\n").unwrap_or_default();
        let error: serde_json::Value = serde_json::from_str(body)?;
        ensure!(error.pointer("/error/code") == Some(&code.into()), "{said}");
        let id = error
            .pointer("/error/request_id")
            .and_then(|id| id.as_str());
        let id = format!("x-request-id: {}\r\n", id.unwrap_or_default());
        ensure!(head.contains(&id), "{said}");
        ensure!(head.contains(&format!("content-length: {}\r\n", body.len())));
    }
    Ok(())
}
