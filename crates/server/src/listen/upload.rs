//! Requests' bodies: cut off when nothing comes of them any more, and led to their end when nobody reads them.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

/// Bytes of a body that nobody wanted which are read all the same, so that the connection can go on.
const READ_ON: usize = 256 * 1024;
/// How long that may take.
const READ_FOR: Duration = Duration::from_millis(500);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A request's body on its way to the handler.
pub(super) struct Upload {
    incoming: Option<Incoming>,
    stall: Duration,
    /// Armed while nothing comes.
    timer: Option<Pin<Box<Sleep>>>,
    ended: bool,
    begun: bool,
    left: Arc<Left>,
}

/// What became of a body once it is let go.
#[derive(Default)]
pub(super) struct Left(Mutex<State>);

#[derive(Default)]
enum State {
    /// A handler has it, or has read it.
    #[default]
    Used,
    /// It was let go before its end; whether any of it was asked for.
    Unread(Incoming, bool),
    /// It stalled.
    Stalled,
}

/// The body, cut off when nothing comes for `stall`, and where its rest is found afterwards.
pub(super) fn watch(incoming: Incoming, stall: Duration) -> (Upload, Arc<Left>) {
    let left = Arc::new(Left::default());
    let ended = incoming.is_end_stream();
    let upload =
        Upload { incoming: Some(incoming), stall, timer: None, ended, begun: false, left: Arc::clone(&left) };
    (upload, left)
}

impl Left {
    fn set(&self, state: State) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Reads a little of what nobody read. Whether the connection can carry another request afterwards: `expects` says that
    /// the client waits to be asked for the body, which then need not come at all.
    pub(super) async fn finish(&self, expects: bool) -> bool {
        let state = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        match state {
            State::Used => true,
            State::Stalled => false,
            State::Unread(_, false) if expects => false,
            State::Unread(mut body, _) => {
                if body.size_hint().lower() > READ_ON as u64 {
                    return false;
                }
                let rest = async {
                    let mut read = 0;
                    while let Some(frame) = body.frame().await {
                        let Ok(frame) = frame else { return false };
                        read += frame.data_ref().map_or(0, Bytes::len);
                        if read > READ_ON {
                            return false;
                        }
                    }
                    true
                };
                tokio::time::timeout(READ_FOR, rest).await.unwrap_or(false)
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        this.begun = true;
        if let Poll::Ready(next) = Pin::new(incoming).poll_frame(context) {
            this.timer = None;
            this.ended = !matches!(next, Some(Ok(_)));
            return Poll::Ready(next.map(|frame| frame.map_err(Failure::from)));
        }
        let stall = this.stall;
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        std::task::ready!(timer.as_mut().poll(context));
        this.incoming = None;
        this.left.set(State::Stalled);
        let error = io::Error::new(io::ErrorKind::TimedOut, "nothing more of the body came");
        Poll::Ready(Some(Err(error.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(incoming) =
            self.incoming.take().filter(|incoming| !self.ended && !incoming.is_end_stream())
        {
            self.left.set(State::Unread(incoming, self.begun));
        }
    }
}
