//! One's own place, and who stands next to it.

use kernel::Limit;
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use utoipa::ToSchema;

use super::live::{self, Key, Row};
use super::{Standing, View, ensure_stored, stored};
use crate::error::Error;
use crate::model::CampaignFacts;

/// The most neighbours to each side.
const MAX_NEIGHBOURS: i32 = 50;

/// One's own place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Around {
    /// One's own row; absent for who registered after the standings were stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub me: Option<Standing>,
    /// The rows around it, one's own included, in order.
    pub neighbours: Vec<Standing>,
}

/// A participant's rank, and up to `neighbours` rows before and after theirs.
#[kernel::boxed]
pub async fn around(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    view: View,
    participant_id: &str,
    neighbours: i32,
) -> Result<Around, Error> {
    if !(0..=MAX_NEIGHBOURS).contains(&neighbours) {
        return Err(Error::field("neighbours", format!("must be between 0 and {MAX_NEIGHBOURS}")));
    }
    ensure_stored(conn, facts, view).await?;
    let Some(snapshot) = view.stored() else {
        return around_live(conn, facts, participant_id, neighbours).await;
    };
    let Some(position) = stored::position(conn, facts, snapshot, participant_id).await? else {
        return Ok(Around { me: None, neighbours: Vec::new() });
    };
    let after = (position - 1 - neighbours).max(0);
    let count = i64::from(position + neighbours - after);
    let rows = stored::rows(conn, facts, snapshot, after, count).await?;
    let me = rows.iter().find(|(at, _)| *at == position).map(|(_, standing)| standing.clone());
    let neighbours =
        if neighbours == 0 { Vec::new() } else { rows.into_iter().map(|(_, row)| row).collect() };
    Ok(Around { me, neighbours })
}

async fn around_live(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    participant_id: &str,
    neighbours: i32,
) -> Result<Around, Error> {
    if neighbours == 0 {
        let me = own(conn, facts, participant_id).await?.map(|(standing, _)| standing);
        return Ok(Around { me, neighbours: Vec::new() });
    }
    // Several statements that must see one instant.
    let mut tx = conn.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let Some((me, key)) = own(&mut tx, facts, participant_id).await? else {
        return Ok(Around { me: None, neighbours: Vec::new() });
    };
    let above = above(&mut tx, facts, &key, i64::from(neighbours) + 1).await?;
    let before = i64::try_from(above.len()).unwrap_or(0).min(neighbours.into());
    let start = above.into_iter().nth(usize::try_from(neighbours).unwrap_or(0));
    let limit = Limit::new(Some(before + 1 + i64::from(neighbours))).map_err(Error::Invalid)?;
    let page = live::page(&mut tx, facts, start, limit).await?;
    tx.commit().await?;
    Ok(Around { me: Some(me), neighbours: page.items })
}

/// A participant's own row with its rank, and its key: one statement.
async fn own(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    participant_id: &str,
) -> sqlx::Result<Option<(Standing, Key)>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT p.bucket, p.rank_major, p.rank_minor, nullif(p.last_correct_at, 'infinity') AS last_correct_at,
                  p.participant_id, p.participant_type, p.points, p.penalty, p.parts_solved, p.total_ms,
                  coalesce(CASE p.participant_type
                      WHEN 'player' THEN (SELECT k.name FROM people.known_as k
                                          WHERE k.guild_id = p.guild_id AND k.user_id = p.participant_id::bigint)
                      ELSE (SELECT q.name FROM squads.squads q
                            WHERE q.guild_id = p.guild_id AND q.id = p.participant_id::uuid)
                  END, p.display_name) AS "display_name!",
                  1 + coalesce((SELECT sum(b.participants) FROM campaigns.standing_buckets b
                                WHERE b.guild_id = $3 AND b.campaign_id = $1 AND b.bucket > p.bucket), 0)
                    + (SELECT count(*) FROM campaigns.campaign_participants q
                       WHERE q.guild_id = $3 AND q.campaign_id = $1 AND q.bucket = p.bucket AND q.rank_major > p.rank_major)
                    + (SELECT count(*) FROM campaigns.campaign_participants q
                       WHERE q.guild_id = $3 AND q.campaign_id = $1 AND q.bucket = p.bucket AND q.rank_major = p.rank_major
                         AND q.rank_minor < p.rank_minor) AS rank
           FROM campaigns.campaign_participants p WHERE p.guild_id = $3 AND p.campaign_id = $1 AND p.participant_id = $2"#,
        facts.id.get(),
        participant_id,
        facts.guild_id.get(),
    )
    .fetch_optional(conn)
    .await?;
    let found = row.map(|row| {
        let (key, rank) = (row.key(), row.rank.unwrap_or(0));
        Ok((row.standing(rank, facts)?, key))
    });
    found.transpose()
}

/// The keys of up to `count` rows above a key, nearest first.
async fn above(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    key: &Key,
    count: i64,
) -> sqlx::Result<Vec<Key>> {
    let rows = sqlx::query!(
        r#"SELECT a.bucket AS "bucket!", a.rank_major AS "major!", a.rank_minor AS "minor!",
                  nullif(a.last_correct_at, 'infinity') AS last, a.participant_id AS "id!"
           FROM (
               (SELECT p.bucket, p.rank_major, p.rank_minor, p.last_correct_at, p.participant_id
                FROM campaigns.campaign_participants p
                WHERE p.guild_id = $8 AND p.campaign_id = $1 AND p.bucket = $2 AND p.rank_major = $3
                  AND (p.rank_minor, p.last_correct_at, p.participant_id)
                      < ($4, coalesce($5::timestamptz, 'infinity'), $6)
                ORDER BY p.rank_minor DESC, p.last_correct_at DESC, p.participant_id DESC LIMIT $7)
               UNION ALL
               (SELECT p.bucket, p.rank_major, p.rank_minor, p.last_correct_at, p.participant_id
                FROM campaigns.campaign_participants p
                WHERE p.guild_id = $8 AND p.campaign_id = $1 AND p.bucket = $2 AND p.rank_major > $3
                ORDER BY p.rank_major, p.rank_minor DESC, p.last_correct_at DESC, p.participant_id DESC LIMIT $7)
               UNION ALL
               (SELECT p.bucket, p.rank_major, p.rank_minor, p.last_correct_at, p.participant_id
                FROM campaigns.campaign_participants p
                WHERE p.guild_id = $8 AND p.campaign_id = $1 AND p.bucket > $2
                ORDER BY p.bucket, p.rank_major, p.rank_minor DESC, p.last_correct_at DESC, p.participant_id DESC LIMIT $7)
               LIMIT $7) a
           ORDER BY a.bucket, a.rank_major, a.rank_minor DESC, a.last_correct_at DESC, a.participant_id DESC"#,
        facts.id.get(),
        key.bucket,
        key.major,
        key.minor,
        key.last,
        key.id,
        count,
        facts.guild_id.get(),
    )
    .fetch_all(conn)
    .await?;
    let keys = rows.into_iter().map(|row| Key {
        bucket: row.bucket,
        major: row.major,
        minor: row.minor,
        last: row.last,
        id: row.id,
    });
    Ok(keys.collect())
}
