//! Sockets: accepting connections, and letting them go.
//!
//! An accept loop of our own rather than axum's, for what axum's lacks: a limit on how long a request's head may take, one
//! on connections, small buffers for the many that idle, and an end to waiting for those that do not finish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::settings::Http;

/// Bytes that a connection's buffer grows to at most; larger heads are refused.
const MAX_HEAD: usize = 32 * 1024;
/// After an error such as too many open files, how long to leave the socket alone.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `closing`, then waits for requests in flight, at most the drain timeout. Returns whether all
/// of them were answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    http: &Http,
    closing: &CancellationToken,
) -> bool {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(http.header_timeout).max_buf_size(MAX_HEAD);
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(http.max_connections));
    loop {
        let accepted = tokio::select! {
            biased;
            () = closing.cancelled() => break,
            accepted = accept(&listener, &slots, http.stall_timeout) => accepted,
        };
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let router = router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let connection = connections.watch(builder.serve_connection(TokioIo::new(stream), service));
        let open = Open::begin();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection ended early");
            }
            drop((slot, open));
        });
    }
    drop(listener);
    let count = connections.count();
    tracing::info!(connections = count, "no more connections are accepted");
    tokio::time::timeout(http.drain_timeout, connections.shutdown()).await.is_ok()
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    stall_timeout: Duration,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Answers are written whole; waiting for more only delays them.
    let _ = stream.set_nodelay(true);
    // Who reads nothing for so long holds memory for nobody: the kernel ends the connection, for streams as well.
    let stall = u32::try_from(stall_timeout.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = setsockopt(&stream, TcpUserTimeout, &stall) {
        tracing::debug!(%error, "the time limit on stalled clients could not be set");
    }
    Ok((stream, peer, slot))
}

/// Counts a connection while it is open.
struct Open;

impl Open {
    fn begin() -> Self {
        metrics::gauge!("questhall_http_connections").increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("questhall_http_connections").decrement(1.0);
    }
}
