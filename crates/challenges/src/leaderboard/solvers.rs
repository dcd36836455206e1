//! Who solved a part of a challenge, in order of position.

use chrono::{DateTime, Utc};
use kernel::{ChallengeId, Page, PageQuery};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Leaderboard, View};
use crate::error::Error;
use crate::model::{CampaignFacts, ParticipantType};
use crate::rules::Scoring;

/// One solver of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Solver {
    /// The k-th solver, from 1.
    pub position: i32,
    /// A player's snowflake or a squad's UUID.
    pub participant_id: String,
    /// player or squad.
    pub participant_type: ParticipantType,
    /// The name as it is now.
    pub display_name: String,
    /// Points it brought (`point_based`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i32>,
    /// Milliseconds from the first request of the input.
    pub elapsed_ms: i64,
    /// When the answer arrived.
    pub solved_at: DateTime<Utc>,
}

/// A page of a part's solvers. What the view must not look past is left out.
pub async fn solvers(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    view: View,
    (challenge, part): (ChallengeId, i32),
    query: &PageQuery,
) -> Result<Leaderboard<Solver>, Error> {
    let limit = query.limit().map_err(Error::Invalid)?;
    let after: i32 = query.after().map_err(Error::Invalid)?.unwrap_or(0);
    let rows = sqlx::query!(
        r#"SELECT s.solve_position AS "position!", s.participant_id, s.participant_type, s.points_awarded,
                  s.elapsed_ms AS "elapsed_ms!", s.submission_timestamp,
                  coalesce(CASE p.participant_type
                      WHEN 'player' THEN (SELECT k.name FROM people.known_as k
                                          WHERE k.guild_id = p.guild_id AND k.user_id = p.participant_id::bigint)
                      ELSE (SELECT q.name FROM squads.squads q
                            WHERE q.guild_id = p.guild_id AND q.id = p.participant_id::uuid)
                  END, p.display_name) AS "display_name!"
           FROM challenges.challenge_submissions s
           JOIN campaigns.campaign_participants p ON p.guild_id = s.guild_id AND p.campaign_id = s.campaign_id AND p.participant_id = s.participant_id
           WHERE s.guild_id = $6 AND s.challenge_id = $1 AND s.part = $2 AND s.is_correct AND s.solve_position > 0
             AND s.solve_position > $3
             AND ($4::timestamptz IS NULL OR s.submission_timestamp < $4)
           ORDER BY s.solve_position LIMIT $5"#,
        challenge.get(),
        part,
        after,
        view.horizon(),
        limit.plus_one(),
        facts.guild_id.get(),
    )
    .fetch_all(conn)
    .await?;
    let solvers = rows.into_iter().map(|row| {
        Ok(Solver {
            position: row.position,
            participant_id: row.participant_id,
            participant_type: ParticipantType::from_column(&row.participant_type)?,
            display_name: row.display_name,
            points: (facts.scoring == Scoring::PointBased).then_some(row.points_awarded),
            elapsed_ms: row.elapsed_ms,
            solved_at: row.submission_timestamp,
        })
    });
    let page = Page::new(solvers.collect::<sqlx::Result<_>>()?, limit, |solver: &Solver| solver.position);
    Ok(Leaderboard::new(facts, view, page))
}
