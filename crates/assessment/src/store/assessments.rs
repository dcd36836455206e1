//! The rows of assessments, which are locks.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::GuildId;
use learning::ids::{AssessmentId, AttemptId, LearnerId, QuestId};
use learning::model::assessment::AssessmentType;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// Proof that an assessment's row is locked until the transaction ends: nobody else gives out or ends its reviews meanwhile.
#[derive(Debug)]
pub(crate) struct AssessmentLock {
    pub(crate) guild: GuildId,
    pub(crate) id: AssessmentId,
}

/// Makes the row of an assessment for which something is handed in.
pub(crate) async fn assessment_ensure(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
    slug: &str,
    kind: AssessmentType,
) -> Result<AssessmentId, Error> {
    let id = AssessmentId::of(quest, slug);
    sqlx::query!(
        "INSERT INTO assessment.quest_assessments (guild_id, id, quest_id, slug, assessment_type)
         VALUES ($1, $2, $3, $4, $5::text::assessment.assessment_type) ON CONFLICT DO NOTHING",
        guild.get(),
        id.get(),
        quest.get(),
        slug,
        kind.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Locks an assessment; 404 where nothing was ever handed in for it.
#[kernel::boxed]
pub(crate) async fn assessment_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    id: AssessmentId,
) -> Result<AssessmentLock, Error> {
    sqlx::query!(
        "SELECT id FROM assessment.quest_assessments WHERE guild_id = $1 AND id = $2 FOR NO KEY UPDATE",
        guild.get(),
        id.get(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("assessment"))?;
    Ok(AssessmentLock { guild, id })
}

/// How a learner stands with an assessment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stand {
    /// Best grade in hundredths of a percent, after penalties.
    pub(crate) best: Option<i32>,
    pub(crate) passed: bool,
    /// Tries at what is graded at once, those before a restart too.
    pub(crate) tries: i32,
    /// Their own deadline, where they were given one.
    pub(crate) extension: Option<DateTime<Utc>>,
    /// Reviews of others that they owe.
    pub(crate) owed: i32,
}

/// How a learner stands with these assessments of their attempt.
pub(crate) async fn stands_of(
    conn: &mut PgConnection,
    guild: GuildId,
    (attempt, learner): (AttemptId, LearnerId),
    assessments: &[AssessmentId],
) -> Result<HashMap<AssessmentId, Stand>, Error> {
    let ids: Vec<Uuid> = assessments.iter().map(|id| id.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT asked.id AS "id!: AssessmentId", (p.best_grade * 100)::int AS best, p.passed_at IS NOT NULL AS "passed!",
                  (SELECT count(*)::int FROM learning.item_tries t
                    WHERE t.guild_id = $1 AND t.attempt_id = $2 AND t.assessment_id = asked.id) AS "tries!",
                  e.due_at AS "extension?", coalesce(greatest(d.owed - d.written - d.forgiven, 0), 0) AS "owed!"
             FROM unnest($4::uuid[]) AS asked (id)
             LEFT JOIN learning.user_assessment_progress p
                    ON p.guild_id = $1 AND p.attempt_id = $2 AND p.assessment_id = asked.id
             LEFT JOIN assessment.deadline_extensions e
                    ON e.guild_id = $1 AND e.assessment_id = asked.id AND e.auth_user_id = $3
             LEFT JOIN assessment.review_debts d ON d.guild_id = $1 AND d.assessment_id = asked.id AND d.reviewer_id = $3"#,
        guild.get(),
        attempt.get(),
        learner.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let stands = rows.into_iter().map(|row| {
        let stand = Stand {
            best: row.best,
            passed: row.passed,
            tries: row.tries,
            extension: row.extension,
            owed: row.owed,
        };
        (row.id, stand)
    });
    Ok(stands.collect())
}
