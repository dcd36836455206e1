//! Starting, ending and rolling over: what happens to a guild's seasons as time goes on.

use ::jobs::timers::{At, Due, Handlers, Kind};
use ::jobs::{TimerError, outbox};
use chrono::{DateTime, Utc};
use kernel::GuildId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::model::{Season, SeasonState};
use super::{calendar, naming, repeat, store};
use crate::error::Error;

/// When a guild's seasons are looked at.
#[derive(Debug, Serialize, Deserialize)]
struct Turn {
    /// When one begins or ends.
    at: DateTime<Utc>,
}

/// Turns a guild's seasons when one begins or ends.
const TURN: Kind<Turn> = Kind::once("progress.season_turn", |turn| turn.at.timestamp_micros().to_string());

/// The handlers of this slice's season timers.
pub fn handlers() -> Handlers {
    Handlers::new().on(TURN, on_timer)
}

async fn on_timer(conn: &mut PgConnection, due: Due<Turn>) -> Result<(), TimerError> {
    let guild = due.guild()?;
    let now = calendar::lock(conn, guild).await.map_err(retry)?;
    turn(conn, guild, now).await.map_err(retry)?;
    Ok(())
}

fn retry(error: Error) -> TimerError {
    match error {
        Error::Database(error) => TimerError::from(error),
        other => TimerError::Retry(other.to_string()),
    }
}

/// Brings the guild's seasons to what they must be at `now`: ends what is over, starts what has begun, in the order of
/// time, and schedules the next turn. The caller holds the calendar's lock. Nothing happens where nothing is due.
#[kernel::boxed]
pub(super) async fn turn(conn: &mut PgConnection, guild: GuildId, now: DateTime<Utc>) -> Result<(), Error> {
    loop {
        let open = store::open(&mut *conn, guild).await?;
        let Some(season) = open.iter().find(|season| is_due(season, now)) else {
            return schedule(conn, &open).await;
        };
        if season.ends_at <= now {
            // Also one that was planned, and missed altogether: its events were counted all the same.
            end(conn, season, season.ends_at).await?;
        } else {
            start(conn, season).await?;
        }
    }
}

/// Whether something is to be done about a season: ends come before the starts of what follows, as seasons are by start.
fn is_due(season: &Season, now: DateTime<Utc>) -> bool {
    match season.state {
        SeasonState::Active => season.ends_at <= now,
        SeasonState::Planned => season.starts_at <= now,
        SeasonState::Ended => false,
    }
}

/// Ends a season at `ends_at` and archives its standings; returns how many there are.
#[kernel::boxed]
pub(super) async fn end(
    conn: &mut PgConnection,
    season: &Season,
    ends_at: DateTime<Utc>,
) -> Result<i64, Error> {
    let guild = season.guild_id;
    store::end(conn, guild, season.id, ends_at).await?;
    let standings = store::archive(conn, guild, season.id).await?;
    store::restart_counters(conn, guild, None).await?;
    let winners: Vec<_> = store::winners(conn, guild, season.id)
        .await?
        .into_iter()
        .map(|(user_id, rank, stars)| json!({ "user_id": user_id, "rank": rank, "stars": stars }))
        .collect();
    let payload = json!({
        "season_id": season.id, "name": season.name, "starts_at": season.starts_at, "ends_at": ends_at,
        "members": standings, "first": winners,
    });
    tell(conn, season, "season.ended", payload).await?;
    Ok(standings)
}

/// Starts a planned season, and makes its successor where it repeats.
pub(super) async fn start(conn: &mut PgConnection, season: &Season) -> Result<(), Error> {
    let guild = season.guild_id;
    store::start(conn, guild, season.id).await?;
    store::restart_counters(conn, guild, Some((season.starts_at, season.ends_at))).await?;
    if season.repeats
        && let Some(ends_at) = repeat::next_end(season.repeat_by, season.starts_at, season.ends_at)
    {
        let open = store::open(conn, guild).await?;
        let free = open.iter().all(|other| other.ends_at <= season.ends_at || other.starts_at >= ends_at);
        if free {
            let heir = store::Plan {
                name: &naming::successor(season, season.ends_at, &store::names(conn, guild).await?),
                starts_at: season.ends_at,
                ends_at,
                repeats: true,
                repeat_by: season.repeat_by,
                name_pattern: season.name_pattern.as_deref(),
            };
            store::insert(conn, guild, &heir).await?;
        }
    }
    let payload = json!({
        "season_id": season.id, "name": season.name, "starts_at": season.starts_at, "ends_at": season.ends_at,
    });
    tell(conn, season, "season.started", payload).await
}

async fn tell(
    conn: &mut PgConnection,
    season: &Season,
    event_type: &'static str,
    payload: serde_json::Value,
) -> Result<(), Error> {
    let event = outbox::Event {
        guild_id: season.guild_id,
        event_type,
        subject: format!("seasons/{}", season.id),
        correlation_id: None,
        user_id: None,
        payload,
    };
    Ok(outbox::emit_one(conn, event).await?)
}

/// Schedules the next turn. Earlier timers may be left over from before a change: they find nothing to do.
async fn schedule(conn: &mut PgConnection, open: &[Season]) -> Result<(), Error> {
    let next = open
        .iter()
        .map(|season| match season.state {
            SeasonState::Planned => (season.starts_at, season.guild_id),
            SeasonState::Active | SeasonState::Ended => (season.ends_at, season.guild_id),
        })
        .min();
    if let Some((at, guild)) = next {
        TURN.schedule(conn, Some(guild), At::At(at), &Turn { at }).await?;
    }
    Ok(())
}
