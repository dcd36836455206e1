//! Which season a time belongs to.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::GuildId;
use sqlx::PgConnection;

use crate::error::Error;
use crate::ids::SeasonId;

/// The seasons of a guild as windows of time: planned, running and past ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// By start; they do not overlap. Each holds its start, and not its end.
    windows: Vec<(DateTime<Utc>, DateTime<Utc>, SeasonId)>,
    active: Option<SeasonId>,
}

impl Calendar {
    /// The calendar with these windows (start, end, season), of which one may be running.
    pub fn new(mut windows: Vec<(DateTime<Utc>, DateTime<Utc>, SeasonId)>, active: Option<SeasonId>) -> Self {
        windows.sort_unstable();
        Self { windows, active }
    }

    /// The season that what happened at `time` belongs to, whenever it became known; `None` between seasons.
    pub fn at(&self, time: DateTime<Utc>) -> Option<SeasonId> {
        let after = self.windows.partition_point(|(start, _, _)| *start <= time);
        let (_, end, season) = self.windows.get(after.checked_sub(1)?)?;
        (time < *end).then_some(*season)
    }

    /// The season that runs, whose counters are called "season".
    pub fn active(&self) -> Option<SeasonId> {
        self.active
    }
}

/// The calendars of these guilds; every guild asked for is in the answer. Call it first in the transaction that counts
/// events: until the commit, no season of these guilds is rolled over, started or moved.
#[kernel::boxed]
pub async fn calendars(
    conn: &mut PgConnection,
    guilds: &[GuildId],
) -> Result<BTreeMap<GuildId, Calendar>, Error> {
    let mut ids: Vec<i64> = guilds.iter().map(|guild| guild.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    // A statement of its own: the next one's snapshot must come after the lock. In the order of guilds, as everybody.
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock_shared(hashtextextended('progress.seasons:' || g.id, 0))::text
             FROM unnest($1::bigint[]) AS g (id)"#,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"SELECT guild_id, id AS "id: SeasonId", starts_at, ends_at, active FROM progress.seasons
            WHERE guild_id = ANY($1::bigint[])"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let mut read: BTreeMap<i64, (Vec<_>, Option<SeasonId>)> = BTreeMap::new();
    for row in rows {
        let (windows, active) = read.entry(row.guild_id).or_default();
        windows.push((row.starts_at, row.ends_at, row.id));
        if row.active {
            *active = Some(row.id);
        }
    }
    Ok(ids
        .into_iter()
        .map(|id| {
            let (windows, active) = read.remove(&id).unwrap_or_default();
            (GuildId::new(id), Calendar::new(windows, active))
        })
        .collect())
}

/// The season each of these times belongs to, in order; with [`calendars`]' lock.
pub async fn season_at(
    conn: &mut PgConnection,
    guild: GuildId,
    times: &[DateTime<Utc>],
) -> Result<Vec<Option<SeasonId>>, Error> {
    let calendar = calendars(conn, &[guild]).await?.remove(&guild).unwrap_or_default();
    Ok(times.iter().map(|time| calendar.at(*time)).collect())
}

/// Keeps everybody else from counting events of the guild, and from changing its seasons, until the commit.
pub(super) async fn lock(conn: &mut PgConnection, guild: GuildId) -> Result<DateTime<Utc>, Error> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('progress.seasons:' || $1::bigint, 0))::text",
        guild.get(),
    )
    .fetch_one(&mut *conn)
    .await?;
    // Read after the lock was got: whoever waited comes after whoever held it.
    let now = sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await?;
    Ok(now)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn time(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_season_holds_its_start_and_not_its_end() {
        let calendar = Calendar::new(
            vec![(time(20), time(30), SeasonId::new(2)), (time(10), time(20), SeasonId::new(1))],
            None,
        );
        let at = |seconds| calendar.at(time(seconds)).map(SeasonId::get);
        assert_eq!(at(9), None);
        assert_eq!((at(10), at(19), at(20), at(29)), (Some(1), Some(1), Some(2), Some(2)));
        assert_eq!(calendar.at(time(20) - TimeDelta::nanoseconds(1)), Some(SeasonId::new(1)));
        assert_eq!((at(30), Calendar::default().at(time(5))), (None, None));
    }

    proptest! {
        #[test]
        fn every_time_is_in_the_one_window_that_holds_it(
            gaps in prop::collection::vec((0i64..50, 1i64..50), 0..12), at in 0i64..1_500,
        ) {
            let (mut from, mut windows) = (0, Vec::new());
            for (n, (gap, length)) in gaps.into_iter().enumerate() {
                let start = from + gap;
                from = start + length;
                windows.push((time(start), time(from), SeasonId::new(i32::try_from(n).unwrap() + 1)));
            }
            let holding: Vec<_> =
                windows.iter().filter(|(s, e, _)| *s <= time(at) && time(at) < *e).map(|(_, _, id)| *id).collect();
            prop_assert!(holding.len() <= 1);
            prop_assert_eq!(Calendar::new(windows, None).at(time(at)), holding.first().copied());
        }
    }
}
