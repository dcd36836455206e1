//! Events in, and what is known of the lake.

use std::pin::Pin;

use access::openapi::InGuildPath;
use access::problems::{TOO_LARGE, UNSUPPORTED_MEDIA_TYPE};
use access::scope::{CommunityIngest, CommunityRead, CommunityWrite};
use access::web::json_parse;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::Extension;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use kernel::{GuildId, Page, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::browse::{self, LakeEvent, LakeHealth, LakeQuery};
use crate::ingest::lines::{self, CHUNK, Line, Lines, Receipt};
use crate::ingest::{Event, EventWriter, Feed, IngestError};
use crate::what_if::{self, Supposition, WhatIf};

/// The most lines of a stream that wait while those before them are taken.
const HELD: usize = 4 * CHUNK;
/// The most events of a JSON batch.
const MAX_EVENTS: usize = 10_000;

/// A batch of events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IngestBatch<'a> {
    /// The events, at most 10,000, in the order in which they happened.
    #[serde(borrow)]
    #[schema(value_type = Vec<Event>, max_items = 10000)]
    events: Vec<&'a RawValue>,
}

/// Hand over events
///
/// Either a JSON batch, answered with what became of it, or, as `application/x-ndjson`, a stream of any length with an event a line,
/// answered while it comes with a line for each part taken: `events`, `counted`, `duplicates`, `switched_off`, `refused` as in the
/// answer to a batch (a refused event's `index` is its line, from 1). The stream's last line says `"done": true`, or what ended it in
/// `problem`.
///
/// An event is acknowledged when it is durable. It counts once, however often it is sent: after an error send everything again.
/// What is wrong with an event is told by field; the others are taken. While too many events wait, batches are answered 503 with
/// `Retry-After`, and streams are read more slowly.
#[utoipa::path(post, path = "/guilds/{guild_id}/lake/events", tag = "lake", operation_id = "lake_ingest",
    params(InGuildPath), request_body = IngestBatch<'_>,
    responses((status = 200, content((Receipt = "application/json"), (String = "application/x-ndjson"))), Problems),
    security(("api_key" = ["community:ingest"])))]
pub(super) async fn ingest(
    guild: InGuild<CommunityIngest>,
    Extension(writer): Extension<EventWriter>,
    request: Request,
) -> Result<Response, Problem> {
    let coded = request.headers().get(header::CONTENT_ENCODING);
    if coded.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(
            UNSUPPORTED_MEDIA_TYPE,
            "Send the body as it is, without `Content-Encoding`: compressed ones are not read.",
        ));
    }
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => {
            Ok(stream(writer.feed(guild.guild_id), request.into_body()))
        }
        "application/json" => {
            let body = Bytes::from_request(request, &()).await.map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    Problem::new(
                        TOO_LARGE,
                        "The batch is too large; send smaller ones, or a stream of NDJSON.",
                    )
                } else {
                    Problem::invalid("The body ended before all of it had come.")
                }
            })?;
            let receipt = batch(&writer, guild.guild_id, &body).await?;
            Ok(Json(receipt).into_response())
        }
        _ => Err(Problem::new(
            UNSUPPORTED_MEDIA_TYPE,
            "Send a batch as `application/json`, or a stream as `application/x-ndjson`.",
        )),
    }
}

async fn batch(writer: &EventWriter, guild: GuildId, body: &[u8]) -> Result<Receipt, Problem> {
    let batch: IngestBatch<'_> = json_parse(body)?;
    if batch.events.len() > MAX_EVENTS {
        return Err(Problem::field(
            "events",
            format!("must be at most {MAX_EVENTS}; send more of them as NDJSON"),
        ));
    }
    let lines =
        batch.events.iter().zip(0u64..).map(|(event, index)| (index, Event::parse(event.get()))).collect();
    Ok(lines::take(&writer.feed(guild), lines, false).await?)
}

/// The answer to a stream, made while the stream comes.
fn stream(feed: Feed, body: Body) -> Response {
    let reading = Reading {
        feed,
        body: Box::pin(body.into_data_stream()),
        lines: Lines::default(),
        waiting: Vec::new(),
        taking: None,
        problem: None,
        state: Phase::Open,
    };
    let answer = futures::stream::unfold(reading, |mut reading| async move {
        let line = reading.next().await?;
        Some((Ok::<_, std::convert::Infallible>(line), reading))
    })
    // Whoever compresses the answer asks once more after its end.
    .fuse();
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(answer)).into_response()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Ended,
    Answered,
}

struct Reading {
    feed: Feed,
    body: Pin<Box<BodyDataStream>>,
    lines: Lines,
    /// What came and is not on its way yet.
    waiting: Vec<Line>,
    /// What is on its way. The next comes meanwhile, so that it is more the longer this takes.
    taking: Option<BoxFuture<'static, Result<Receipt, IngestError>>>,
    /// Why the body ended too early.
    problem: Option<Problem>,
    state: Phase,
}

/// The last line of an answer.
#[derive(Serialize)]
struct End<'a> {
    done: bool,
    lines: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
}

impl Reading {
    /// The next line of the answer.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.state == Phase::Answered {
                return None;
            }
            while self.waiting.len() < HELD
                && let Some(line) = self.lines.next_line()
            {
                self.waiting.push(line);
            }
            let room = self.waiting.len() < HELD && self.state == Phase::Open;
            if room && let Some(more) = self.body.next().now_or_never() {
                self.more(more);
                continue;
            }
            let Some(taking) = &mut self.taking else {
                if !self.waiting.is_empty() {
                    // Who sends one event and waits for its answer gets it.
                    let (feed, lines) = (self.feed.clone(), std::mem::take(&mut self.waiting));
                    let mut taking = async move { lines::take(&feed, lines, true).await }.boxed();
                    // Asked once, it has its place in the line.
                    self.taking = Some(match (&mut taking).now_or_never() {
                        Some(taken) => std::future::ready(taken).boxed(),
                        None => taking,
                    });
                } else if self.state == Phase::Ended {
                    let problem = self.problem.take();
                    return Some(self.end(problem.as_ref()));
                } else {
                    let more = self.body.next().await;
                    self.more(more);
                }
                continue;
            };
            tokio::select! {
                taken = taking => {
                    self.taking = None;
                    return Some(match taken {
                        Ok(receipt) => as_line(&receipt),
                        Err(error) => self.end(Some(&error.into())),
                    });
                }
                more = self.body.next(), if room => self.more(more),
            }
        }
    }

    fn more(&mut self, more: Option<Result<Bytes, axum::Error>>) {
        match more {
            Some(Ok(bytes)) => self.lines.push(&bytes),
            Some(Err(_)) => {
                // What is not on its way yet is not taken.
                self.waiting.clear();
                self.problem = Some(Problem::invalid("The body ended before all of it had come."));
                self.state = Phase::Ended;
            }
            None => {
                self.waiting.extend(self.lines.last());
                self.state = Phase::Ended;
            }
        }
    }

    fn end(&mut self, problem: Option<&Problem>) -> Bytes {
        self.state = Phase::Answered;
        as_line(&End { done: problem.is_none(), lines: self.lines.number(), problem })
    }
}

fn as_line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// Look into the lake
///
/// Events, newest first, of the last days unless told otherwise; each filter narrows it down.
#[utoipa::path(get, path = "/guilds/{guild_id}/lake/events", tag = "lake", operation_id = "lake_events",
    params(InGuildPath, LakeQuery),
    responses((status = 200, body = Page<LakeEvent>), Problems),
    security(("api_key" = ["community:write"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Query(query): Query<LakeQuery>,
) -> Result<Json<Page<LakeEvent>>, Problem> {
    Ok(Json(browse::events(app.pool(), guild.guild_id, &query).await?))
}

/// An event in the path, by what makes it count once.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SourcePath {
    /// The event's `source_id`.
    source_id: String,
}

/// Why did this event earn what it earned?
///
/// The event, and each reward that it brought: what it began with, and every factor with its reason; or why it earned nothing. For an
/// event of voice, the ticks that the stay brought. Its
/// `payload` is for who may `community:write`; others get an empty one.
#[utoipa::path(get, path = "/guilds/{guild_id}/lake/events/{source_id}/rewards", tag = "lake",
    operation_id = "lake_explain", params(InGuildPath, SourcePath),
    responses((status = 200, body = browse::Explained), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn explain(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<SourcePath>,
) -> Result<Json<browse::Explained>, Problem> {
    let mut explained = browse::explain(app.pool(), guild.guild_id, &path.source_id).await?;
    if guild.on_behalf || !guild.actor.has("community:write") {
        explained.event.payload = Value::Object(serde_json::Map::new());
    }
    Ok(Json(explained))
}

/// See how the lake fares
///
/// Events by month and size, by day and type, what is switched off, and how large it will become at the present pace.
#[utoipa::path(get, path = "/guilds/{guild_id}/lake", tag = "lake", operation_id = "lake_health",
    params(InGuildPath),
    responses((status = 200, body = LakeHealth), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn health(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
) -> Result<Json<LakeHealth>, Problem> {
    Ok(Json(browse::health(app.pool(), guild.guild_id).await?))
}

/// What would the last days have earned?
///
/// Under other settings of rewards: how much, and whose rank among each other that moves. Counted anew from the lake, both as things are and
/// as they are supposed to be; nothing is written. At most 100,000 events are gone through, the latest; ticks of voice are those that were
/// paid, at what they would be worth.
#[utoipa::path(post, path = "/guilds/{guild_id}/lake/what-if", tag = "lake", operation_id = "lake_what_if",
    params(InGuildPath), request_body = Supposition,
    responses((status = 200, body = WhatIf), Problems),
    security(("api_key" = ["community:write"])))]
pub(super) async fn what_if(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(supposition): Json<Supposition>,
) -> Result<Json<WhatIf>, Problem> {
    Ok(Json(what_if::what_if(app.pool(), guild.guild_id, &supposition).await?))
}
