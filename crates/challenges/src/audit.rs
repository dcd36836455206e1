//! Re-derives from the journals (submissions and hint unlocks) whatever is kept beside them for speed, and reports where
//! the two disagree: `questhall audit`, and tests after every kind of day.
//!
//! One transaction of one instant, so it may run beside live traffic. Sums are made by the database in sets; rank keys and
//! buckets by the one definition of them, [`Score`], over a stream of rows.

use std::collections::HashMap;

use access::weekly::{Audit, Figure};
use futures::TryStreamExt as _;
use kernel::{CampaignId, GuildId};
use serde::Serialize;
use sqlx::{Connection as _, PgConnection, PgPool};
use utoipa::ToSchema;

use crate::model::CampaignKey;
use crate::rules::{Score, Scoring};

/// A figure that is not what the journals say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Whose figure, or which: a participant's id, a challenge's id and part, a bucket.
    pub subject: String,
    /// Which figure.
    pub figure: &'static str,
    /// What is stored.
    pub stored: String,
    /// What follows from the journals.
    pub derived: String,
}

/// The slice's audit. Positions and points are derived anew with every answer that is corrected; nothing is mended by itself.
pub(crate) const AUDIT: Audit =
    Audit { drift: |conn, guild| Box::pin(async move { Ok(figures(conn, guild).await?) }), weekly: None };

/// What differs, of a guild or of all.
async fn figures(conn: &mut PgConnection, guild: Option<GuildId>) -> sqlx::Result<Vec<Figure>> {
    let drifts = compare_all(conn, None).await?.into_iter();
    let asked = drifts.filter(|drift| guild.is_none_or(|guild| drift.guild_id == guild));
    let figures = asked.map(|drift| Figure {
        guild_id: drift.guild_id,
        what: format!("campaigns/{}: {} of {}", drift.campaign_id, drift.figure, drift.subject),
        stored: drift.stored,
        derived: drift.derived,
    });
    Ok(figures.collect())
}

/// Compares one campaign, or all, and answers with every difference found.
pub async fn audit(pool: &PgPool, campaign: Option<CampaignKey>) -> sqlx::Result<Vec<Drift>> {
    compare_all(&mut *db::acquire(pool).await?, campaign).await
}

async fn compare_all(conn: &mut PgConnection, campaign: Option<CampaignKey>) -> sqlx::Result<Vec<Drift>> {
    let mut tx = conn.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut drifts = Vec::new();
    scores(&mut tx, campaign, &mut drifts).await?;
    positions(&mut tx, campaign, &mut drifts).await?;
    points(&mut tx, campaign, &mut drifts).await?;
    finals(&mut tx, campaign, &mut drifts).await?;
    tx.commit().await?;
    Ok(drifts)
}

fn compare<T: PartialEq + ToString>(
    drifts: &mut Vec<Drift>,
    (campaign, subject): (CampaignKey, &str),
    figure: &'static str,
    (stored, derived): (&T, &T),
) {
    if stored != derived {
        drifts.push(Drift {
            guild_id: campaign.guild_id,
            campaign_id: campaign.id,
            subject: subject.to_owned(),
            figure,
            stored: stored.to_string(),
            derived: derived.to_string(),
        });
    }
}

/// Scores, rank keys and buckets of participants; then the histogram of those buckets.
async fn scores(
    conn: &mut PgConnection,
    campaign: Option<CampaignKey>,
    drifts: &mut Vec<Drift>,
) -> sqlx::Result<()> {
    let mut histogram: HashMap<(CampaignKey, i32), i32> = HashMap::new();
    let mut rows = sqlx::query!(
        r#"WITH solved AS (
               SELECT s.guild_id, s.campaign_id, s.participant_id, sum(s.points_awarded)::bigint AS points, count(*)::int AS parts_solved,
                      sum(s.elapsed_ms)::bigint AS total_ms, max(s.submission_timestamp) AS last_correct_at
               FROM challenges.challenge_submissions s
               WHERE s.is_correct AND ($1::bigint IS NULL OR s.guild_id = $1) AND ($2::uuid IS NULL OR s.campaign_id = $2)
               GROUP BY s.guild_id, s.campaign_id, s.participant_id
           ), hinted AS (
               SELECT h.guild_id, h.campaign_id, h.participant_id, sum(h.penalty)::bigint AS penalty
               FROM challenges.hint_unlocks h
               WHERE ($1::bigint IS NULL OR h.guild_id = $1) AND ($2::uuid IS NULL OR h.campaign_id = $2)
               GROUP BY h.guild_id, h.campaign_id, h.participant_id
           )
           SELECT p.guild_id AS "guild_id: GuildId", p.campaign_id AS "campaign_id: CampaignId", p.participant_id, c.scoring_type, p.points, p.penalty, p.parts_solved,
                  p.total_ms, p.rank_major, p.rank_minor, p.bucket,
                  coalesce(s.points, 0) AS "derived_points!", coalesce(h.penalty, 0) AS "derived_penalty!",
                  coalesce(s.parts_solved, 0) AS "derived_parts!", coalesce(s.total_ms, 0) AS "derived_ms!",
                  p.last_correct_at::text AS "last_correct_at!",
                  coalesce(s.last_correct_at, 'infinity')::text AS "derived_last!"
           FROM campaigns.campaign_participants p
           JOIN campaigns.campaigns c ON c.guild_id = p.guild_id AND c.id = p.campaign_id
           LEFT JOIN solved s
                  ON s.guild_id = p.guild_id AND s.campaign_id = p.campaign_id AND s.participant_id = p.participant_id
           LEFT JOIN hinted h
                  ON h.guild_id = p.guild_id AND h.campaign_id = p.campaign_id AND h.participant_id = p.participant_id
           WHERE ($1::bigint IS NULL OR p.guild_id = $1) AND ($2::uuid IS NULL OR p.campaign_id = $2)"#,
        campaign.map(|key| key.guild_id.get()),
        campaign.map(|key| key.id.get()),
    )
    .fetch(&mut *conn);
    while let Some(row) = rows.try_next().await? {
        let campaign = CampaignKey { guild_id: row.guild_id, id: row.campaign_id };
        let subject = (campaign, row.participant_id.as_str());
        compare(drifts, subject, "points", (&row.points, &row.derived_points));
        compare(drifts, subject, "penalty", (&row.penalty, &row.derived_penalty));
        compare(drifts, subject, "parts_solved", (&row.parts_solved, &row.derived_parts));
        compare(drifts, subject, "total_ms", (&row.total_ms, &row.derived_ms));
        compare(drifts, subject, "last_correct_at", (&row.last_correct_at, &row.derived_last));
        let scoring = Scoring::from_column(&row.scoring_type)?;
        let score = Score {
            points: row.derived_points,
            penalty: row.derived_penalty,
            parts_solved: row.derived_parts,
            total_ms: row.derived_ms,
        };
        let (key, bucket) = (score.rank_key(scoring), score.bucket(scoring));
        compare(drifts, subject, "rank_major", (&row.rank_major, &key.major));
        compare(drifts, subject, "rank_minor", (&row.rank_minor, &key.minor));
        compare(drifts, subject, "bucket", (&row.bucket, &bucket));
        if bucket >= 0 {
            *histogram.entry((campaign, bucket)).or_default() += 1;
        }
    }
    drop(rows);
    let mut rows = sqlx::query!(
        r#"SELECT guild_id AS "guild_id: GuildId", campaign_id AS "campaign_id: CampaignId", bucket, participants FROM campaigns.standing_buckets
           WHERE ($1::bigint IS NULL OR guild_id = $1) AND ($2::uuid IS NULL OR campaign_id = $2)"#,
        campaign.map(|key| key.guild_id.get()),
        campaign.map(|key| key.id.get()),
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await? {
        let campaign = CampaignKey { guild_id: row.guild_id, id: row.campaign_id };
        let derived = histogram.remove(&(campaign, row.bucket)).unwrap_or(0);
        let subject = format!("bucket {}", row.bucket);
        compare(drifts, (campaign, &subject), "participants", (&row.participants, &derived));
    }
    for ((campaign, bucket), derived) in histogram {
        compare(drifts, (campaign, &format!("bucket {bucket}")), "participants", (&0, &derived));
    }
    Ok(())
}

/// Solve counts, and that positions run from 1 to the count without gaps. (That none is given twice is a unique index.)
async fn positions(
    conn: &mut PgConnection,
    campaign: Option<CampaignKey>,
    drifts: &mut Vec<Drift>,
) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"SELECT c.guild_id AS "guild_id: GuildId", c.campaign_id AS "campaign_id: CampaignId", p.challenge_id, p.part, p.solve_count,
                  count(s.id)::int AS "solves!", coalesce(min(s.solve_position), 1) AS "lowest!",
                  coalesce(max(s.solve_position), 0) AS "highest!"
           FROM challenges.challenges c
           JOIN challenges.challenge_parts p ON p.guild_id = c.guild_id AND p.challenge_id = c.id
           LEFT JOIN challenges.challenge_submissions s
                  ON s.guild_id = p.guild_id AND s.challenge_id = p.challenge_id AND s.part = p.part AND s.is_correct
           WHERE ($1::bigint IS NULL OR c.guild_id = $1) AND ($2::uuid IS NULL OR c.campaign_id = $2)
           GROUP BY c.guild_id, c.campaign_id, p.challenge_id, p.part, p.solve_count
           HAVING p.solve_count <> count(s.id) OR coalesce(min(s.solve_position), 1) <> 1
               OR coalesce(max(s.solve_position), 0) <> count(s.id)"#,
        campaign.map(|key| key.guild_id.get()),
        campaign.map(|key| key.id.get()),
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let subject = format!("challenge {} part {}", row.challenge_id, row.part);
        let subject = (CampaignKey { guild_id: row.guild_id, id: row.campaign_id }, subject.as_str());
        compare(drifts, subject, "solve_count", (&row.solve_count, &row.solves));
        compare(drifts, subject, "lowest solve_position", (&row.lowest, &1));
        compare(drifts, subject, "highest solve_position", (&row.highest, &row.solves));
    }
    Ok(())
}

/// Points by position: [`crate::rules::points_for`] of each right answer.
async fn points(
    conn: &mut PgConnection,
    campaign: Option<CampaignKey>,
    drifts: &mut Vec<Drift>,
) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"SELECT s.guild_id AS "guild_id: GuildId", s.campaign_id AS "campaign_id: CampaignId", s.id, s.points_awarded, w.worth AS "worth!"
           FROM challenges.challenge_submissions s
           JOIN campaigns.campaigns c ON c.guild_id = s.guild_id AND c.id = s.campaign_id
           JOIN challenges.challenges ch ON ch.guild_id = s.guild_id AND ch.id = s.challenge_id
           CROSS JOIN LATERAL (SELECT CASE WHEN c.scoring_type = 'point_based'
               THEN greatest(0, coalesce((ch.answer_rules
                   -> CASE WHEN jsonb_array_length(ch.answer_rules) = 1 THEN 0 ELSE s.part - 1 END ->> 'points')::bigint,
                   c.starting_points) - (s.solve_position - 1)::bigint * c.points_decrease_step) * coalesce(s.share_percent, 100) / 100
               ELSE 0 END::int AS worth) w
           WHERE s.is_correct AND ($1::bigint IS NULL OR s.guild_id = $1) AND ($2::uuid IS NULL OR s.campaign_id = $2)
             AND s.points_awarded <> w.worth"#,
        campaign.map(|key| key.guild_id.get()),
        campaign.map(|key| key.id.get()),
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let subject = format!("submission {}", row.id);
        let campaign = CampaignKey { guild_id: row.guild_id, id: row.campaign_id };
        compare(drifts, (campaign, &subject), "points_awarded", (&row.points_awarded, &row.worth));
    }
    Ok(())
}

/// Final standings: everybody's figures as they were at the close, since when nothing can have changed.
async fn finals(
    conn: &mut PgConnection,
    campaign: Option<CampaignKey>,
    drifts: &mut Vec<Drift>,
) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"SELECT f.guild_id AS "guild_id: GuildId", f.campaign_id AS "campaign_id: CampaignId", f.participant_id,
                  format('rank %s, %s points, %s off, %s parts, %s ms', f.rank, f.points, f.penalty, f.parts_solved, f.total_ms)
                      AS "stored!",
                  coalesce(format('rank %s, %s points, %s off, %s parts, %s ms', p.rank, p.points, p.penalty, p.parts_solved,
                      p.total_ms), 'no such participant') AS "derived!"
           FROM campaigns.campaign_standings f
           LEFT JOIN (SELECT q.*, rank() OVER (PARTITION BY q.guild_id, q.campaign_id ORDER BY q.rank_major DESC, q.rank_minor) AS rank
                      FROM campaigns.campaign_participants q
                      WHERE ($1::bigint IS NULL OR q.guild_id = $1) AND ($2::uuid IS NULL OR q.campaign_id = $2)) p
                ON p.guild_id = f.guild_id AND p.campaign_id = f.campaign_id AND p.participant_id = f.participant_id
           WHERE f.snapshot = 'final' AND ($1::bigint IS NULL OR f.guild_id = $1) AND ($2::uuid IS NULL OR f.campaign_id = $2)
             AND (f.rank, f.points, f.penalty, f.parts_solved, f.total_ms)
                 IS DISTINCT FROM (p.rank, p.points, p.penalty, p.parts_solved, p.total_ms)"#,
        campaign.map(|key| key.guild_id.get()),
        campaign.map(|key| key.id.get()),
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        compare(
            drifts,
            (CampaignKey { guild_id: row.guild_id, id: row.campaign_id }, &row.participant_id),
            "final standing",
            (&row.stored, &row.derived),
        );
    }
    Ok(())
}
