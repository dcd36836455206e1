//! What of a guild is kept in step with Discord, one guild at a time: who wishes it, whose turn it is, who is at it, and what came of it.
//!
//! Promises:
//! * A guild is in the hands of one node at a time; one whose node died is another's within minutes.
//! * What changes while somebody is at it is looked at afterwards.
//! * What failed says why, for those who run the guild to see, and is tried again within minutes.
//! * A wish is noted by whoever is asked, a bot or none; a node with a bot carries it out within seconds.

mod store;

use std::time::Duration;

use ::jobs::NodeHandle;
use access::Author;
use access::author::Deed;
use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, try_join_all};
use kernel::{ChannelId, GuildId, Problem};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::bot::Bot;

/// Guilds that are looked at together.
const AT_ONCE: i64 = 8;
/// How long one question to Discord waits for its turn.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long a command waits for a node that is at the same guild.
const WAIT: Duration = Duration::from_secs(8);
/// What a change on Discord waits for others, in seconds: channels are moved by the dozen.
pub(crate) const SOON: f64 = 1.0;
/// Over how many seconds guilds are spread that all come back at once.
pub(crate) const SPREAD: f64 = 300.0;

/// What is kept in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Categories, roles and channels for announcements follow Discord's.
    Setup,
    /// Rules of Discord's own `AutoMod` follow ours.
    Automod,
}

impl Kind {
    /// The word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Automod => "automod",
        }
    }

    /// Whether something has to be done on Discord when a guild does not wish it any more.
    const fn is_taken_back(self) -> bool {
        matches!(self, Self::Automod)
    }
}

/// What a guild wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Wish {
    /// Whether it is to be kept in step.
    pub(crate) wanted: bool,
    /// Of a set-up: the channel for what is announced nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel_id: Option<ChannelId>,
}

/// A guild that somebody has in hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// What it wishes.
    pub(crate) wish: Wish,
    /// Until when.
    until: DateTime<Utc>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Why it is not in step.
    pub(crate) error: Option<String>,
    /// A number for what Discord was told.
    pub(crate) version: Option<i64>,
    /// What was seen there besides.
    pub(crate) found: Option<Value>,
}

impl Outcome {
    /// Whether it is in step, or why not.
    pub(crate) fn of<T>(done: &Result<T, Problem>) -> Self {
        let why = |problem: &Problem| match problem.status() {
            500 => "Something went wrong on our side; the log says what.".to_owned(),
            _ => problem.to_string(),
        };
        Self { error: done.as_ref().err().map(why), ..Self::default() }
    }
}

kernel::decl_words! {
    /// How it stands.
    #[schema(as = DiscordSyncStatus)]
    pub enum SyncStatus {
        /// Nothing is kept in step.
        Off = "off",
        /// A bot is at it, or will be within seconds.
        Pending = "pending",
        /// Everything was in step when Discord was asked last.
        InStep = "in_step",
        /// It could not be brought in step; it is tried again.
        Failed = "failed",
    }
}

/// How something of a guild is kept in step with Discord.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiscordSync)]
pub struct SyncState {
    /// How it stands.
    pub status: SyncStatus,
    /// Whether the guild wishes it.
    pub wanted: bool,
    /// Whether there is a bot. Without one it stays `pending`.
    pub has_bot: bool,
    /// When Discord was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<DateTime<Utc>>,
    /// When everything was in step last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_at: Option<DateTime<Utc>>,
    /// When Discord is asked next, unless something changes before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<DateTime<Utc>>,
    /// Why it was not in step when Discord was asked last, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What is known of a guild.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) sync: SyncState,
    pub(crate) channel_id: Option<ChannelId>,
    pub(crate) found: Option<Value>,
}

/// What is known of a guild.
pub(crate) async fn known(
    conn: &mut PgConnection,
    guild: GuildId,
    kind: Kind,
    has_bot: bool,
) -> sqlx::Result<Known> {
    let Some(row) = store::get(conn, guild, kind).await? else {
        let sync = SyncState {
            status: SyncStatus::Off,
            wanted: false,
            has_bot,
            looked_at: None,
            done_at: None,
            next_at: None,
            error: None,
        };
        return Ok(Known { sync, channel_id: None, found: None });
    };
    let status = match (&row.error, row.is_due, row.wish.wanted) {
        (Some(_), ..) => SyncStatus::Failed,
        (None, true, _) => SyncStatus::Pending,
        (None, false, true) => SyncStatus::InStep,
        (None, false, false) => SyncStatus::Off,
    };
    let sync = SyncState {
        status,
        wanted: row.wish.wanted,
        has_bot,
        looked_at: row.looked_at,
        done_at: row.done_at,
        next_at: row.next_at,
        error: row.error,
    };
    Ok(Known { sync, channel_id: row.wish.channel_id, found: row.found })
}

/// Notes what a guild wishes, and has it looked at; tells whether there is, or was, anything to be brought in step. Audited where it is another
/// wish than before.
pub(crate) async fn wish(
    pool: &PgPool,
    guild: GuildId,
    kind: Kind,
    wish: Wish,
    author: Author<'_>,
) -> Result<bool, Problem> {
    let mut tx = db::begin(pool).await?;
    people::guild_ensure(&mut tx, guild, None).await?;
    let before = store::wish(&mut tx, guild, kind).await?;
    // Who does not have it does not give it up.
    if wish.wanted || before.is_some_and(|before| before.wanted) {
        store::put(&mut tx, guild, kind, wish).await?;
        if before != Some(wish) {
            let deed = Deed::new("UPDATE", "discord.syncs", kind.as_str()).after(wish);
            let deed = match before {
                Some(before) => deed.before(before),
                None => deed,
            };
            deed.record(&mut tx, guild, author).await?;
        }
    }
    tx.commit().await?;
    Ok(wish.wanted || before.is_some())
}

/// Something changed on Discord: the guild is looked at within so many seconds, if it wishes it.
pub(crate) async fn stale(
    conn: &mut PgConnection,
    guild: GuildId,
    kind: Kind,
    within: f64,
) -> sqlx::Result<()> {
    store::stale(conn, guild, kind, within).await
}

/// Takes a guild whose turn it is by somebody's word, once nobody else has it in hand.
pub(crate) async fn take(pool: &PgPool, guild: GuildId, kind: Kind) -> Result<Held, Problem> {
    let began = tokio::time::Instant::now();
    loop {
        if let Some(held) = store::hold(pool, guild, kind, false).await? {
            return Ok(held);
        }
        if began.elapsed() > WAIT {
            return Err(Problem::conflict(
                "It is noted, and being brought in step this very moment. Look again soon.",
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Whoever took a guild is done with it.
pub(crate) async fn settle(
    pool: &PgPool,
    guild: GuildId,
    kind: Kind,
    held: &Held,
    outcome: &Outcome,
) -> sqlx::Result<()> {
    if let Some(why) = &outcome.error {
        tracing::info!(%guild, kind = kind.as_str(), why, "a server is not in step with Discord yet");
    }
    store::let_go(pool, guild, kind, held, outcome).await
}

/// Makes those due whose version is another than when Discord was told last.
pub(crate) async fn changed(pool: &PgPool, kind: Kind, versions: &[(GuildId, i64)]) -> sqlx::Result<()> {
    store::changed(pool, kind, versions).await
}

/// Guilds that wish it.
pub(crate) async fn wishing(pool: &PgPool, kind: Kind) -> sqlx::Result<Vec<GuildId>> {
    store::wishing(pool, kind).await
}

/// Brings a guild in step, and settles it.
pub(crate) type Look = for<'a> fn(&'a Bot, GuildId, Held) -> BoxFuture<'a, Result<(), Problem>>;

/// Looks at guilds whose turn it is, and tells how many these were.
pub(crate) async fn turns(bot: &Bot, kind: Kind, look: Look) -> Result<usize, Problem> {
    let pool = bot.app().pool();
    let due = store::due(pool, kind, AT_ONCE).await?;
    let turns = due.into_iter().map(|guild| async move {
        // Another node may have been before.
        let Some(held) = store::hold(pool, guild, kind, true).await? else { return Ok(false) };
        look(bot, guild, held).await?;
        Ok::<_, Problem>(true)
    });
    let done = try_join_all(turns).await?;
    Ok(done.into_iter().filter(|done| *done).count())
}

/// A round of looking, which tells how many guilds it was about.
pub(crate) type Round = for<'a> fn(&'a Bot) -> BoxFuture<'a, Result<usize, Problem>>;

/// Goes round until the node stops.
pub(crate) fn spawn(bot: Bot, node: &NodeHandle, kind: Kind, every: Duration, round: Round) {
    let workers = node.clone();
    let mut node = node.clone();
    drop(workers.spawn(async move {
        while node.ready().await {
            if let Err(error) = round(&bot).await {
                let kind = kind.as_str();
                tracing::warn!(%error, kind, "guilds that are to be brought in step with Discord cannot be read");
            }
            let _ = tokio::time::timeout(every, node.stopping().cancelled()).await;
        }
    }));
}
