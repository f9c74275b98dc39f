//! Connections that a handler can close or reset.
//!
//! The handler chooses how the connection ends and returns any response. The first write of the
//! response then fails, so that no byte is sent, and hyper drops the socket.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    response::{IntoResponse, Response},
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// An ordinary close (FIN).
    Close,
    /// A reset: the client's read fails (RST).
    Reset,
}

/// Lets a handler end the connection of its request.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionHandle(Arc<OnceLock<Ending>>);

impl ConnectionHandle {
    pub(crate) fn end(&self, ending: Ending) -> Response {
        // Only the first ending counts.
        let _ = self.0.set(ending);
        ().into_response()
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    handle: ConnectionHandle,
}

impl Connection {
    fn check_open(&self) -> io::Result<()> {
        match self.handle.0.get() {
            None => Ok(()),
            Some(Ending::Close) => Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Ending::Reset) => {
                self.stream.set_zero_linger()?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_open()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_open()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[derive(Debug)]
pub(crate) struct ConnectionListener(pub(crate) TcpListener);

impl Listener for ConnectionListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        (
            Connection {
                stream,
                handle: ConnectionHandle::default(),
            },
            address,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, ConnectionListener>> for ConnectionHandle {
    fn connect_info(stream: IncomingStream<'_, ConnectionListener>) -> Self {
        stream.io().handle.clone()
    }
}
