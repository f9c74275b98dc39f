//! Connections that can be hung up on: the door of a handler into the socket.
//!
//! A handler that wants the connection dead says how and returns any
//! response; the first write of it fails, so not a byte leaves, and hyper
//! drops the socket.

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
    /// The peer's read fails (RST).
    Reset,
}

/// A handler's hold on the connection its request came in by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hold(Arc<OnceLock<Ending>>);

impl Hold {
    pub(crate) fn hang_up(&self, ending: Ending) -> Response {
        // Only the first ending counts.
        let _ = self.0.set(ending);
        ().into_response()
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    hold: Hold,
}

impl Connection {
    fn still_up(&self) -> io::Result<()> {
        match self.hold.0.get() {
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
        self.still_up()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.still_up()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[derive(Debug)]
pub(crate) struct Door(pub(crate) TcpListener);

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection without TCP_NODELAY: {error}");
        }
        (
            Connection {
                stream,
                hold: Hold::default(),
            },
            address,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Door>> for Hold {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().hold.clone()
    }
}
