//! The scores kept beside the participants.

use chrono::{DateTime, Utc};
use kernel::{Limit, Page};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{After, Named, Standing};
use crate::model::CampaignFacts;
use crate::rules::{RankKey, Score};

/// A row's place in the order of the leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    #[serde(rename = "b")]
    pub(super) bucket: i32,
    #[serde(rename = "j")]
    pub(super) major: i64,
    #[serde(rename = "n")]
    pub(super) minor: i64,
    /// The last right answer; `None` before the first, which sorts last.
    #[serde(rename = "t")]
    pub(super) last: Option<DateTime<Utc>>,
    #[serde(rename = "p")]
    pub(super) id: String,
}

impl Key {
    /// Before every row.
    fn top() -> Self {
        Self { bucket: i32::MAX, major: i64::MAX, minor: -1, last: None, id: String::new() }
    }

    pub(super) fn rank_key(&self) -> RankKey {
        RankKey { major: self.major, minor: self.minor }
    }
}

pub(super) struct Row {
    pub(super) bucket: i32,
    pub(super) rank_major: i64,
    pub(super) rank_minor: i64,
    pub(super) last_correct_at: Option<DateTime<Utc>>,
    pub(super) participant_id: String,
    pub(super) participant_type: String,
    pub(super) display_name: String,
    pub(super) points: i64,
    pub(super) penalty: i64,
    pub(super) parts_solved: i32,
    pub(super) total_ms: i64,
    /// Known for rows of the page's first two scores; the rest follows from their places.
    pub(super) rank: Option<i64>,
}

impl Row {
    pub(super) fn key(&self) -> Key {
        Key {
            bucket: self.bucket,
            major: self.rank_major,
            minor: self.rank_minor,
            last: self.last_correct_at,
            id: self.participant_id.clone(),
        }
    }

    pub(super) fn standing(self, rank: i64, facts: &CampaignFacts) -> sqlx::Result<Standing> {
        let score = Score {
            points: self.points,
            penalty: self.penalty,
            parts_solved: self.parts_solved,
            total_ms: self.total_ms,
        };
        let name =
            Named { id: self.participant_id, kind: self.participant_type, display_name: self.display_name };
        Standing::new(rank, facts.scoring, score, name, self.last_correct_at)
    }
}

/// A page after `after`. One statement, so that rows and ranks are of one instant. Its first branch goes on within a tie,
/// its second within a bucket, its third below the bucket; each is an index range in the order wanted. Ranks are counted
/// for the page's first two scores only: from the second on, a row's place among all is known.
#[kernel::boxed]
pub(super) async fn page(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    after: Option<Key>,
    limit: Limit,
) -> sqlx::Result<Page<Standing>> {
    let after = after.unwrap_or_else(Key::top);
    let rows = sqlx::query_as!(
        Row,
        r#"WITH page AS MATERIALIZED (
               (SELECT p.bucket, p.rank_major, p.rank_minor, p.last_correct_at, p.participant_id, p.participant_type,
                       p.guild_id, p.display_name, p.points, p.penalty, p.parts_solved, p.total_ms
                FROM campaigns.campaign_participants p
                WHERE p.guild_id = $8 AND p.campaign_id = $1 AND p.bucket = $2 AND p.rank_major = $3
                  AND (p.rank_minor, p.last_correct_at, p.participant_id)
                      > ($4, coalesce($5::timestamptz, 'infinity'), $6)
                ORDER BY p.rank_minor, p.last_correct_at, p.participant_id LIMIT $7)
               UNION ALL
               (SELECT p.bucket, p.rank_major, p.rank_minor, p.last_correct_at, p.participant_id, p.participant_type,
                       p.guild_id, p.display_name, p.points, p.penalty, p.parts_solved, p.total_ms
                FROM campaigns.campaign_participants p
                WHERE p.guild_id = $8 AND p.campaign_id = $1 AND p.bucket = $2 AND p.rank_major < $3
                ORDER BY p.rank_major DESC, p.rank_minor, p.last_correct_at, p.participant_id LIMIT $7)
               UNION ALL
               (SELECT p.bucket, p.rank_major, p.rank_minor, p.last_correct_at, p.participant_id, p.participant_type,
                       p.guild_id, p.display_name, p.points, p.penalty, p.parts_solved, p.total_ms
                FROM campaigns.campaign_participants p
                WHERE p.guild_id = $8 AND p.campaign_id = $1 AND p.bucket < $2
                ORDER BY p.bucket DESC, p.rank_major DESC, p.rank_minor, p.last_correct_at, p.participant_id LIMIT $7)
               LIMIT $7
           ), first_scores AS (
               SELECT p.bucket, p.rank_major, p.rank_minor FROM page p GROUP BY 1, 2, 3
               ORDER BY 1 DESC, 2 DESC, 3 LIMIT 2
           ), ranks AS MATERIALIZED (
               SELECT f.rank_major, f.rank_minor,
                      1 + coalesce((SELECT sum(b.participants) FROM campaigns.standing_buckets b
                                    WHERE b.guild_id = $8 AND b.campaign_id = $1 AND b.bucket > f.bucket), 0)
                        + (SELECT count(*) FROM campaigns.campaign_participants q
                           WHERE q.guild_id = $8 AND q.campaign_id = $1 AND q.bucket = f.bucket AND q.rank_major > f.rank_major)
                        + (SELECT count(*) FROM campaigns.campaign_participants q
                           WHERE q.guild_id = $8 AND q.campaign_id = $1 AND q.bucket = f.bucket AND q.rank_major = f.rank_major
                             AND q.rank_minor < f.rank_minor) AS rank
               FROM first_scores f
           )
           SELECT p.bucket AS "bucket!", p.rank_major AS "rank_major!", p.rank_minor AS "rank_minor!",
                  nullif(p.last_correct_at, 'infinity') AS last_correct_at, p.participant_id AS "participant_id!",
                  p.participant_type AS "participant_type!",
                  coalesce(CASE p.participant_type
                      WHEN 'player' THEN (SELECT k.name FROM people.known_as k
                                          WHERE k.guild_id = p.guild_id AND k.user_id = p.participant_id::bigint)
                      ELSE (SELECT q.name FROM squads.squads q
                            WHERE q.guild_id = p.guild_id AND q.id = p.participant_id::uuid)
                  END, p.display_name) AS "display_name!", p.points AS "points!",
                  p.penalty AS "penalty!", p.parts_solved AS "parts_solved!", p.total_ms AS "total_ms!", r.rank AS "rank?"
           FROM page p LEFT JOIN ranks r ON r.rank_major = p.rank_major AND r.rank_minor = p.rank_minor
           ORDER BY p.bucket DESC, p.rank_major DESC, p.rank_minor, p.last_correct_at, p.participant_id"#,
        facts.id.get(),
        after.bucket,
        after.major,
        after.minor,
        after.last,
        after.id,
        limit.plus_one(),
        facts.guild_id.get(),
    )
    .fetch_all(conn)
    .await?;
    let page = Page::new(rows, limit, |row| After::Live(row.key()));
    Ok(Page { items: ranked(page.items, facts)?, next: page.next })
}

/// Gives every row its rank. Rows come in order; the first score's rank and the second's are known, and a later score's
/// is that of the second plus the rows between.
fn ranked(rows: Vec<Row>, facts: &CampaignFacts) -> sqlx::Result<Vec<Standing>> {
    let mut standings = Vec::with_capacity(rows.len());
    let mut current: Option<(RankKey, i64)> = None;
    // The place among all of the second score's first row, and that row's index.
    let mut anchor: Option<(i64, usize)> = None;
    for (index, row) in rows.into_iter().enumerate() {
        let key = row.key().rank_key();
        let rank = match (current, row.rank) {
            (Some((same, rank)), _) if same == key => rank,
            (_, Some(rank)) => rank,
            (_, None) => anchor.map_or(0, |(rank, at)| rank + i64::try_from(index - at).unwrap_or(0)),
        };
        if anchor.is_none() && current.is_some_and(|(previous, _)| previous != key) {
            anchor = Some((rank, index));
        }
        current = Some((key, rank));
        standings.push(row.standing(rank, facts)?);
    }
    Ok(standings)
}
