//! Standings stored for good: when the scoreboard freezes, and at the close.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::CampaignKey;

kernel::decl_words! {
    /// Which standings (`campaigns.campaign_standings.snapshot`).
    pub enum Snapshot {
        /// As they were `freeze_minutes` before the end: derived from the answers and hint unlocks before that instant,
        /// however late this runs.
        Freeze = "freeze",
        /// As they are now, which is for good once the campaign is CLOSED.
        Final = "final",
    }
}

/// Stores the standings of these campaigns in the caller's transaction, replacing what was stored before, and answers how
/// many rows were written. `Freeze` also stamps `frozen_at`, and skips campaigns that never freeze.
///
/// The campaigns are locked first, in the order of their keys, so that answers being judged are waited for and counted.
/// For `Final`, move them to CLOSED **before** this in the same transaction: whoever comes later then finds them closed.
/// Three statements, however many campaigns.
#[kernel::boxed]
pub async fn standings_snapshot(
    conn: &mut PgConnection,
    campaigns: &[CampaignKey],
    snapshot: Snapshot,
) -> sqlx::Result<u64> {
    let (guilds, ids) = CampaignKey::columns(campaigns);
    // A statement of its own: the next one's view of the database begins after every answer that was waited for.
    sqlx::query!(
        "SELECT id FROM campaigns.campaigns
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
         ORDER BY guild_id, id FOR NO KEY UPDATE",
        &guilds,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM campaigns.campaign_standings
         WHERE (guild_id, campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND snapshot = $3",
        &guilds,
        &ids,
        snapshot.as_str()
    )
    .execute(&mut *conn)
    .await?;
    match snapshot {
        Snapshot::Final => final_insert(conn, &guilds, &ids).await,
        Snapshot::Freeze => freeze_insert(conn, &guilds, &ids).await,
    }
}

/// From the scores kept beside the participants, which the audit keeps honest.
async fn final_insert(conn: &mut PgConnection, guilds: &[i64], ids: &[Uuid]) -> sqlx::Result<u64> {
    let result = sqlx::query!(
        "INSERT INTO campaigns.campaign_standings (campaign_id, snapshot, position, guild_id, rank, participant_id,
             participant_type, display_name, points, penalty, parts_solved, total_ms, last_correct_at)
         SELECT p.campaign_id, 'final', row_number() OVER listed, p.guild_id, rank() OVER ranked, p.participant_id,
                p.participant_type, p.display_name, p.points, p.penalty, p.parts_solved, p.total_ms,
                nullif(p.last_correct_at, 'infinity')
         FROM campaigns.campaign_participants p
         WHERE (p.guild_id, p.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
         WINDOW ranked AS (PARTITION BY p.guild_id, p.campaign_id ORDER BY p.rank_major DESC, p.rank_minor),
                listed AS (PARTITION BY p.guild_id, p.campaign_id
                           ORDER BY p.rank_major DESC, p.rank_minor, p.last_correct_at, p.participant_id)",
        guilds,
        ids
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}

/// From the journal up to the freeze: keys as [`crate::rules::Score::rank_key`] has them.
async fn freeze_insert(conn: &mut PgConnection, guilds: &[i64], ids: &[Uuid]) -> sqlx::Result<u64> {
    let result = sqlx::query!(
        "WITH frozen AS (
             UPDATE campaigns.campaigns SET frozen_at = now()
             WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND freeze_minutes > 0
               AND end_time IS NOT NULL
             RETURNING guild_id, id, scoring_type, end_time - make_interval(mins => freeze_minutes) AS freeze_at
         ), solved AS (
             SELECT f.guild_id, f.id AS campaign_id, s.participant_id, sum(s.points_awarded) AS points, count(*) AS parts_solved,
                    sum(s.elapsed_ms) AS total_ms, max(s.submission_timestamp) AS last_correct_at
             FROM frozen f
             JOIN challenges.challenges c ON c.guild_id = f.guild_id AND c.campaign_id = f.id
             JOIN challenges.challenge_submissions s ON s.guild_id = c.guild_id AND s.challenge_id = c.id AND s.is_correct
             WHERE s.submission_timestamp < f.freeze_at
             GROUP BY f.guild_id, f.id, s.participant_id
         ), hinted AS (
             SELECT f.guild_id, f.id AS campaign_id, h.participant_id, sum(h.penalty) AS penalty
             FROM frozen f JOIN challenges.hint_unlocks h ON h.guild_id = f.guild_id AND h.campaign_id = f.id
             WHERE h.unlocked_at < f.freeze_at
             GROUP BY f.guild_id, f.id, h.participant_id
         ), scored AS (
             SELECT p.campaign_id, p.guild_id, p.participant_id, p.participant_type, p.display_name,
                    f.scoring_type = 'point_based' AS by_points,
                    coalesce(s.points, 0)::bigint AS points, coalesce(h.penalty, 0)::bigint AS penalty,
                    coalesce(s.parts_solved, 0)::integer AS parts_solved, coalesce(s.total_ms, 0)::bigint AS total_ms,
                    s.last_correct_at
             FROM frozen f
             JOIN campaigns.campaign_participants p ON p.guild_id = f.guild_id AND p.campaign_id = f.id
             LEFT JOIN solved s
                    ON s.guild_id = p.guild_id AND s.campaign_id = p.campaign_id AND s.participant_id = p.participant_id
             LEFT JOIN hinted h
                    ON h.guild_id = p.guild_id AND h.campaign_id = p.campaign_id AND h.participant_id = p.participant_id
         ), keyed AS (
             SELECT *,
                    CASE WHEN parts_solved = 0 THEN -1
                         WHEN by_points THEN greatest(points - penalty, 0) ELSE parts_solved END AS major,
                    CASE WHEN parts_solved = 0 OR by_points THEN 0 ELSE total_ms + penalty * 1000 END AS minor
             FROM scored
         )
         INSERT INTO campaigns.campaign_standings (campaign_id, snapshot, position, guild_id, rank, participant_id,
             participant_type, display_name, points, penalty, parts_solved, total_ms, last_correct_at)
         SELECT k.campaign_id, 'freeze', row_number() OVER listed, k.guild_id, rank() OVER ranked, k.participant_id,
                k.participant_type, k.display_name, k.points, k.penalty, k.parts_solved, k.total_ms, k.last_correct_at
         FROM keyed k
         WINDOW ranked AS (PARTITION BY k.guild_id, k.campaign_id ORDER BY k.major DESC, k.minor),
                listed AS (PARTITION BY k.guild_id, k.campaign_id
                           ORDER BY k.major DESC, k.minor, k.last_correct_at NULLS LAST, k.participant_id)",
        guilds,
        ids
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}
