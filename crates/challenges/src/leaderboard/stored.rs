//! Frozen and final standings: rows numbered once and for all.

use kernel::{Limit, Page};
use sqlx::PgConnection;

use super::{After, Named, Standing};
use crate::model::CampaignFacts;
use crate::rules::Score;
use crate::standings::Snapshot;

/// The rows after a position.
#[kernel::boxed]
pub(super) async fn page(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    snapshot: Snapshot,
    after: i32,
    limit: Limit,
) -> sqlx::Result<Page<Standing>> {
    let rows = rows(conn, facts, snapshot, after, limit.plus_one()).await?;
    let page = Page::new(rows, limit, |(position, _)| After::Stored(*position));
    Ok(page.map(|(_, standing)| standing))
}

/// Up to `count` rows after a position, each with its own.
pub(super) async fn rows(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    snapshot: Snapshot,
    after: i32,
    count: i64,
) -> sqlx::Result<Vec<(i32, Standing)>> {
    let rows = sqlx::query!(
        r#"SELECT s.position, s.rank, s.participant_id, s.participant_type, s.points, s.penalty, s.parts_solved,
                  s.total_ms, s.last_correct_at,
                  coalesce(CASE s.participant_type
                      WHEN 'player' THEN (SELECT k.name FROM people.known_as k
                                          WHERE k.guild_id = s.guild_id AND k.user_id = s.participant_id::bigint)
                      ELSE (SELECT q.name FROM squads.squads q
                            WHERE q.guild_id = s.guild_id AND q.id = s.participant_id::uuid)
                  END, s.display_name) AS "display_name!"
           FROM campaigns.campaign_standings s
           WHERE s.guild_id = $5 AND s.campaign_id = $1 AND s.snapshot = $2 AND s.position > $3
           ORDER BY s.position LIMIT $4"#,
        facts.id.get(),
        snapshot.as_str(),
        after,
        count,
        facts.guild_id.get(),
    )
    .fetch_all(conn)
    .await?;
    let standings = rows.into_iter().map(|row| {
        let score = Score {
            points: row.points,
            penalty: row.penalty,
            parts_solved: row.parts_solved,
            total_ms: row.total_ms,
        };
        let name =
            Named { id: row.participant_id, kind: row.participant_type, display_name: row.display_name };
        Ok((row.position, Standing::new(row.rank.into(), facts.scoring, score, name, row.last_correct_at)?))
    });
    standings.collect()
}

/// A participant's position, if they stand there.
pub(super) async fn position(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    snapshot: Snapshot,
    participant_id: &str,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        "SELECT position FROM campaigns.campaign_standings WHERE guild_id = $4 AND campaign_id = $1 AND snapshot = $2 AND participant_id = $3",
        facts.id.get(),
        snapshot.as_str(),
        participant_id,
        facts.guild_id.get(),
    )
    .fetch_optional(conn)
    .await
}
