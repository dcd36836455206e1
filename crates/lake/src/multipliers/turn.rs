//! Telling of timed events: that they are planned, begin, end.
//!
//! A timer waits for each start and each end. It speaks only if the event still starts, or ends, at that very instant: who moved or
//! called it off said so then. Instants that have passed do not move any more, so that each is told once.

use ::jobs::timers::{At, Due, Handlers, Kind};
use ::jobs::{TimerError, outbox};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::model::MultiplierEvent;
use super::store;
use crate::error::Error;
use crate::ids::MultiplierEventId;

/// A start or an end that a timer waits for.
#[derive(Debug, Serialize, Deserialize)]
struct Turn {
    event_id: MultiplierEventId,
    at: DateTime<Utc>,
}

const TURN: Kind<Turn> =
    Kind::once("lake.multiplier_turn", |turn| format!("{}:{}", turn.event_id, turn.at.timestamp_micros()));

/// The handlers of these timers.
pub(crate) fn handlers() -> Handlers {
    Handlers::new().on(TURN, on_timer)
}

async fn on_timer(conn: &mut PgConnection, due: Due<Turn>) -> Result<(), TimerError> {
    let (guild, turn) = (due.guild()?, due.payload);
    let retry = |error: Error| match error {
        Error::Database(error) => TimerError::from(error),
        other => TimerError::Retry(other.to_string()),
    };
    // Locked: who moves or calls it off comes before us or after.
    let Some((event, _)) = store::lock(conn, guild, turn.event_id).await.map_err(retry)? else {
        return Ok(());
    };
    // The database counts in microseconds.
    let is_now = |at: DateTime<Utc>| at.timestamp_micros() == turn.at.timestamp_micros();
    let what = match event.active {
        true if is_now(event.starts_at) => "multiplier.started",
        true if is_now(event.ends_at) => "multiplier.ended",
        _ => return Ok(()),
    };
    let figures = figures(&event);
    tell(conn, &event, what, figures).await.map_err(retry)
}

/// Waits for the start, if it is still to come, and for the end.
pub(super) async fn schedule(
    conn: &mut PgConnection,
    event: &MultiplierEvent,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let turns = [event.starts_at, event.ends_at].map(|at| Turn { event_id: event.id, at });
    let to_come = turns.iter().filter(|turn| turn.at > now);
    TURN.schedule_all(conn, to_come.map(|turn| (Some(event.guild_id), At::At(turn.at), turn))).await?;
    Ok(())
}

/// What everybody may know of an event.
pub(super) fn figures(event: &MultiplierEvent) -> Value {
    json!({
        "event_id": event.id, "name": event.name, "xp_multiplier": event.xp_multiplier,
        "star_multiplier": event.star_multiplier, "starts_at": event.starts_at, "ends_at": event.ends_at,
    })
}

/// Tells something of an event.
pub(super) async fn tell(
    conn: &mut PgConnection,
    event: &MultiplierEvent,
    event_type: &'static str,
    payload: Value,
) -> Result<(), Error> {
    let event = outbox::Event {
        guild_id: event.guild_id,
        event_type,
        subject: format!("multiplier_events/{}", event.id),
        correlation_id: None,
        user_id: None,
        payload,
    };
    Ok(outbox::emit_one(conn, event).await?)
}
