//! Sockets: accepting connections, and letting them go.
//!
//! An accept loop of our own rather than axum's, for what axum's lacks: a limit on how long a request's head may take, one
//! on connections, little memory for the many streams that idle ([`endless`]), an end to waiting for those that do not finish,
//! uploads that are cut off when they stall, and refusals that can be read before all of a body was sent ([`upload`]).

mod endless;
mod host;
mod upload;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::settings::Http;
use endless::Handover;

/// Bytes that a connection's buffer grows to at most; larger heads are refused.
const MAX_HEAD: usize = 32 * 1024;
/// After an error such as too many open files, how long to leave the socket alone.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// For how long a client is listened to that was told to send no more: what it had sent already must not cost it the answer.
const LINGER: Duration = Duration::from_secs(2);

/// Accepts connections until `closing`, and from `draining` on tells those that are kept to end. Then waits for requests in flight, at most the drain timeout. Returns whether all
/// of them were answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    http: &Http,
    draining: &CancellationToken,
    closing: &CancellationToken,
) -> bool {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(http.header_timeout).max_buf_size(MAX_HEAD);
    let connections = TaskTracker::new();
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
        let held = (slot, Open::begin());
        let (router, closing, tracker) = (router.clone(), closing.clone(), connections.clone());
        let (handover, giver) = two(Handover::default());
        let (told_to_end, cut) = two(AtomicBool::new(false));
        let (draining, stall) = (draining.clone(), http.stall_timeout);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let (router, giver, cut) = (router.clone(), Arc::clone(&giver), Arc::clone(&cut));
            let draining = draining.clone();
            async move {
                let expects = request.headers().contains_key(header::EXPECT);
                let checked = host::check(&request);
                let (parts, incoming) = request.into_parts();
                let (upload, left) = upload::watch(incoming, stall);
                let (may_be_taken, mut answer) = match checked {
                    Ok(()) => {
                        let request = Request::from_parts(parts, Body::new(upload));
                        (endless::may_be_taken(&request), router.oneshot(request).await?)
                    }
                    Err(problem) => {
                        drop(upload);
                        (false, problem.into_response())
                    }
                };
                if may_be_taken && endless::is_endless(&answer) {
                    giver.give(answer);
                    // The connection is taken apart meanwhile.
                    match std::future::pending::<Infallible>().await {}
                }
                let whole = left.finish(expects).await;
                if !whole {
                    cut.store(true, Ordering::Relaxed);
                }
                if !whole || draining.is_cancelled() {
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let mut connection = builder.serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move {
            let mut told = false;
            let answer = loop {
                tokio::select! {
                    ended = &mut connection => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, %peer, "a connection ended early");
                        } else if told_to_end.load(Ordering::Relaxed) {
                            linger(connection.into_parts().io.into_inner()).await;
                        }
                        drop(held);
                        return;
                    }
                    answer = handover.taken() => break answer,
                    () = closing.cancelled(), if !told => {
                        told = true;
                        Pin::new(&mut connection).graceful_shutdown();
                    }
                }
            };
            let socket = connection.into_parts().io.into_inner();
            // A task of its own, so that this one's room is given back.
            tracker.spawn(async move {
                if let Err(error) = endless::send(socket, answer).await {
                    tracing::debug!(%error, %peer, "a stream ended early");
                }
                drop(held);
            });
        });
    }
    drop(listener);
    tracing::info!(connections = connections.len(), "no more connections are accepted");
    connections.close();
    tokio::time::timeout(http.drain_timeout, connections.wait()).await.is_ok()
}

/// Hears out who was told to send no more, for a while: a socket that is let go with something unread takes back what was
/// written to it as well.
async fn linger(mut socket: TcpStream) {
    let mut unwanted = vec![0; 16 * 1024];
    let rest = async { while socket.read(&mut unwanted).await.is_ok_and(|read| read > 0) {} };
    // After that, the answer was read or never will be.
    let _ = tokio::time::timeout(LINGER, rest).await;
}

/// The same thing in two hands.
fn two<T>(thing: T) -> (Arc<T>, Arc<T>) {
    let thing = Arc::new(thing);
    (Arc::clone(&thing), thing)
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
