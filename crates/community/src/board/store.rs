//! SQL over the board. Callers own the connection and the transaction.

use chrono::{DateTime, Utc};
use kernel::{GuildId, Limit, UserId};
use sqlx::PgConnection;

use super::model::{BoardQuest, BoardStatus, NewBoardQuest};
use crate::error::Error;
use crate::ids::BoardQuestId;

struct Row {
    id: BoardQuestId,
    guild_id: GuildId,
    title: String,
    description: String,
    xp_reward: i32,
    gold_reward: i32,
    status: String,
    github_issue_url: Option<String>,
    active: bool,
    claimed_by: Option<UserId>,
    claimed_at: Option<DateTime<Utc>>,
    claim_expires_at: Option<DateTime<Utc>>,
    claim_hours: Option<i32>,
    expires_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for BoardQuest {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            guild_id: row.guild_id,
            title: row.title,
            description: row.description,
            xp_reward: row.xp_reward,
            gold_reward: row.gold_reward,
            status: BoardStatus::from_column(&row.status)?,
            github_issue_url: row.github_issue_url,
            active: row.active,
            claimed_by: row.claimed_by,
            claimed_at: row.claimed_at,
            claim_expires_at: row.claim_expires_at,
            claim_hours: row.claim_hours,
            expires_at: row.expires_at,
            completed_at: row.completed_at,
            created_at: row.created_at,
        })
    }
}

/// What a list is asked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) only: Option<BoardQuestId>,
    pub(super) status: Option<BoardStatus>,
    pub(super) claimed_by: Option<UserId>,
    pub(super) with_removed: bool,
    pub(super) before: Option<BoardQuestId>,
}

/// Quests of the guild, the latest first, one more than the page holds.
pub(super) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    wanted: &Wanted,
    limit: Limit,
) -> Result<Vec<BoardQuest>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: BoardQuestId", guild_id AS "guild_id: GuildId", title, description, xp_reward, gold_reward,
                  status, github_issue_url, active, claimed_by AS "claimed_by: UserId", claimed_at, claim_expires_at,
                  claim_hours, expires_at, completed_at, created_at
             FROM community.quests
            WHERE guild_id = $1 AND ($2::int IS NULL OR id = $2) AND ($3::text IS NULL OR status = $3)
              AND ($4::bigint IS NULL OR claimed_by = $4) AND (active OR $5) AND ($6::int IS NULL OR id < $6)
            ORDER BY id DESC LIMIT $7"#,
        guild.get(),
        wanted.only.map(BoardQuestId::get),
        wanted.status.map(BoardStatus::as_str),
        wanted.claimed_by.map(UserId::get),
        wanted.with_removed,
        wanted.before.map(BoardQuestId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(BoardQuest::try_from).collect::<sqlx::Result<_>>()?)
}

/// Locks a quest; false where the guild has no such one.
pub(super) async fn lock(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: BoardQuestId,
) -> Result<bool, Error> {
    let found = sqlx::query!(
        "SELECT id FROM community.quests WHERE guild_id = $1 AND id = $2 FOR UPDATE",
        guild.get(),
        quest.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Posts a quest.
pub(super) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewBoardQuest,
    xp_reward: i32,
    by: Option<UserId>,
) -> Result<BoardQuestId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO community.quests (guild_id, title, description, xp_reward, gold_reward, github_issue_url,
                                         claim_hours, expires_at, created_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id AS "id: BoardQuestId""#,
        guild.get(),
        new.title,
        new.description,
        xp_reward,
        new.gold_reward,
        new.github_issue_url,
        new.claim_hours,
        new.expires_at,
        by.map(UserId::get),
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Writes what may be changed of a quest.
pub(super) async fn update(conn: &mut PgConnection, quest: &BoardQuest) -> Result<(), Error> {
    let done = sqlx::query!(
        r#"UPDATE community.quests
              SET title = $3, description = $4, xp_reward = $5, gold_reward = $6, github_issue_url = $7,
                  claim_hours = $8, expires_at = $9, active = $10
            WHERE guild_id = $1 AND id = $2"#,
        quest.guild_id.get(),
        quest.id.get(),
        quest.title,
        quest.description,
        quest.xp_reward,
        quest.gold_reward,
        quest.github_issue_url,
        quest.claim_hours,
        quest.expires_at,
        quest.active,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Claims an open quest for a member; false when it is not open any more.
pub(super) async fn claim(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: BoardQuestId,
    user: UserId,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE community.quests
              SET status = 'claimed', claimed_by = $3, claimed_at = clock_timestamp(),
                  claim_expires_at = clock_timestamp() + make_interval(hours => claim_hours)
            WHERE guild_id = $1 AND id = $2 AND status = 'open' AND active
              AND (expires_at IS NULL OR expires_at > clock_timestamp())"#,
        guild.get(),
        quest.get(),
        user.get(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Opens a claimed quest again; false when it is not claimed, or not by `only`.
pub(super) async fn release(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: BoardQuestId,
    only: Option<UserId>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE community.quests
              SET status = 'open', claimed_by = NULL, claimed_at = NULL, claim_expires_at = NULL
            WHERE guild_id = $1 AND id = $2 AND status = 'claimed' AND ($3::bigint IS NULL OR claimed_by = $3)"#,
        guild.get(),
        quest.get(),
        only.map(UserId::get),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Accepts a claimed quest as done; false when it is not claimed.
pub(super) async fn complete(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: BoardQuestId,
    by: Option<UserId>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE community.quests
              SET status = 'complete', completed_at = clock_timestamp(), completed_by = $3, claim_expires_at = NULL
            WHERE guild_id = $1 AND id = $2 AND status = 'claimed'"#,
        guild.get(),
        quest.get(),
        by.map(UserId::get),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A quest that somebody no longer works on.
pub(super) struct Released {
    pub(super) guild_id: GuildId,
    pub(super) id: BoardQuestId,
    pub(super) title: String,
    pub(super) user_id: UserId,
}

/// Opens quests whose claim lapsed, of all guilds.
pub(super) async fn lapse(conn: &mut PgConnection) -> Result<Vec<Released>, sqlx::Error> {
    sqlx::query_as!(
        Released,
        r#"WITH due AS (
               SELECT guild_id, id, claimed_by FROM community.quests
                WHERE claim_expires_at <= now() ORDER BY guild_id, id LIMIT 1000 FOR UPDATE SKIP LOCKED
           )
           UPDATE community.quests q
              SET status = 'open', claimed_by = NULL, claimed_at = NULL, claim_expires_at = NULL
             FROM due WHERE q.guild_id = due.guild_id AND q.id = due.id
           RETURNING q.guild_id AS "guild_id: GuildId", q.id AS "id: BoardQuestId", q.title,
                     due.claimed_by AS "user_id!: UserId""#,
    )
    .fetch_all(conn)
    .await
}

/// Opens the quests that a member works on.
pub(super) async fn release_all_of(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Vec<Released>, sqlx::Error> {
    sqlx::query_as!(
        Released,
        r#"UPDATE community.quests
              SET status = 'open', claimed_by = NULL, claimed_at = NULL, claim_expires_at = NULL
            WHERE guild_id = $1 AND claimed_by = $2 AND status = 'claimed'
           RETURNING guild_id AS "guild_id: GuildId", id AS "id: BoardQuestId", title, $2 AS "user_id!: UserId""#,
        guild.get(),
        user.get(),
    )
    .fetch_all(conn)
    .await
}

/// Takes quests off the boards whose time is over and that nobody has taken on; returns how many.
pub(super) async fn expire(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"WITH due AS (
               SELECT guild_id, id FROM community.quests
                WHERE expires_at <= now() AND active AND status = 'open'
                ORDER BY guild_id, id LIMIT 1000 FOR UPDATE SKIP LOCKED
           )
           UPDATE community.quests q SET active = false FROM due WHERE q.guild_id = due.guild_id AND q.id = due.id"#,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
