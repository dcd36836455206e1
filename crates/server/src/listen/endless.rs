//! Streams without end, taken off the HTTP machinery: a connection that holds one will carry no other request, and
//! waits most of the time. What a connection needs for requests (buffers, router, middleware) is given back; what stays
//! is a small task with the socket and the answer's body. Ten thousand of them fit into a small server.

use std::io;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, Version, header, response};
use axum::response::Response;
use futures::FutureExt as _;
use http_body_util::BodyExt as _;
use kernel::Clock;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Bytes that are written at once, about; what is ready beyond that waits for the next time.
const AT_ONCE: usize = 32 * 1024;

/// Where a connection's answer waits to be taken over.
#[derive(Debug, Default)]
pub(super) struct Handover {
    answer: Mutex<Option<Response>>,
    given: Notify,
}

impl Handover {
    /// Gives the answer to whoever waits in [`Handover::taken`].
    pub(super) fn give(&self, answer: Response) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.given.notify_one();
    }

    /// The answer, once there is one.
    pub(super) async fn taken(&self) -> Response {
        loop {
            self.given.notified().await;
            if let Some(answer) = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return answer;
            }
        }
    }
}

/// Whether the answer to this request may be taken over, if it is a stream: older clients know no chunks.
pub(super) fn may_be_taken<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_11 && request.method() == Method::GET
}

/// Whether the answer is a stream without end.
pub(super) fn is_endless(answer: &Response) -> bool {
    answer.status() == StatusCode::OK
        && answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream")
}

/// Sends the answer until its body ends or the client goes away. What a client is too slow for stays where it comes from.
pub(super) async fn send(mut socket: TcpStream, answer: Response) -> io::Result<()> {
    let (head, mut body) = answer.into_parts();
    socket.write_all(&head_text(&head)).await?;
    drop(head);
    loop {
        let first = tokio::select! {
            frame = body.frame() => frame,
            () = gone(&socket) => return Ok(()),
        };
        let (out, over) = gather(first, &mut body)?;
        socket.write_all(&out).await?;
        if over {
            return socket.shutdown().await;
        }
    }
}

type NextFrame = Option<Result<hyper::body::Frame<axum::body::Bytes>, axum::Error>>;

/// What is ready, as chunks, and whether that was all.
fn gather(first: NextFrame, body: &mut Body) -> io::Result<(Vec<u8>, bool)> {
    let mut out = Vec::new();
    let mut next = first;
    loop {
        match next {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref().filter(|data| !data.is_empty()) {
                    out.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
                    out.extend_from_slice(data);
                    out.extend_from_slice(b"\r\n");
                }
            }
            // Cut off: the client sees that the end is missing.
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => {
                out.extend_from_slice(b"0\r\n\r\n");
                return Ok((out, true));
            }
        }
        if out.len() >= AT_ONCE {
            return Ok((out, false));
        }
        match body.frame().now_or_never() {
            Some(frame) => next = frame,
            None => return Ok((out, false)),
        }
    }
}

/// The answer's head. The connection ends with the answer.
fn head_text(head: &response::Parts) -> Vec<u8> {
    let date = Clock::system().now().format("%a, %d %b %Y %H:%M:%S GMT");
    let mut text =
        format!("HTTP/1.1 200 OK\r\ndate: {date}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n")
            .into_bytes();
    for (name, value) in &head.headers {
        if matches!(
            *name,
            header::CONNECTION | header::TRANSFER_ENCODING | header::CONTENT_LENGTH | header::DATE
        ) {
            continue;
        }
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text
}

/// Ends when the client does. What it says meanwhile is of no interest.
async fn gone(socket: &TcpStream) {
    let mut said = [0; 64];
    loop {
        if socket.readable().await.is_err() {
            return;
        }
        match socket.try_read(&mut said) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
