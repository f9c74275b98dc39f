//! A client's socket. A client that does not take its response is cut off, and the errors that hyper
//! answers by itself get a body.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use uuid::Uuid;

/// How long a client may take to accept what is ready to be sent to it.
pub const WRITE_TIME_MAX: Duration = Duration::from_mins(1);
/// How long to read on after a refusal. With unread bytes, closing a socket resets the connection, and
/// the client could lose the response.
const LINGER: Duration = Duration::from_secs(1);

/// A client's socket.
pub struct Socket {
    stream: TcpStream,
    /// Runs while the client does not accept what is ready to be sent.
    blocked: Option<Pin<Box<Sleep>>>,
    refusal: Option<Refusal>,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            blocked: None,
            refusal: None,
            lingering: None,
        }
    }

    fn write_or_time_out(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.or_time_out(cx, written)
    }

    fn or_time_out<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_pending() {
            let blocked = self
                .blocked
                .get_or_insert_with(|| Box::pin(sleep(WRITE_TIME_MAX)));
            ready!(blocked.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }

    /// Writes the refusal that replaces `bytes`, if they are hyper's own.
    fn refuse(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<bool>> {
        let Some(mut refusal) = self.refusal.take().or_else(|| Refusal::instead_of(bytes)) else {
            return Poll::Ready(Ok(false));
        };
        while let Some(rest) = refusal.rest() {
            let written = self.write_or_time_out(cx, rest);
            if let Poll::Ready(Ok(count)) = &written {
                refusal.sent = refusal.sent.saturating_add(*count);
                continue;
            }
            self.refusal = Some(refusal);
            return written.map_ok(|_| true);
        }
        self.refusal = Some(refusal);
        Poll::Ready(Ok(true))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if ready!(self.refuse(cx, bytes))? {
            return Poll::Ready(Ok(bytes.len()));
        }
        self.write_or_time_out(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = parts.first().map_or(&[][..], |part| part);
        if ready!(self.refuse(cx, first))? {
            return Poll::Ready(Ok(first.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.or_time_out(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Hyper flushes when it has written all it has: only then the client has kept up. A client that
    /// takes a byte now and then does not.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.blocked = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if self.refusal.is_none() {
            return Poll::Ready(Ok(()));
        }
        let Self {
            stream, lingering, ..
        } = &mut *self;
        let lingering = lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut ignored = [0; 4_096];
        while lingering.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut ignored);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The response to a request that hyper could not parse. Hyper answers by itself, before any of our
/// code runs, with an empty body and no request id.
struct Refusal {
    bytes: Vec<u8>,
    sent: usize,
}

impl Refusal {
    /// The refusal that replaces these bytes, if they are a response of hyper's own. All responses of
    /// ours have a request id.
    fn instead_of(bytes: &[u8]) -> Option<Self> {
        const EMPTY: &str = "content-length: 0\r\n";
        let status = bytes.strip_prefix(b"HTTP/1.1 4")?.get(..2)?;
        let (code, message) = match status {
            b"31" => (
                "head_too_large",
                "The request line and the headers are larger than 32 KiB, or there are more than \
                 100 headers.",
            ),
            b"14" => ("uri_too_long", "The request's URI is too long."),
            _ => ("malformed_request", "The request is not valid HTTP/1.1."),
        };
        let head = std::str::from_utf8(bytes).ok()?;
        if !head.ends_with("\r\n\r\n") || !head.contains(EMPTY) || head.contains("x-request-id") {
            return None;
        }
        let id = Uuid::new_v4().to_string();
        tracing::debug!(request_id = id, code, "refused a request that is not HTTP");
        let error = json!({
            "type": "invalid_request_error", "code": code, "message": message, "request_id": id,
        });
        let body = json!({ "error": error }).to_string();
        let headers = format!(
            "content-type: application/json\r\ncontent-length: {}\r\nx-request-id: {id}\r\n",
            body.len()
        );
        let bytes = (head.replacen(EMPTY, &headers, 1) + &body).into_bytes();
        Some(Self { bytes, sent: 0 })
    }

    fn rest(&self) -> Option<&[u8]> {
        self.bytes.get(self.sent..).filter(|rest| !rest.is_empty())
    }
}
