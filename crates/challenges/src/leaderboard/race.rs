//! How some participants came by what they have: their right answers in the order of time.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::View;
use crate::error::Error;
use crate::model::CampaignFacts;

/// The most answers that are told; a chart of more could not be read.
const MAX_SOLVES: i64 = 2_000;

/// A right answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solve {
    /// Whose: a player's snowflake or a squad's UUID.
    pub participant_id: String,
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// Points it brought (`point_based`), before penalties.
    pub points: i32,
}

/// The right answers of these participants, earliest first. What the view must not look past is left out.
pub async fn race(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    view: View,
    participants: &[String],
) -> Result<Vec<Solve>, Error> {
    let solves = sqlx::query_as!(
        Solve,
        r#"SELECT participant_id, submission_timestamp AS at, points_awarded AS points
             FROM challenges.challenge_submissions
            WHERE guild_id = $1 AND campaign_id = $2 AND participant_id = ANY ($3) AND is_correct AND solve_position > 0
              AND submission_timestamp < coalesce($4, 'infinity'::timestamptz)
            ORDER BY submission_timestamp, id LIMIT $5"#,
        facts.guild_id.get(),
        facts.id.get(),
        participants,
        view.horizon(),
        MAX_SOLVES,
    )
    .fetch_all(conn)
    .await?;
    Ok(solves)
}
