//! How attempts stand with the assessments of their quests.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::GuildId;
use sqlx::PgConnection;

use super::learners::Learner;
use crate::error::Error;
use crate::ids::{AssessmentId, AttemptId};
use crate::ops::Outcome;

/// How somebody stands with an assessment that was graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssessmentState {
    /// Best grade, in hundredths of a percent, after penalties.
    pub best: i32,
    /// When it was first passed.
    pub passed_at: Option<DateTime<Utc>>,
}

/// The assessments of an attempt that were graded.
#[kernel::boxed]
pub async fn assessments_of(
    conn: &mut PgConnection,
    guild: GuildId,
    attempt: AttemptId,
) -> Result<BTreeMap<AssessmentId, AssessmentState>, Error> {
    let rows = sqlx::query!(
        r#"SELECT assessment_id AS "id: AssessmentId", (best_grade * 100)::int AS "best!", passed_at
             FROM learning.user_assessment_progress WHERE guild_id = $1 AND attempt_id = $2"#,
        guild.get(),
        attempt.get(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, AssessmentState { best: row.best, passed_at: row.passed_at }))
        .collect())
}

/// Writes a grade of an assessment: its id and short name. The best one stays unless it was corrected; what is passed stays so.
pub(crate) async fn assessment_put(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: AttemptId,
    assessment: (AssessmentId, &str),
    outcome: &Outcome,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO learning.user_assessment_progress AS p (guild_id, attempt_id, assessment_id, slug, best_grade, passed_at)
         VALUES ($1, $2, $3, $4, $5::int / 100.0, CASE WHEN $6 THEN now() END)
         ON CONFLICT ON CONSTRAINT pk_user_assessment_progress DO UPDATE
            SET best_grade = CASE WHEN $7 THEN excluded.best_grade ELSE greatest(p.best_grade, excluded.best_grade) END,
                passed_at = coalesce(p.passed_at, excluded.passed_at)",
        learner.guild.get(),
        attempt.get(),
        assessment.0.get(),
        assessment.1,
        outcome.grade,
        outcome.passed,
        outcome.corrects,
    )
    .execute(conn)
    .await?;
    Ok(())
}
