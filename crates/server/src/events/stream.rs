//! From the outbox to the wire.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use access::Actor;
use access::sight::Sight;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use jobs::outbox::{Feed, FeedError, Filter, Live, Position, Stored, Tail};
use kernel::problem::{RATE_LIMITED, UNAVAILABLE};
use kernel::{GuildId, Problem, UserId};
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::boards::Boards;
use super::shares::{Held, Share, Shares};
use crate::settings;

/// The header in which a browser says where its stream broke off.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How long a client waits before it comes back, in milliseconds: told once at the beginning.
const RETRY_MS: u32 = 2_000;

/// What streams of this process share. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Streams(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    tail: Tail,
    slots: Arc<Semaphore>,
    shares: Arc<Shares>,
    heartbeat: Duration,
    boards: Boards,
    closing: CancellationToken,
}

impl Streams {
    /// Streams over `tail`, all of which end when `closing` is cancelled.
    pub(crate) fn new(
        pool: PgPool,
        tail: Tail,
        settings: &settings::Streams,
        closing: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            slots: Arc::new(Semaphore::new(settings.max_streams)),
            shares: Arc::new(Shares::new(settings)),
            heartbeat: settings.heartbeat,
            boards: Boards::new(tail.clone(), settings.leaderboard_interval, closing.clone()),
            pool,
            tail,
            closing,
        }))
    }

    pub(super) fn boards(&self) -> &Boards {
        &self.0.boards
    }

    /// A place for one more stream of this key in this guild.
    pub(super) fn slot(&self, kind: &'static str, actor: &Actor, guild: GuildId) -> Result<Slot, Problem> {
        let shares = [Share::Key(actor.sender()), Share::Guild(guild)];
        let shares = Held::take(&self.0.shares, shares).ok_or_else(|| {
            Problem::new(
                RATE_LIMITED,
                "This key, or this guild, holds as many streams as it may; end some that nobody reads any more.",
            )
            .retry_after(Duration::from_secs(30))
        })?;
        let permit = Arc::clone(&self.0.slots).try_acquire_owned().map_err(|_| {
            Problem::new(UNAVAILABLE, "This server holds as many streams as it can; try again in a while.")
                .retry_after(Duration::from_secs(30))
        })?;
        metrics::gauge!("questhall_streams_open", "kind" => kind).increment(1.0);
        Ok(Slot { kind, _shares: shares, _permit: permit })
    }

    /// The events of a guild that `sight` sees and `wanted` lets through, from `Last-Event-ID` on.
    pub(super) async fn events(
        &self,
        guild: GuildId,
        wanted: Wanted,
        sight: Sight,
        headers: &HeaderMap,
        slot: Slot,
    ) -> Result<Response, Problem> {
        let (after, gap) = match last_event_id(headers)? {
            Some(position) => self.resume(position).await?,
            None => (None, None),
        };
        let filter = Filter {
            event_types: wanted.types,
            subject: wanted.subject,
            concerning: wanted.concerning,
            viewer: sight.viewer(),
        };
        let feed = Feed::open(&self.0.tail, guild, filter, after).await.map_err(ended)?;
        let first = Message::opening(feed.position(), gap);
        let stream = EventStream { feed, sight, slot };
        Ok(respond(stream, first, self.0.heartbeat, self.0.closing.clone()))
    }

    /// From where a stream goes on, now if `None`; and why events may be missing before that, if they may.
    async fn resume(&self, position: Position) -> Result<(Option<Position>, Option<Gap>), Problem> {
        let here = self.0.tail.position().await.map_err(|_| ended(FeedError::Stopped))?;
        let mut conn = db::acquire(&self.0.pool).await?;
        // Another node's reader may be ahead of ours.
        if position > here && position >= jobs::outbox::horizon(&mut conn).await? {
            return Ok((None, Some(Gap::Unknown)));
        }
        let pruned = jobs::outbox::pruned(&mut conn).await?.filter(|pruned| position < *pruned);
        Ok((pruned.or(Some(position)), pruned.map(|_| Gap::Pruned)))
    }

    /// The answer whose body are these messages.
    pub(super) fn respond(&self, source: impl Source, first: Message) -> Response {
        respond(source, first, self.0.heartbeat, self.0.closing.clone())
    }
}

kernel::decl_words! {
    /// Why a stream cannot go on where the client's last one broke off.
    enum Gap {
        /// Events after that place were cleared away meanwhile.
        Pruned = "pruned",
        /// The place lies in this database's future: it is another's, which this one was restored from, say. Waiting for it would
        /// be waiting for ever.
        Unknown = "unknown",
    }
}

/// Which events a client asked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Only these types; all when empty.
    pub(super) types: Vec<String>,
    /// Only about this and what belongs to it.
    pub(super) subject: Option<String>,
    /// Only what concerns this member.
    pub(super) concerning: Option<UserId>,
}

/// A stream's place; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    kind: &'static str,
    _shares: Held,
    _permit: OwnedSemaphorePermit,
}

impl Slot {
    /// Counts an event that was sent.
    pub(super) fn sent(&self) {
        metrics::counter!("questhall_stream_events_total", "kind" => self.kind).increment(1);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        metrics::gauge!("questhall_streams_open", "kind" => self.kind).decrement(1.0);
    }
}

/// Where the client's last stream broke off.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    text.parse()
        .map(Some)
        .map_err(|error: jobs::outbox::ParsePositionError| Problem::field("Last-Event-ID", error.to_string()))
}

pub(super) fn ended(error: FeedError) -> Problem {
    match error {
        FeedError::Stopped => Problem::new(UNAVAILABLE, "This server is stopping; try again in a moment.")
            .retry_after(Duration::from_secs(1)),
        FeedError::Database(error) => error.into(),
    }
}

/// Where a stream's messages come from.
pub(super) trait Source: Send + 'static {
    /// The next message; `None` ends the stream, and the client comes back. Safe to drop and call again.
    fn next(&mut self) -> impl Future<Output = Option<Message>> + Send;
}

struct EventStream {
    feed: Feed,
    sight: Sight,
    slot: Slot,
}

impl Source for EventStream {
    async fn next(&mut self) -> Option<Message> {
        loop {
            match self.feed.next().await {
                Ok(event) if self.sight.sees(&event) => {
                    self.slot.sent();
                    return Some(Message::event(&event));
                }
                Ok(_) => {}
                Err(FeedError::Stopped) => return None,
                Err(FeedError::Database(error)) => {
                    tracing::warn!(%error, "an event stream ends because the outbox cannot be read");
                    return None;
                }
            }
        }
    }
}

/// One message of a stream, as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message(pub(super) Bytes);

impl Message {
    /// What begins a stream: tells how long to wait before coming back, and where it stands, so that a client which saw no
    /// event yet can resume as well; and whether it may have missed some.
    fn opening(position: Position, gap: Option<Gap>) -> Self {
        let mut text = format!("retry: {RETRY_MS}\nid: {position}\nevent: hello\ndata: {{}}\n\n");
        if let Some(gap) = gap {
            let reason = gap.as_str();
            // Writing to a String cannot fail.
            let _ = write!(text, "id: {position}\nevent: gap\ndata: {{\"reason\":\"{reason}\"}}\n\n");
        }
        Self(Bytes::from(text))
    }

    /// What begins a stream that has no position of its own.
    pub(super) fn hello() -> Self {
        Self(Bytes::from(format!("retry: {RETRY_MS}\nevent: hello\ndata: {{}}\n\n")))
    }

    /// An event of the outbox, written once for all who read it.
    fn event(event: &Live) -> Self {
        Self(event.rendered(|event| Self::envelope(event).0))
    }

    /// An event of the outbox in the envelope of `CloudEvents`.
    fn envelope(event: &Stored) -> Self {
        Self::new(Some(&event.position.to_string()), &event.event_type, &event.cloud_event())
    }

    /// `event:` and `data:`, which JSON keeps on one line. Types are of the outbox's alphabet.
    pub(super) fn new(id: Option<&str>, event_type: &str, data: &serde_json::Value) -> Self {
        let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
        Self(Bytes::from(format!("{id}event: {event_type}\ndata: {data}\n\n")))
    }

    /// Shows that the stream lives.
    fn heartbeat() -> Self {
        Self(Bytes::from_static(b": \n\n"))
    }
}

/// The answer whose body are the source's messages, with a heartbeat whenever it is idle for so long.
fn respond(source: impl Source, first: Message, heartbeat: Duration, closing: CancellationToken) -> Response {
    struct State<S> {
        source: S,
        closing: CancellationToken,
        due: Instant,
    }
    let state = State { source, closing, due: Instant::now() + heartbeat };
    let rest = stream::unfold(state, move |mut state| async move {
        let message = tokio::select! {
            biased;
            () = state.closing.cancelled() => return None,
            message = state.source.next() => message?,
            () = tokio::time::sleep_until(state.due) => Message::heartbeat(),
        };
        state.due = Instant::now() + heartbeat;
        Some((Ok::<_, Infallible>(message.0), state))
    });
    // Whoever wraps the body may ask once more after its end.
    let body = stream::once(std::future::ready(Ok(first.0))).chain(rest).fuse();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would hold messages back until its buffer is full.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(body)).into_response()
}
