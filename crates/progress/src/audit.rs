//! What members and their seasons hold, re-derived from the journal of rewards; counts of seasons from the lake as far back as it
//! reaches.
//!
//! [`drift`] reports, [`repair`] mends while everything goes on. What cannot be derived is not claimed: minutes of voice, and days whose
//! events retention has dropped.
//!
//! A job does both every week ([`access::weekly`]). What was mended is in the audit log.

use std::collections::{BTreeMap, BTreeSet};

use access::author::Author;
use access::settings::settings_read;
use access::weekly::{Audit, Weekly};
use jobs::schedule::JobError;
use kernel::{GuildId, UserId};
use sqlx::{PgConnection, PgPool};

use crate::drift::{on_record, unhurried};
use crate::error::Error;
pub use crate::figures::Drift;
use crate::figures::{Figure, Holding, Tally};
use crate::ids::SeasonId;
use crate::rewards::RewardSettings;
use crate::seasons::{calendars, derive};

/// Members who are mended at once: so long their guild's events wait.
const AT_ONCE: usize = 50;

/// The slice's audit. A guild's drift is picked out of everybody's.
pub(crate) const AUDIT: Audit = Audit {
    drift: |conn, guild| {
        Box::pin(async move {
            let mut found = drift(conn).await.map_err(failed)?;
            found.retain(|drift| guild.is_none_or(|guild| drift.guild_id == guild));
            Ok(found.into_iter().map(Drift::told).collect())
        })
    },
    weekly: Some(Weekly {
        job: "progress.audit",
        cron: "17 4 * * 0",
        timer: "progress.audit_repair",
        repair: |pool, guild, author| {
            Box::pin(async move {
                let mended = repair(pool, guild, author).await.map_err(failed)?;
                Ok(mended.into_iter().map(Drift::told).collect())
            })
        },
    }),
};

/// What went wrong, for the job.
fn failed(error: Error) -> JobError {
    match error {
        Error::Database(error) => JobError::Database(error),
        other => JobError::Failed(other.to_string()),
    }
}

/// Every figure that is not what its journal adds up to. Reads journal and lake from one end to the other; empty when all is well. Each
/// statement is a snapshot of its own, so it may run while others write.
pub async fn drift(conn: &mut PgConnection) -> Result<Vec<Drift>, Error> {
    // Guilds with a level curve of their own, and all the others together.
    let special: Vec<i64> = sqlx::query_scalar!(
        "SELECT DISTINCT guild_id FROM access.settings
          WHERE guild_id > 0 AND key IN ('rewards.level_base', 'rewards.level_factor') ORDER BY 1"
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut all = members_drift(conn, None, &special, None).await?;
    for guild in special {
        all.extend(members_drift(conn, Some(GuildId::new(guild)), &[], None).await?);
    }
    all.extend(derive::drift(conn, None, None, None, true).await?);
    all.sort_unstable();
    Ok(all)
}

/// Members of one guild, or of all but some; or only some members.
async fn members_drift(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    but: &[i64],
    users: Option<&[i64]>,
) -> Result<Vec<Drift>, Error> {
    let settings: RewardSettings = settings_read(&mut *conn, guild).await?;
    let rows = sqlx::query!(
        r#"WITH journal AS (
               SELECT guild_id, user_id, sum(xp_delta)::bigint AS xp, sum(gold_delta)::bigint AS gold,
                      sum(star_delta)::bigint AS stars
                 FROM progress.activity_log
                WHERE ($2::bigint IS NULL OR guild_id = $2) AND ($4::bigint[] IS NULL OR user_id = ANY ($4))
                GROUP BY guild_id, user_id
           )
           SELECT m.guild_id AS "guild_id: GuildId", m.user_id AS "user_id?: UserId", f.what AS "what!",
                  f.stored AS "stored!", f.derived AS "derived!"
             FROM people.members m
             LEFT JOIN journal j ON j.guild_id = m.guild_id AND j.user_id = m.user_id
            CROSS JOIN LATERAL (VALUES
                  ('xp', m.xp, coalesce(j.xp, 0)),
                  ('level', m.level::bigint, 1 + width_bucket(coalesce(j.xp, 0), $1::bigint[])::bigint),
                  ('gold', m.gold, coalesce(j.gold, 0)),
                  ('stars', m.stars, coalesce(j.stars, 0))) AS f (what, stored, derived)
            WHERE f.stored <> f.derived AND ($2::bigint IS NULL OR m.guild_id = $2) AND m.guild_id <> ALL ($3)
              AND ($4::bigint[] IS NULL OR m.user_id = ANY ($4))"#,
        &settings.curve().thresholds(),
        guild.map(GuildId::get),
        but,
        users,
    )
    .fetch_all(conn)
    .await?;
    let drift = rows.into_iter().map(|row| {
        Ok(Drift {
            guild_id: row.guild_id,
            user_id: row.user_id,
            figure: Figure::Held(Holding::from_column(&row.what)?),
            stored: row.stored,
            derived: row.derived,
        })
    });
    drift.collect()
}

/// Mends a guild's drift and answers what it was. First everything is looked at while all goes on; then the members concerned are
/// derived again and mended, few at a time: so long the guild's events and its seasons wait, and payments to these members, and in
/// between they come through. Whatever stops it, what was mended stays, and running it again mends the rest; then it finds nothing.
/// What was mended is in the audit log, in the same transaction as itself.
pub async fn repair(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<Vec<Drift>, Error> {
    let seen = look(pool, guild).await?;
    let users: BTreeSet<i64> = seen.iter().filter_map(Drift::user).collect();
    let users: Vec<i64> = users.into_iter().collect();
    let mut mended = Vec::new();
    for part in users.chunks(AT_ONCE) {
        mended.extend(part_mend(pool, guild, part, None, author).await?);
    }
    // No index leads from a member to the reactions they got: these are counted for all at once, a season at a time.
    let mut received: BTreeMap<SeasonId, BTreeSet<i64>> = BTreeMap::new();
    for drift in &seen {
        if let Figure::Season(season, Tally::ReactionsReceived) = drift.figure {
            received.entry(season).or_default().extend(drift.user());
        }
    }
    for (season, users) in received {
        let users: Vec<i64> = users.into_iter().collect();
        mended.extend(part_mend(pool, guild, &users, Some(season), author).await?);
    }
    Ok(mended)
}

/// Mends some members under the guild's locks, and commits: all but the reactions they got, or with a season these alone.
async fn part_mend(
    pool: &PgPool,
    guild: GuildId,
    users: &[i64],
    season: Option<SeasonId>,
    author: Author<'_>,
) -> Result<Vec<Drift>, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        unhurried(&mut tx).await?;
        people::store::guilds_lock(&mut tx, &[guild]).await?;
        // A season that is rolled over between reading its counters and writing them would get those of the one before.
        calendars(&mut tx, &[guild]).await?;
        members_lock(&mut tx, guild, users).await?;
        let mended = match season {
            None => mend(&mut tx, guild, users).await?,
            Some(season) => {
                let drift = derive::drift(&mut tx, Some(guild), Some(users), Some(season), true).await?;
                derive::mend(&mut tx, guild, &drift).await?;
                drift
            }
        };
        on_record(&mut tx, guild, &mended, author).await?;
        tx.commit().await?;
        Ok(mended)
    })
    .await
}

/// What differs in a guild now.
async fn look(pool: &PgPool, guild: GuildId) -> Result<Vec<Drift>, Error> {
    let mut tx = db::begin(pool).await?;
    unhurried(&mut tx).await?;
    let mut all = members_drift(&mut tx, Some(guild), &[], None).await?;
    all.extend(derive::drift(&mut tx, Some(guild), None, None, true).await?);
    tx.commit().await?;
    Ok(all)
}

/// Whoever pays these members waits from here on; what was paid before is in the journal by the next statement.
async fn members_lock(conn: &mut PgConnection, guild: GuildId, users: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT FROM people.members WHERE guild_id = $1 AND user_id = ANY ($2) ORDER BY user_id FOR UPDATE",
        guild.get(),
        users,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Mends what these members differ in, but for the reactions they got in seasons, while the locks are held.
async fn mend(conn: &mut PgConnection, guild: GuildId, users: &[i64]) -> Result<Vec<Drift>, Error> {
    let mut mended = members_drift(&mut *conn, Some(guild), &[], Some(users)).await?;
    members_mend(&mut *conn, guild, &mended).await?;
    let seasons = derive::drift(&mut *conn, Some(guild), Some(users), None, false).await?;
    derive::mend(&mut *conn, guild, &seasons).await?;
    mended.extend(seasons);
    Ok(mended)
}

async fn members_mend(conn: &mut PgConnection, guild: GuildId, drift: &[Drift]) -> Result<(), Error> {
    let (mut users, mut what, mut derived) = (Vec::new(), Vec::new(), Vec::new());
    for drift in drift {
        if let (Figure::Held(holding), Some(user)) = (drift.figure, drift.user()) {
            users.push(user);
            what.push(holding.as_str());
            derived.push(drift.derived);
        }
    }
    sqlx::query!(
        "UPDATE people.members m
            SET xp = coalesce(d.xp, m.xp), level = coalesce(d.level, m.level), gold = coalesce(d.gold, m.gold),
                stars = coalesce(d.stars, m.stars)
           FROM (SELECT user_id, max(derived) FILTER (WHERE what = 'xp') AS xp,
                        max(derived) FILTER (WHERE what = 'level')::int AS level,
                        max(derived) FILTER (WHERE what = 'gold') AS gold,
                        max(derived) FILTER (WHERE what = 'stars') AS stars
                   FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS i (user_id, what, derived)
                  GROUP BY user_id) d
          WHERE m.guild_id = $1 AND m.user_id = d.user_id",
        guild.get(),
        &users,
        &what as &[&str],
        &derived,
    )
    .execute(conn)
    .await?;
    Ok(())
}
