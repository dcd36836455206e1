//! Reading events that are committed and can no longer be preceded by others.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Position, topics::concerned};

/// An event as it stands in the outbox.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stored {
    /// Its place in the order.
    pub position: Position,
    /// Its id for the outside world: deliveries repeat, this does not.
    pub event_id: Uuid,
    /// The guild it happened in.
    pub guild_id: GuildId,
    /// What happened, such as `campaign.started`.
    pub event_type: String,
    /// What it happened to, such as `campaigns/0193a6b2-…`.
    pub subject: String,
    /// Ties together the events of one cause.
    pub correlation_id: Option<Uuid>,
    /// The member it concerns, when it is not for everyone.
    pub user_id: Option<UserId>,
    /// Its data.
    pub payload: Value,
    /// When it happened.
    pub created_at: DateTime<Utc>,
}

impl Stored {
    /// The event as it is sent outside: in the envelope of `CloudEvents` 1.0.
    pub fn cloud_event(&self) -> Value {
        serde_json::json!({
            "specversion": "1.0",
            "id": self.event_id,
            "type": self.event_type,
            "source": format!("/guilds/{}", self.guild_id),
            "subject": self.subject,
            "time": self.created_at,
            "guild_id": self.guild_id,
            "correlation_id": self.correlation_id,
            "data": self.payload,
        })
    }
}

/// Who reads, and so which events about single members they may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Viewer {
    /// Sees everything.
    Admin,
    /// Sees what is for everyone, and what concerns them.
    Member(UserId),
    /// Sees what is for everyone.
    #[default]
    Public,
}

/// Which events of a guild a reader wants and may see.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only these types; all when empty.
    pub event_types: Vec<String>,
    /// Only events whose subject is this or lies below it: `campaigns/x` has `campaigns/x/challenges/y` below it. All when
    /// `None`.
    pub subject: Option<String>,
    /// Only events that concern this member: that are for them, or name them. All when `None`.
    pub concerning: Option<UserId>,
    /// Who reads.
    pub viewer: Viewer,
}

impl Filter {
    /// Everything that `viewer` may see.
    pub fn all(viewer: Viewer) -> Self {
        Self { viewer, ..Self::default() }
    }

    /// Whether the reader gets this event. The same rule as in [`read_after`].
    pub fn matches(&self, event: &Stored) -> bool {
        let visible = match (event.user_id, self.viewer) {
            (None, _) | (_, Viewer::Admin) => true,
            (Some(concerned), Viewer::Member(member)) => concerned == member,
            (Some(_), Viewer::Public) => false,
        };
        visible
            && self.concerning.is_none_or(|member| concerned(event).contains(&member))
            && (self.event_types.is_empty() || self.event_types.contains(&event.event_type))
            && self.subject.as_deref().is_none_or(|subject| {
                event
                    .subject
                    .strip_prefix(subject)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || subject.ends_with('/'))
            })
    }
}

/// A row as SQL gives it: `xid8` travels as text, since sqlx does not know it.
pub(super) struct Row {
    pub(super) transaction_id: String,
    pub(super) id: i64,
    pub(super) event_id: Uuid,
    pub(super) guild_id: i64,
    pub(super) event_type: String,
    pub(super) subject: String,
    pub(super) correlation_id: Option<Uuid>,
    pub(super) user_id: Option<i64>,
    pub(super) payload: Value,
    pub(super) created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Stored {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            position: Position { transaction_id: parse_xid(&row.transaction_id)?, id: row.id },
            event_id: row.event_id,
            guild_id: GuildId::new(row.guild_id),
            event_type: row.event_type,
            subject: row.subject,
            correlation_id: row.correlation_id,
            user_id: row.user_id.map(UserId::new),
            payload: row.payload,
            created_at: row.created_at,
        })
    }
}

pub(super) fn parse_xid(text: &str) -> Result<u64, sqlx::Error> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// The position before which nothing can be added any more: every event before it is committed and visible. A reader who
/// wants only what happens from now on starts here.
pub async fn horizon(connection: &mut PgConnection) -> Result<Position, sqlx::Error> {
    let transaction_id = sqlx::query_scalar!(
        r#"SELECT jobs.outbox_order(pg_snapshot_xmin(pg_current_snapshot()))::text AS "xmin!""#
    )
    .fetch_one(connection)
    .await?;
    // Ids begin at 1, so 0 stands before the first event of that transaction.
    Ok(Position { transaction_id: parse_xid(&transaction_id)?, id: 0 })
}

/// The last event that was cleared away: who read only what came before it may have missed some. `None` while all are there.
pub async fn pruned(connection: &mut PgConnection) -> Result<Option<Position>, sqlx::Error> {
    let row = sqlx::query!(r#"SELECT transaction_id::text AS "transaction_id!", id FROM jobs.outbox_pruned"#)
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok(Position { transaction_id: parse_xid(&row.transaction_id)?, id: row.id })).transpose()
}

/// At most `limit` events of a guild after `after` that the filter lets through, in order. Fewer than `limit` means that
/// there are no more for now.
pub async fn read_after(
    connection: &mut PgConnection,
    guild: GuildId,
    after: Position,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    let (sees_all, member) = match filter.viewer {
        Viewer::Admin => (true, None),
        Viewer::Member(member) => (false, Some(member.get())),
        Viewer::Public => (false, None),
    };
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT transaction_id::text AS "transaction_id!", id, event_id, guild_id, event_type, subject, correlation_id,
                  user_id, payload, created_at
             FROM jobs.outbox
            WHERE guild_id = $1
              AND (transaction_id, id) > ($2::text::xid8, $3::bigint)
              AND transaction_id < (SELECT jobs.outbox_order(pg_snapshot_xmin(pg_current_snapshot())))
              AND (cardinality($4::text[]) = 0 OR event_type = ANY($4))
              AND ($5::text IS NULL OR subject = $5 OR starts_with(subject, rtrim($5, '/') || '/'))
              AND (user_id IS NULL OR $6 OR user_id = $7)
              AND ($9::bigint IS NULL OR user_id = $9 OR subject = 'members/' || $9::text
                   OR $9::text IN (payload->>'user_id', payload->>'giver_id', payload->>'receiver_id',
                                   payload->>'participant_id'))
            ORDER BY transaction_id, id
            LIMIT $8"#,
        guild.get(),
        after.transaction_id.to_string(),
        after.id,
        &filter.event_types,
        filter.subject,
        sees_all,
        member,
        limit,
        filter.concerning.map(UserId::get),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// At most `limit` events of these types that name one member, newest first, before a position or from the newest on: those that are for
/// them alone, and those for everyone that name them as `user_id`. An index leads to them, however much else happens in the guild. All that
/// is committed is there: what commits late stands below what was read before, so who remembers how far they read goes by [`horizon`].
pub async fn read_of_member(
    connection: &mut PgConnection,
    (guild, member): (GuildId, UserId),
    event_types: &[String],
    before: Option<Position>,
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    let before = before.unwrap_or(Position { transaction_id: u64::MAX, id: i64::MAX });
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT transaction_id::text AS "transaction_id!", id, event_id, guild_id, event_type, subject, correlation_id,
                  user_id, payload, created_at
             FROM jobs.outbox
            WHERE guild_id = $1 AND coalesce(user_id::text, payload->>'user_id') = $2
              AND (transaction_id, id) < ($3::text::xid8, $4::bigint)
              AND event_type = ANY ($5)
            ORDER BY transaction_id DESC, id DESC
            LIMIT $6"#,
        guild.get(),
        member.to_string(),
        before.transaction_id.to_string(),
        before.id,
        event_types,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// The same for all guilds, unfiltered.
pub(super) async fn read_all_after(
    connection: &mut PgConnection,
    after: Position,
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT transaction_id::text AS "transaction_id!", id, event_id, guild_id, event_type, subject, correlation_id,
                  user_id, payload, created_at
             FROM jobs.outbox
            WHERE (transaction_id, id) > ($1::text::xid8, $2::bigint)
              AND transaction_id < (SELECT jobs.outbox_order(pg_snapshot_xmin(pg_current_snapshot())))
            ORDER BY transaction_id, id
            LIMIT $3"#,
        after.transaction_id.to_string(),
        after.id,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Stored::try_from).collect()
}
