//! Answers and uploads that last end when who holds them may not hold them any more.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use kernel::GuildId;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::actor::Actor;
use crate::keys::Vigil;
use crate::web::{App, guard};

/// Middleware, inside of the one that finds out who asks: watches over bodies of which nobody knows how long they will be. A
/// stream of events ends; a file or an upload breaks off, so that its end is not taken for the whole.
pub async fn while_allowed(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(actor) = request.extensions().get::<Actor>().cloned() else { return next.run(request).await };
    let Some(secret) = guard::secret(&app, request.headers()) else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    let guild = guild_of(&mut parts).await;
    if body.size_hint().exact().is_none() {
        // The answer to it ends with it.
        let vigil = app.vigils().begin(&secret, actor, guild);
        let body = Body::new(Watched::new(body, vigil, End::Broken));
        return next.run(Request::from_parts(parts, body)).await;
    }
    let response = next.run(Request::from_parts(parts, body)).await;
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let events = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let vigil = app.vigils().begin(&secret, actor, guild);
    let end = if events { End::Whole } else { End::Broken };
    response.map(|body| Body::new(Watched::new(body, vigil, end)))
}

async fn guild_of(parts: &mut Parts) -> Option<GuildId> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    params.iter().find(|(name, _)| *name == "guild_id")?.1.parse().ok()
}

/// How a body ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// As if it were whole: a stream of events is never that, and its client comes back.
    Whole,
    /// With an error.
    Broken,
}

/// A body that ends when its watch says so.
struct Watched {
    body: Body,
    over: Pin<Box<WaitForCancellationFutureOwned>>,
    end: End,
    ended: bool,
    _vigil: Vigil,
}

impl Watched {
    fn new(body: Body, vigil: Vigil, end: End) -> Self {
        let over = Box::pin(vigil.over().clone().cancelled_owned());
        Self { body, over, end, ended: false, _vigil: vigil }
    }
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        if this.over.as_mut().poll(context).is_ready() {
            this.ended = true;
            return Poll::Ready(match this.end {
                End::Whole => None,
                End::Broken => {
                    Some(Err(axum::Error::new("the key, or the role, that it was for is not there any more")))
                }
            });
        }
        let next = std::task::ready!(Pin::new(&mut this.body).poll_frame(context));
        this.ended = next.is_none();
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
