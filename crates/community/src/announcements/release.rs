//! Whose turn it is: at most so many a minute leave for a channel.

use std::collections::BTreeSet;

use ::jobs::schedule::JobError;
use ::jobs::timers::{At, Due, Handlers, Kind};
use ::jobs::{TimerError, outbox};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ChannelId, GuildId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::store;

/// How many announcements may leave for a channel within a minute.
pub const PER_MINUTE: usize = 3;
/// Rows removed by one run of the clean-up.
const CLEAN: i64 = 10_000;

/// A channel's next turn.
#[derive(Debug, Serialize, Deserialize)]
struct Turn {
    channel_id: ChannelId,
    at: DateTime<Utc>,
}

/// Looks at a channel again when its next turn comes. The key holds the instant: the timer that runs now still has its own.
const TURN: Kind<Turn> = Kind::once("community.announcements_release", |turn| {
    format!("{}:{}", turn.channel_id, turn.at.timestamp_micros())
});

/// The handlers of announcements' timers.
pub(crate) fn handlers() -> Handlers {
    Handlers::new().on(TURN, on_timer)
}

async fn on_timer(conn: &mut PgConnection, due: Due<Turn>) -> Result<(), TimerError> {
    release(conn, due.guild()?, due.payload.channel_id).await?;
    Ok(())
}

/// Sends off what may leave for these channels now, in the order of their keys.
pub(super) async fn release_all(
    conn: &mut PgConnection,
    channels: BTreeSet<(GuildId, ChannelId)>,
) -> Result<(), sqlx::Error> {
    for (guild, channel) in channels {
        release(&mut *conn, guild, channel).await?;
    }
    Ok(())
}

/// Sends off what may leave for a channel now, and comes back for the rest.
async fn release(conn: &mut PgConnection, guild: GuildId, channel: ChannelId) -> Result<(), sqlx::Error> {
    let now = store::channel_lock(&mut *conn, guild, channel).await?;
    store::suppress(&mut *conn, guild, channel).await?;
    let mut sent = store::sent_since(&mut *conn, guild, channel, now - TimeDelta::minutes(1)).await?;
    let free = PER_MINUTE.saturating_sub(sent.len());
    if free > 0 {
        let limit = i64::try_from(free).unwrap_or(0);
        let due = store::send_off(&mut *conn, guild, channel, now, limit).await?;
        let events: Vec<outbox::Event> = due
            .iter()
            .map(|one| outbox::Event {
                guild_id: guild,
                event_type: "announcement.due",
                subject: format!("announcements/{}", one.id),
                correlation_id: None,
                // For administrators and the face that posts it, and nobody else.
                user_id: None,
                payload: json!({
                    "announcement_id": one.id, "channel_id": channel, "kind": one.kind, "user_id": one.user_id,
                    "what": one.payload,
                }),
            })
            .collect();
        outbox::emit(&mut *conn, &events).await?;
        sent.splice(0..0, due.iter().map(|_| now));
    }
    let Some(waiting) = store::next_waiting(&mut *conn, guild, channel).await? else { return Ok(()) };
    let at = turn_after(&sent).map_or(waiting, |turn| turn.max(waiting));
    TURN.schedule(conn, Some(guild), At::At(at), &Turn { channel_id: channel, at }).await?;
    Ok(())
}

/// When the next may leave, after those that left, the latest first; `None` where it may leave at once.
fn turn_after(sent: &[DateTime<Utc>]) -> Option<DateTime<Utc>> {
    sent.get(PER_MINUTE - 1).map(|oldest_that_counts| *oldest_that_counts + TimeDelta::minutes(1))
}

/// Removes announcements that are a month past.
pub(crate) async fn clean(conn: &mut PgConnection) -> Result<Value, JobError> {
    Ok(json!({ "removed": store::clean(conn, CLEAN).await? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_minute_ever_holds_more_than_it_may(pauses in prop::collection::vec(0i64..40, 1..60)) {
            let (mut now, mut sent): (i64, Vec<DateTime<Utc>>) = (0, Vec::new());
            for pause in pauses {
                now += pause;
                let time = DateTime::from_timestamp(now, 0).unwrap();
                if turn_after(&sent).is_none_or(|turn| turn <= time) {
                    sent.insert(0, time);
                }
            }
            for window in sent.windows(PER_MINUTE + 1) {
                prop_assert!(window[0] - window[PER_MINUTE] >= TimeDelta::minutes(1));
            }
        }
    }
}
