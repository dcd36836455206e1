//! What happened for a member, as the outbox has it: what others gave, decided or did, not what they did themselves.
//!
//! Nothing is written when it happens: events are, and are kept for 30 days. All that is kept of a member is how far they have read.

use std::sync::LazyLock;

use access::Actor;
use chrono::{DateTime, Utc};
use jobs::outbox::{Position, Stored, event_type, horizon, read_of_member};
use kernel::fields::Wrong;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::error::Error;

/// The types of events that happen for somebody. Each names them as `user_id`, or is for them alone.
pub const TYPES: &[&str] = &[
    "achievement.earned",
    "achievement.revoked",
    "assessment.extended",
    "assessment.graded",
    "assessment.review_assigned",
    "assessment.review_wanted",
    "board.quest_completed",
    "board.quest_released",
    "bytes.awarded",
    "bytes.fined",
    "bytes.transferred",
    "credential.issued",
    "credential.revoked",
    "insight.reviews_due",
    "learning.challenge_unlocked",
    "learning.chapter_completed",
    "learning.path_completed",
    "learning.quest_completed",
    "member.awarded",
    "member.levelled_up",
    "moderation.appeal_decided",
    "moderation.sanctioned",
    "reward.reminder",
    "role_reward.granted",
    "shop.settled",
    "skill.levelled_up",
];

/// The most that are counted: of more it is only said that there are more.
pub const MOST_COUNTED: i64 = 100;

/// Something that happened for a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    /// Where it stands: the `id` that streams of events know it by.
    #[schema(pattern = "^[0-9]{1,20}-[0-9]{1,19}$", example = "7231-88")]
    pub id: String,
    /// What happened, such as `achievement.earned`, as the catalogue of events lists it.
    pub event_type: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether they have not read it yet.
    pub unread: bool,
    /// The event's data.
    pub data: Value,
}

/// A page of what happened for a member, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Notices {
    /// How many they have not read yet, on all pages; 100 means that many and more.
    pub unread: i64,
    /// What happened.
    pub items: Vec<Notice>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How far a member has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenNotices {
    /// The `id` of the newest that they have read; what is older is read, too.
    #[schema(pattern = "^[0-9]{1,9}-[0-9]{1,9}$", example = "1-1")]
    pub up_to: String,
}

/// The types that who looks may read.
pub fn types_for(actor: &Actor) -> Vec<String> {
    static DECLARED: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
        TYPES.iter().filter_map(|name| event_type(name).map(|declared| (*name, declared.read))).collect()
    });
    DECLARED.iter().filter(|(_, read)| actor.has(read)).map(|(name, _)| (*name).to_owned()).collect()
}

/// What happened for a member, of these types, newest first.
#[kernel::boxed]
pub async fn notices(
    pool: &PgPool,
    (guild, user): (GuildId, UserId),
    types: &[String],
    query: &PageQuery,
) -> Result<Notices, Problem> {
    let (limit, before) = (query.limit()?, query.after::<Position>()?);
    let mut conn = db::acquire(pool).await?;
    let (seen, unread) = read_so_far(&mut conn, guild, user, types).await?;
    let rows = read_of_member(&mut conn, (guild, user), types, before, limit.plus_one()).await?;
    let page = Page::new(rows, limit, |row: &Stored| row.position).map(|row| Notice {
        id: row.position.to_string(),
        unread: row.position > seen,
        event_type: row.event_type,
        at: row.created_at,
        data: row.payload,
    });
    Ok(Notices { unread, items: page.items, next: page.next })
}

/// How far a member has read, and how much there is since.
async fn read_so_far(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    types: &[String],
) -> Result<(Position, i64), Error> {
    let row = sqlx::query!(
        r#"SELECT coalesce(p.seen_transaction_id, '0'::xid8)::text AS "transaction_id!", coalesce(p.seen_id, 0) AS "id!",
                  (SELECT count(*) FROM (
                      SELECT 1 FROM jobs.outbox o
                       WHERE o.guild_id = $1 AND coalesce(o.user_id::text, o.payload->>'user_id') = $2::bigint::text
                         AND (o.transaction_id, o.id) > (coalesce(p.seen_transaction_id, '0'::xid8), coalesce(p.seen_id, 0))
                         AND o.event_type = ANY ($3) LIMIT $4) n) AS "unread!"
             FROM people.members m
             LEFT JOIN people.user_preferences p ON p.guild_id = m.guild_id AND p.user_id = m.user_id
            WHERE m.guild_id = $1 AND m.user_id = $2"#,
        guild.get(),
        user.get(),
        types,
        MOST_COUNTED,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::UnknownMember(user))?;
    let transaction_id = row.transaction_id.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok((Position { transaction_id, id: row.id }, row.unread))
}

/// Keeps how far a member has read, unless they have read further before. Repeating it changes nothing. Not further than to where nothing
/// can come in between any more: what a transaction writes that still runs is not read before anybody saw it.
pub async fn notices_seen(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    seen: &SeenNotices,
) -> Result<(), Error> {
    let wrong = |_| Wrong::new("up_to", "must be the id of what was read, such as 123-456");
    let up_to: Position = seen.up_to.parse().map_err(wrong)?;
    let mut tx = db::begin(pool).await?;
    let up_to = up_to.min(horizon(&mut tx).await?);
    let done = sqlx::query!(
        r#"INSERT INTO people.user_preferences AS p (guild_id, user_id, seen_transaction_id, seen_id)
           SELECT guild_id, user_id, $3::text::xid8, $4 FROM people.members WHERE guild_id = $1 AND user_id = $2
           ON CONFLICT ON CONSTRAINT pk_user_preferences DO UPDATE
              SET (seen_transaction_id, seen_id) = (
                  SELECT f.transaction_id, f.id
                    FROM (VALUES (p.seen_transaction_id, p.seen_id), (excluded.seen_transaction_id, excluded.seen_id))
                         AS f (transaction_id, id)
                   WHERE f.id IS NOT NULL ORDER BY f.transaction_id DESC, f.id DESC LIMIT 1)"#,
        guild.get(),
        user.get(),
        up_to.transaction_id.to_string(),
        up_to.id,
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::UnknownMember(user));
    }
    tx.commit().await?;
    Ok(())
}
