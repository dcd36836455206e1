//! Members re-derived from the journal: what they hold must be the sum of what they were granted.

use kernel::{GuildId, UserId};
use serde::Serialize;
use sqlx::PgConnection;

use crate::error::Error;
use crate::rules::Curve;

/// A figure that is not what the journal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// The member.
    pub user_id: UserId,
    /// Which figure: xp, level, gold or stars.
    pub what: String,
    /// What `community.members` holds.
    pub stored: i64,
    /// What `community.activity_log` adds up to.
    pub derived: i64,
}

/// All members whose XP, level, gold or stars differ from what the journal adds up to. Reads the whole journal; empty
/// when all is well. One statement, hence one snapshot: it may run while others write.
pub async fn drift(conn: &mut PgConnection) -> Result<Vec<Drift>, Error> {
    let rows = sqlx::query_as!(
        Drift,
        r#"WITH journal AS (
               SELECT guild_id, user_id, sum(xp_delta)::bigint AS xp, sum(gold_delta)::bigint AS gold,
                      sum(star_delta)::bigint AS stars
                 FROM community.activity_log GROUP BY guild_id, user_id
           )
           SELECT m.guild_id AS "guild_id: GuildId", m.user_id AS "user_id: UserId", f.what AS "what!",
                  f.stored AS "stored!", f.derived AS "derived!"
             FROM community.members m
             LEFT JOIN journal j ON j.guild_id = m.guild_id AND j.user_id = m.user_id
            CROSS JOIN LATERAL (VALUES
                  ('xp', m.xp, coalesce(j.xp, 0)),
                  ('level', m.level::bigint, 1 + width_bucket(coalesce(j.xp, 0), $1::bigint[])::bigint),
                  ('gold', m.gold, coalesce(j.gold, 0)),
                  ('stars', m.stars, coalesce(j.stars, 0))) AS f (what, stored, derived)
            WHERE f.stored <> f.derived
            ORDER BY m.guild_id, m.user_id, f.what"#,
        &Curve::default().thresholds(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
