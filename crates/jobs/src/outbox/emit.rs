//! Writing events.

use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::catalogue::{Audience, event_type};

/// A domain event that is about to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The guild it happens in.
    pub guild_id: GuildId,
    /// What happens, such as `campaign.started`: lower case, digits, dots and underscores, at most 64 characters.
    pub event_type: &'static str,
    /// What it happens to, such as `campaigns/0193a6b2-…`.
    pub subject: String,
    /// Ties together the events of one cause.
    pub correlation_id: Option<Uuid>,
    /// The member it concerns: only they and admins may see it. `None` for everyone, and for what its declaration says is for admins.
    pub user_id: Option<UserId>,
    /// Its data, as the event catalogue describes.
    pub payload: Value,
}

/// Writes events in the caller's transaction, in one statement and in their order. After the commit, call
/// [`Wake::outbox`](crate::Wake::outbox).
#[kernel::boxed]
pub async fn emit(connection: &mut PgConnection, events: &[Event]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    for event in events {
        super::catalogue::check_declared(event.event_type, &event.payload, event.user_id);
    }
    let guild_ids: Vec<i64> = events.iter().map(|event| event.guild_id.get()).collect();
    let event_types: Vec<String> = events.iter().map(|event| event.event_type.to_owned()).collect();
    let subjects: Vec<String> = events.iter().map(|event| event.subject.clone()).collect();
    let correlation_ids: Vec<Option<Uuid>> = events.iter().map(|event| event.correlation_id).collect();
    let user_ids: Vec<Option<i64>> = events.iter().map(|event| addressee(event).map(UserId::get)).collect();
    let payloads: Vec<Value> = events.iter().map(|event| event.payload.clone()).collect();
    // Made here: a version 7 id costs PostgreSQL before 18 as much as the rest of the row.
    let event_ids: Vec<Uuid> = events.iter().map(|_| Uuid::now_v7()).collect();
    // Rows are numbered in the order in which they come out of the sort.
    let result = sqlx::query!(
        "INSERT INTO jobs.outbox (transaction_id, event_id, guild_id, event_type, subject, correlation_id, user_id, payload)
         SELECT (SELECT jobs.outbox_order(pg_current_xact_id())), event_id, guild_id, event_type, subject, correlation_id, user_id, payload
           FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::text[]) AS event_type, unnest($3::text[]) AS subject,
                        unnest($4::uuid[]) AS correlation_id, unnest($5::bigint[]) AS user_id, unnest($6::jsonb[]) AS payload,
                        unnest($7::uuid[]) AS event_id, generate_series(1, cardinality($1)) AS n) t
          ORDER BY n",
        &guild_ids,
        &event_types,
        &subjects,
        &correlation_ids as &[Option<Uuid>],
        &user_ids as &[Option<i64>],
        &payloads,
        &event_ids,
    )
    .execute(connection)
    .await?;
    db::ensure_affected(&result, events.len() as u64)?;
    Ok(())
}

/// Whom the row is for: what is declared to be for admins is for the house, which no member is.
fn addressee(event: &Event) -> Option<UserId> {
    match event_type(event.event_type) {
        Some(declared) if declared.audience == Audience::Admins => Some(UserId::HOUSE),
        _ => event.user_id,
    }
}

/// Writes one event: see [`emit`].
#[kernel::boxed]
pub async fn emit_one(connection: &mut PgConnection, event: Event) -> Result<(), sqlx::Error> {
    emit(connection, std::slice::from_ref(&event)).await
}
