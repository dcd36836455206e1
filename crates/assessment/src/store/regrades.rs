//! Regrades, and how far they are.

use kernel::GuildId;
use learning::ids::{AssessmentId, QuestId, StepId, TryId};
use learning::store::GradedTry;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::ids::RegradeId;
use crate::model::regrade::{Difference, NewRegrade, Regrade};

/// Keeps that a regrade was asked for.
pub(crate) async fn regrade_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewRegrade,
    key_version: i32,
    by: Option<Uuid>,
) -> Result<RegradeId, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO assessment.regrades (guild_id, quest_id, step_id, assessment_id, key_version, lowers, reason, requested_by, dry)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id AS "id: RegradeId""#,
        guild.get(),
        new.quest_id.get(),
        new.step_id.map(StepId::get),
        new.assessment_id.map(AssessmentId::get),
        key_version,
        new.lowers,
        new.reason.trim(),
        by,
        new.dry,
    )
    .fetch_one(conn)
    .await?)
}

/// Regrades, the latest first; or one.
pub(crate) async fn regrade_list(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<RegradeId>,
) -> Result<Vec<Regrade>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: RegradeId", quest_id AS "quest_id: QuestId", step_id AS "step_id: StepId",
                  assessment_id AS "assessment_id: AssessmentId", key_version, lowers, dry, status, looked_at, changed, passed, reason,
                  created_at, finished_at, differences
             FROM assessment.regrades WHERE guild_id = $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY id DESC LIMIT 200"#,
        guild.get(),
        only.map(RegradeId::get),
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let differences = serde_json::from_value(row.differences);
        Ok(Regrade {
            id: row.id,
            quest_id: row.quest_id,
            step_id: row.step_id,
            assessment_id: row.assessment_id,
            key_version: row.key_version,
            lowers: row.lowers,
            dry: row.dry,
            status: row.status,
            looked_at: row.looked_at,
            changed: row.changed,
            passed: row.passed,
            reason: row.reason,
            created_at: row.created_at,
            finished_at: row.finished_at,
            differences: differences.map_err(|error| Error::Corrupt("a regrade", error))?,
        })
    });
    rows.collect()
}

/// Locks a regrade; tells the try it got to.
pub(crate) async fn regrade_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    id: RegradeId,
) -> Result<Option<Option<TryId>>, Error> {
    let row = sqlx::query!(
        r#"SELECT after_try AS "after: TryId" FROM assessment.regrades WHERE guild_id = $1 AND id = $2 AND status = 'running' FOR UPDATE"#,
        guild.get(),
        id.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.after))
}

/// What a batch did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) last: Option<TryId>,
    pub(crate) looked_at: usize,
    pub(crate) changed: usize,
    pub(crate) passed: usize,
}

/// Writes how far a regrade is; without a last try, that it is done.
pub(crate) async fn regrade_advance(
    conn: &mut PgConnection,
    guild: GuildId,
    id: RegradeId,
    batch: Batch,
    differences: &[Difference],
) -> Result<(), Error> {
    let differences =
        serde_json::to_value(differences).map_err(|error| Error::Corrupt("a regrade", error))?;
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    sqlx::query!(
        "UPDATE assessment.regrades
            SET after_try = coalesce($3, after_try), looked_at = looked_at + $4, changed = changed + $5, passed = passed + $6,
                differences = differences || $7,
                status = CASE WHEN $3::uuid IS NULL THEN 'done' ELSE status END,
                finished_at = CASE WHEN $3::uuid IS NULL THEN now() END
          WHERE guild_id = $1 AND id = $2",
        guild.get(),
        id.get(),
        batch.last.map(TryId::get),
        count(batch.looked_at),
        count(batch.changed),
        count(batch.passed),
        differences,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes into the history how tries changed: as they were, and as they are.
pub(crate) async fn regrades_record(
    conn: &mut PgConnection,
    guild: GuildId,
    regrade: &Regrade,
    changes: &[(&GradedTry, &GradedTry)],
) -> Result<(), Error> {
    let share = |one: &GradedTry| i64::from(crate::rules::regrade::share(one));
    let learners: Vec<Uuid> = changes.iter().map(|(was, _)| was.learner.get()).collect();
    let tries: Vec<Uuid> = changes.iter().map(|(was, _)| was.id.get()).collect();
    let olds: Vec<i64> = changes.iter().map(|(was, _)| share(was)).collect();
    let news: Vec<i64> = changes.iter().map(|(_, now)| share(now)).collect();
    let passed_before: Vec<bool> = changes.iter().map(|(was, _)| was.passed).collect();
    let passed: Vec<bool> = changes.iter().map(|(_, now)| now.passed).collect();
    sqlx::query!(
        "INSERT INTO assessment.grade_history (guild_id, auth_user_id, quest_id, version, try_id, changed_by, cause, old_grade,
                                               new_grade, old_is_passed, new_is_passed, reason)
         SELECT $1, d.learner, $2, $3, d.try_id, (SELECT requested_by FROM assessment.regrades WHERE guild_id = $1 AND id = $4),
                'regrade', d.old / 100.0, d.new / 100.0, d.passed_before, d.passed, $5
           FROM unnest($6::uuid[], $7::uuid[], $8::bigint[], $9::bigint[], $10::boolean[], $11::boolean[])
                AS d (learner, try_id, old, new, passed_before, passed)",
        guild.get(),
        regrade.quest_id.get(),
        regrade.key_version,
        regrade.id.get(),
        regrade.reason,
        &learners,
        &tries,
        &olds,
        &news,
        &passed_before,
        &passed,
    )
    .execute(conn)
    .await?;
    Ok(())
}
