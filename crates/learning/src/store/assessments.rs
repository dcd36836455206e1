//! How attempts stand with the assessments of their quests.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use kernel::GuildId;
use sqlx::PgConnection;
use uuid::Uuid;

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
    let mut all = assessments_in(conn, guild, &[attempt.get()]).await?;
    Ok(all.remove(&attempt).unwrap_or_default())
}

/// The assessments of these attempts that were graded, by attempt.
pub(crate) async fn assessments_in(
    conn: &mut PgConnection,
    guild: GuildId,
    attempts: &[Uuid],
) -> Result<HashMap<AttemptId, BTreeMap<AssessmentId, AssessmentState>>, Error> {
    let rows = sqlx::query!(
        r#"SELECT attempt_id AS "attempt: AttemptId", assessment_id AS "id: AssessmentId", (best_grade * 100)::int AS "best!", passed_at
             FROM learning.user_assessment_progress WHERE guild_id = $1 AND attempt_id = ANY ($2)"#,
        guild.get(),
        attempts,
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<AttemptId, BTreeMap<AssessmentId, AssessmentState>> = HashMap::new();
    for row in rows {
        let state = AssessmentState { best: row.best, passed_at: row.passed_at };
        all.entry(row.attempt).or_default().insert(row.id, state);
    }
    Ok(all)
}

/// Writes grades of an assessment: its id and short name. The best one stays unless it was corrected; what is passed stays so.
pub(crate) async fn assessments_put(
    conn: &mut PgConnection,
    guild: GuildId,
    assessment: (AssessmentId, &str),
    outcomes: &[(AttemptId, &Outcome)],
) -> Result<(), Error> {
    let attempts: Vec<Uuid> = outcomes.iter().map(|(attempt, _)| attempt.get()).collect();
    let grades: Vec<i32> = outcomes.iter().map(|(_, outcome)| outcome.grade).collect();
    let passed: Vec<bool> = outcomes.iter().map(|(_, outcome)| outcome.passed).collect();
    let corrects: Vec<bool> = outcomes.iter().map(|(_, outcome)| outcome.corrects).collect();
    sqlx::query!(
        "WITH given AS (
             SELECT d.attempt, d.grade / 100.0 AS grade, d.passed, d.corrects
               FROM unnest($4::uuid[], $5::int[], $6::boolean[], $7::boolean[]) AS d (attempt, grade, passed, corrects))
         INSERT INTO learning.user_assessment_progress AS p (guild_id, attempt_id, assessment_id, slug, best_grade, passed_at)
         SELECT $1, d.attempt, $2, $3, d.grade, CASE WHEN d.passed THEN now() END FROM given d
         ON CONFLICT ON CONSTRAINT pk_user_assessment_progress DO UPDATE
            SET best_grade = CASE WHEN (SELECT d.corrects FROM given d WHERE d.attempt = p.attempt_id) THEN excluded.best_grade
                                  ELSE greatest(p.best_grade, excluded.best_grade) END,
                passed_at = coalesce(p.passed_at, excluded.passed_at)",
        guild.get(),
        assessment.0.get(),
        assessment.1,
        &attempts,
        &grades,
        &passed,
        &corrects,
    )
    .execute(conn)
    .await?;
    Ok(())
}
