//! The leaderboard as it changes.
//!
//! However many watch a campaign, its leaderboard is read at most once an interval, by one task that lives while somebody
//! watches. What triggers it are the events that this kind of viewer may see: while a scoreboard is frozen, solves are
//! events about a member, so that the public board neither changes nor twitches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::openapi::ActingMember;
use access::scope::{CampaignsRead, CampaignsWrite, Scope as _};
use access::sight::Sight;
use access::{App, InGuild, Path, Problems, Query};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use challenges::leaderboard::{self, Leaderboard, Standing, View};
use jobs::outbox::{Feed, FeedError, Filter, Position, Tail, Viewer};
use kernel::{CampaignId, GuildId, PageQuery, Problem};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use super::stream::{Message, Slot, Source, Streams, last_event_id};

/// The most rows a stream may ask for, and what is read for all of them.
const MAX_ROWS: i64 = 100;
/// How many rows unless told.
const DEFAULT_ROWS: i64 = 20;
/// How often a board that nobody watches any more is noticed.
const LOOK_AROUND: Duration = Duration::from_secs(10);

/// A leaderboard at an instant.
#[derive(Debug)]
struct Board {
    position: Position,
    page: Leaderboard<Standing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    guild: GuildId,
    campaign: CampaignId,
    admin: bool,
}

type Watch = watch::Receiver<Option<Arc<Board>>>;

/// The boards that somebody watches. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Boards(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tail: Tail,
    interval: Duration,
    closing: CancellationToken,
    open: Mutex<HashMap<Key, Watch>>,
}

impl Boards {
    pub(super) fn new(tail: Tail, interval: Duration, closing: CancellationToken) -> Self {
        Self(Arc::new(Inner { tail, interval, closing, open: Mutex::default() }))
    }

    /// The board's watch; whoever asks first starts its task.
    fn watch(&self, pool: &PgPool, key: Key) -> Watch {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        // A closed one ended with an error: a new one may fare better.
        if let Some(watch) = open.get(&key).filter(|watch| watch.has_changed().is_ok()) {
            return watch.clone();
        }
        let (sender, watch) = watch::channel(None);
        open.insert(key, watch.clone());
        let (boards, pool) = (self.clone(), pool.clone());
        tokio::spawn(async move {
            let closing = boards.0.closing.clone();
            let work = boards.keep(&pool, key, &sender);
            if let Some(Err(error)) = closing.run_until_cancelled(work).await {
                tracing::warn!(%error, "a leaderboard's stream ends");
            }
        });
        watch
    }

    /// Keeps a board up to date while somebody watches it.
    async fn keep(
        &self,
        pool: &PgPool,
        key: Key,
        board: &watch::Sender<Option<Arc<Board>>>,
    ) -> Result<(), Problem> {
        let filter = Filter {
            event_types: Vec::new(),
            subject: Some(format!("campaigns/{}", key.campaign)),
            concerning: None,
            viewer: if key.admin { Viewer::Admin } else { Viewer::Public },
        };
        let mut feed = match Feed::open(&self.0.tail, key.guild, filter, None).await {
            Ok(feed) => feed,
            Err(FeedError::Stopped) => return Ok(()),
            Err(FeedError::Database(error)) => return Err(error.into()),
        };
        loop {
            let position = feed.position();
            let page = read(pool, key).await?;
            board.send_if_modified(|now| {
                let changed = now.as_ref().is_none_or(|now| now.page != page);
                if changed {
                    *now = Some(Arc::new(Board { position, page }));
                }
                changed
            });
            let again = Instant::now() + self.0.interval;
            if !self.event(&mut feed, key, board).await? {
                return Ok(());
            }
            // What comes until then is shown together.
            loop {
                tokio::select! {
                    () = sleep_until(again) => break,
                    event = feed.next() => match event {
                        Ok(_) => {}
                        Err(FeedError::Stopped) => return Ok(()),
                        Err(FeedError::Database(error)) => return Err(error.into()),
                    },
                }
            }
        }
    }

    /// Waits for an event; false when nobody watches any more, or the node stops.
    async fn event(
        &self,
        feed: &mut Feed,
        key: Key,
        board: &watch::Sender<Option<Arc<Board>>>,
    ) -> Result<bool, Problem> {
        loop {
            tokio::select! {
                event = feed.next() => return match event {
                    Ok(_) => Ok(true),
                    Err(FeedError::Stopped) => Ok(false),
                    Err(FeedError::Database(error)) => Err(error.into()),
                },
                () = tokio::time::sleep(LOOK_AROUND) => {
                    let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
                    // The map's own is the last. Under its lock nobody can come meanwhile.
                    if board.receiver_count() <= 1 {
                        open.remove(&key);
                        return Ok(false);
                    }
                }
            }
        }
    }
}

async fn read(pool: &PgPool, key: Key) -> Result<Leaderboard<Standing>, Problem> {
    let mut conn = db::acquire(pool).await?;
    let facts = challenges::campaign_find(&mut conn, key.guild, key.campaign).await?;
    let view = View::of(&facts, key.admin);
    let query = PageQuery { limit: Some(MAX_ROWS), cursor: None };
    Ok(leaderboard::page(&mut conn, &facts, view, &query).await?)
}

/// How much of the leaderboard to send.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct BoardQuery {
    /// How many rows, from the top: 1 to 100, 20 unless told.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
}

/// Watch a leaderboard
///
/// Server-sent events of type `leaderboard`: the first rows as they are, and again whenever they have changed, at most about
/// once a second. While the scoreboard is frozen, it stands still for all but admins.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/leaderboard/stream", tag = "leaderboards",
    operation_id = "leaderboard_stream",
    params(("guild_id" = GuildId, Path, description = "The guild: its Discord id."),
        ("campaign_id" = CampaignId, Path, description = "The campaign."), BoardQuery, ActingMember),
    responses((status = 200, description = "A stream without end.", body = String, content_type = "text/event-stream"), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn leaderboard_stream(
    State(app): State<App>,
    Extension(streams): Extension<Streams>,
    guild: InGuild<CampaignsRead>,
    Path((_, campaign)): Path<(GuildId, CampaignId)>,
    Query(query): Query<BoardQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let rows = match query.limit.unwrap_or(DEFAULT_ROWS) {
        rows @ 1..=MAX_ROWS => usize::try_from(rows).unwrap_or_default(),
        _ => return Err(Problem::field("limit", format!("must be between 1 and {MAX_ROWS}"))),
    };
    // Every stream begins with the board as it is, so there is nothing to make up for; but a wrong id is an error.
    last_event_id(&headers)?;
    let admin = Sight::of(&guild.actor, &headers)?.administers(CampaignsWrite::NAME);
    campaigns::ops::campaign_get(app.pool(), guild.guild_id, campaign, admin).await?;
    let slot = streams.slot("leaderboard", &guild.actor, guild.guild_id)?;
    let mut watch = streams.boards().watch(app.pool(), Key { guild: guild.guild_id, campaign, admin });
    // The first reader of the watch gets what is there already.
    watch.mark_changed();
    Ok(streams.respond(BoardStream { campaign, rows, watch, slot }, Message::hello()))
}

struct BoardStream {
    campaign: CampaignId,
    rows: usize,
    watch: Watch,
    slot: Slot,
}

impl Source for BoardStream {
    async fn next(&mut self) -> Option<Message> {
        loop {
            self.watch.changed().await.ok()?;
            let board = self.watch.borrow_and_update().clone();
            if let Some(board) = board {
                self.slot.sent();
                return Some(message(&board, self.campaign, self.rows));
            }
        }
    }
}

fn message(board: &Board, campaign: CampaignId, rows: usize) -> Message {
    let page = &board.page;
    let items = page.items.get(..rows).unwrap_or(&page.items);
    let data: Value = json!({
        "campaign_id": campaign,
        "scoring": page.scoring,
        "frozen_since": page.frozen_since,
        "final": page.is_final,
        "items": items,
    });
    Message::new(Some(&board.position.to_string()), "leaderboard", &data)
}
