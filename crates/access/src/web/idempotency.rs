//! `Idempotency-Key`: a POST that carries one has its effect once, and whoever repeats it, because the answer was lost
//! on the way, gets the answer of the first time, with `Idempotency-Replayed: true`.
//!
//! * A key belongs to the API key that sent it and to one request: method, path with query, `Questhall-User`, body.
//!   The same key with another request is 422, while the first still runs 409.
//! * The request runs to its end though its client goes away: that is when the answer will be asked for again.
//! * Kept for 24 hours are answers that repeating could not better. Not kept: 5xx; refusals for now (401, 403, 408, and
//!   whatever carries `Retry-After`): such a request may be sent again under its key.
//! * An answer with `Cache-Control: no-store` (a new secret), or one that is a stream or larger than [`MAX_KEPT`], leaves
//!   only the mark that it was given; its repetition is answered 409 `answer-not-kept`, and has no effect.
//! * A node that dies in the middle leaves a lease. It lapses after twice the longest time that a request may take; then
//!   the request may run again, unless its effect had been committed. Most effects cannot happen twice anyway, by the
//!   constraints of the tables they write; a deed that could calls [`Repeatable::carried_out`] in its transaction, and its
//!   repetition is answered 409 `answer-not-kept` when the answer was lost with the node, or with the connection over
//!   which it committed.
//!
//! A request without the header pays nothing.

mod store;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use kernel::Problem;
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};
use tracing::Instrument as _;

use crate::actor::Actor;
use crate::error::unavailable_or_internal;
use crate::keys::hex;
use crate::problems::{ANSWER_NOT_KEPT, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED, TOO_LARGE};
use crate::web::{App, MEMBER_HEADER, guard, time_limit};
use store::{Claim, Fence, Kept, Owner};

pub use store::idempotency_clean;

/// The request's header.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The response's header that tells a repeated answer from a first one.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The largest answer in bytes that is kept.
pub const MAX_KEPT: u64 = 1024 * 1024;
/// How long to wait before what could not be noted is tried again: at first, and at most.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

tokio::task_local! {
    static CLAIM: Arc<(Owner, Fence)>;
}

/// The claim on its `Idempotency-Key` under which a request runs, if it sent one. Whoever has the request's effect
/// committed by another task takes it along.
#[derive(Debug, Clone, Default)]
pub struct Repeatable(Option<Arc<(Owner, Fence)>>);

impl Repeatable {
    /// That of the request which this task answers.
    pub fn current() -> Self {
        Self(CLAIM.try_with(Arc::clone).ok())
    }

    /// Notes in the transaction of the request's effect that it was carried out, so that no repetition does it again.
    /// Costs nothing where the request has no key. An error means that somebody else has the key by now: roll back.
    #[kernel::boxed]
    pub async fn carried_out(&self, conn: &mut PgConnection) -> sqlx::Result<()> {
        if Self::all_carried_out(conn, [self]).await? { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
    }

    /// The same for several requests that share a transaction. False when one of them had lost its key.
    pub async fn all_carried_out(
        conn: &mut PgConnection,
        requests: impl IntoIterator<Item = &Self>,
    ) -> sqlx::Result<bool> {
        let claims: Vec<(&Owner, Fence)> = requests
            .into_iter()
            .filter_map(|request| request.0.as_deref())
            .map(|(owner, fence)| (owner, *fence))
            .collect();
        if claims.is_empty() {
            return Ok(true);
        }
        Ok(store::carried_out(conn, &claims).await? == claims.len() as u64)
    }
}

/// Middleware for all routes; it acts on a POST that carries the header. Put it inside of the request id.
pub async fn idempotency(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.run(request).await;
    }
    once(app, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn once(app: App, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let key = key_of(&parts.headers)?;
    let actor = guard::authenticate(&app, &mut parts).await?;
    let body = to_bytes(body, app.http().upload_limit)
        .await
        .map_err(|_| Problem::new(TOO_LARGE, "The body is larger than any route accepts."))?;
    let request_hash = fingerprint(&parts, &body);
    let owner = Owner::new(&actor, key);
    let limit = app.http().request_timeout;
    match store::claim(app.pool(), &owner, &request_hash, lease(limit))
        .await
        .map_err(unavailable_or_internal)?
    {
        Claim::Ours(fence) => {
            let request = Request::from_parts(parts, Body::from(body));
            let pool = app.pool().clone();
            // A task of its own, which outlives the connection that the client may close.
            let task = tokio::spawn(run(pool, owner, fence, limit, request, next).in_current_span());
            Ok(task.await.unwrap_or_else(|error| Problem::internal(&error).into_response()))
        }
        Claim::Done(kept) => replay(kept),
        Claim::OtherRequest => Err(Problem::new(
            IDEMPOTENCY_KEY_REUSED,
            "This Idempotency-Key came with another request before; make a new one for each deed.",
        )),
        Claim::Running => Err(Problem::new(
            IDEMPOTENCY_KEY_IN_USE,
            "The first request with this Idempotency-Key has not been answered yet; ask again in a moment.",
        )
        .retry_after(Duration::from_secs(1))),
    }
}

/// Long enough that no request of a living node outlives its lease.
fn lease(request_timeout: Duration) -> Duration {
    request_timeout * 2 + Duration::from_secs(5)
}

async fn run(
    pool: PgPool,
    owner: Owner,
    fence: Fence,
    limit: Duration,
    request: Request,
    next: Next,
) -> Response {
    let claim = Arc::new((owner.clone(), fence));
    let answer = CLAIM.scope(claim, time_limit::within(limit, next.run(request)));
    let answer = std::panic::AssertUnwindSafe(answer).catch_unwind().await;
    let response =
        answer.unwrap_or_else(|_| Problem::internal_message("the handler panicked").into_response());
    let (response, kept) = keep(response).await;
    let ended = Ended { owner, fence, kept };
    if let Err(error) = ended.record(&pool).await {
        tracing::warn!(%error, "how a request ended could not be noted for its Idempotency-Key yet; it is tried again");
        // The client gets its answer meanwhile.
        tokio::spawn(ended.record_later(pool, lease(limit)).in_current_span());
    }
    response
}

/// A request that ended, under its key.
struct Ended {
    owner: Owner,
    fence: Fence,
    /// Its answer; `None` when the request may be sent again.
    kept: Option<Kept>,
}

impl Ended {
    /// Keeps the answer, or gives the key back.
    async fn record(&self, pool: &PgPool) -> sqlx::Result<()> {
        let Self { owner, fence, kept } = self;
        let ours = match kept {
            Some(kept) => store::finish(pool, owner, *fence, kept).await?,
            None => store::release(pool, owner, *fence).await?,
        };
        if !ours {
            tracing::warn!(actor = owner.actor, "an idempotency lease lapsed before its request ended");
        }
        Ok(())
    }

    /// The same as soon as the database takes it. Once the lease is over anybody may send the request again anyway.
    async fn record_later(self, pool: PgPool, lease: Duration) {
        let trying = async {
            let mut pause = RETRY_PAUSES.0;
            loop {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_PAUSES.1);
                match self.record(&pool).await {
                    Ok(()) => return,
                    Err(error) => tracing::debug!(%error, "still not noted"),
                }
            }
        };
        if tokio::time::timeout(lease, trying).await.is_err() {
            tracing::warn!(
                actor = self.owner.actor,
                "how a request ended was never noted for its Idempotency-Key"
            );
        }
    }
}

/// The response, and what of it to keep; `None` when the request may be sent again.
async fn keep(response: Response) -> (Response, Option<Kept>) {
    let status = response.status();
    let for_now = matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
    ) || response.headers().contains_key(header::RETRY_AFTER);
    if status.is_server_error() || for_now {
        return (response, None);
    }
    let secret = response
        .headers()
        .get(header::CACHE_CONTROL)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("no-store"));
    let fits = response.body().size_hint().exact().is_some_and(|size| size <= MAX_KEPT);
    if secret || !fits {
        let kept = Kept { status, headers: HeaderMap::new(), body: None };
        return (response, Some(kept));
    }
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => {
            let headers = [header::CONTENT_TYPE, header::LOCATION]
                .into_iter()
                .filter_map(|name| parts.headers.get(&name).map(|value| (name, value.clone())))
                .collect();
            let kept = Kept { status, headers, body: Some(bytes.clone()) };
            (Response::from_parts(parts, Body::from(bytes)), Some(kept))
        }
        Err(error) => (Problem::internal(&error).into_response(), None),
    }
}

fn replay(kept: Kept) -> Result<Response, Problem> {
    let Some(body) = kept.body else {
        return Err(Problem::new(
            ANSWER_NOT_KEPT,
            "The first request was carried out; its answer is not kept. Look at what it did.",
        ));
    };
    let mut response = (kept.status, kept.headers, body).into_response();
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn key_of(headers: &HeaderMap) -> Result<String, Problem> {
    let wrong = || Problem::field("Idempotency-Key", "must be one text of 1 to 255 visible ASCII characters");
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(wrong()) };
    let bytes = value.as_bytes();
    if !(1..=255).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(wrong());
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| wrong())
}

/// What makes a request the same: everything that decides its effect, but for who sends it.
fn fingerprint(parts: &Parts, body: &Bytes) -> String {
    let mut hash = Sha256::new();
    let target = parts.uri.path_and_query().map_or("", axum::http::uri::PathAndQuery::as_str);
    let member = parts.headers.get(MEMBER_HEADER).map_or(&b""[..], HeaderValue::as_bytes);
    // No method, path or header has a line feed in it.
    for part in [parts.method.as_str().as_bytes(), target.as_bytes(), member] {
        hash.update(part);
        hash.update(b"\n");
    }
    hash.update(body);
    hex(&hash.finalize().into())
}

impl Owner {
    fn new(actor: &Actor, key: String) -> Self {
        Self { actor: actor.sender(), key, guild: actor.guild }
    }
}
