//! Graded tries read again and written anew, many at once, for a regrade by another key.

use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::learners::Learner;
use crate::error::Error;
use crate::ids::{AssessmentId, AttemptId, LearnerId, QuestId, StepId, Subject, TryId};

/// A try at a quiz that was graded. Scores are ten-thousandths of points.
#[derive(Debug, Clone)]
pub struct GradedTry {
    /// Its id.
    pub id: TryId,
    /// The attempt.
    pub attempt: AttemptId,
    /// The learner.
    pub learner: LearnerId,
    /// The same person as a member.
    pub user: UserId,
    /// Restarts of the attempt before it.
    pub run: i32,
    /// Score.
    pub score: i64,
    /// Full score.
    pub full: i64,
    /// Whether it passes.
    pub passed: bool,
}

/// An answer of such a try.
#[derive(Debug, Clone)]
pub struct GradedResponse {
    /// The try.
    pub try_id: TryId,
    /// The question, by its short name.
    pub item: String,
    /// SHA-256 of the question with the key that it was graded by.
    pub hash: Vec<u8>,
    /// Values that stood in its text.
    pub parameters: Value,
    /// The canonical answer; none where it was left out.
    pub answer: Option<Value>,
    /// Score.
    pub score: i64,
    /// Full score.
    pub full: i64,
}

/// The next graded tries at a quiz after one of them, in the order of their ids.
pub async fn graded_tries(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
    subject: Subject,
    after: Option<TryId>,
    limit: i64,
) -> Result<Vec<GradedTry>, Error> {
    Ok(sqlx::query_as!(
        GradedTry,
        r#"SELECT t.id AS "id: TryId", t.attempt_id AS "attempt: AttemptId", t.auth_user_id AS "learner: LearnerId",
                  l.user_id AS "user: UserId", t.run, (t.score * 10000)::bigint AS "score!", (t.max_score * 10000)::bigint AS "full!",
                  t.is_passed AS "passed!"
             FROM learning.item_tries t
             JOIN learning.learners l ON l.guild_id = t.guild_id AND l.auth_user_id = t.auth_user_id
             JOIN learning.user_quest_attempts a ON a.guild_id = t.guild_id AND a.id = t.attempt_id AND a.quest_id = $2
            WHERE t.guild_id = $1 AND ($3::uuid IS NULL OR t.step_id = $3) AND ($4::uuid IS NULL OR t.assessment_id = $4)
              AND t.status = 'graded' AND t.id > $5
            ORDER BY t.id LIMIT $6"#,
        guild.get(),
        quest.get(),
        subject.step().map(StepId::get),
        subject.assessment().map(AssessmentId::get),
        after.map_or(Uuid::nil(), TryId::get),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// The answers of tries, in no order.
pub async fn graded_responses(
    conn: &mut PgConnection,
    guild: GuildId,
    tries: &[Uuid],
) -> Result<Vec<GradedResponse>, Error> {
    Ok(sqlx::query_as!(
        GradedResponse,
        r#"SELECT try_id AS "try_id: TryId", item, item_hash AS hash, parameters, answer, (score * 10000)::bigint AS "score!",
                  (max_score * 10000)::bigint AS "full!"
             FROM learning.item_responses WHERE guild_id = $1 AND try_id = ANY ($2)"#,
        guild.get(),
        tries,
    )
    .fetch_all(conn)
    .await?)
}

/// The programs of these tries.
pub async fn programs_of(
    conn: &mut PgConnection,
    guild: GuildId,
    tries: &[Uuid],
) -> Result<Vec<(TryId, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: TryId", answer->>'code' AS "code!" FROM learning.item_tries
            WHERE guild_id = $1 AND id = ANY ($2) AND answer->>'code' IS NOT NULL ORDER BY id"#,
        guild.get(),
        tries,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.code)).collect())
}

/// Writes what learners are told of their programs from now on. Their learners are locked.
pub async fn programs_told(
    conn: &mut PgConnection,
    guild: GuildId,
    told: &[(TryId, Value)],
) -> Result<(), Error> {
    let (ids, told): (Vec<Uuid>, Vec<Value>) = told.iter().map(|(id, told)| (id.get(), told.clone())).unzip();
    sqlx::query!(
        "UPDATE learning.item_tries t SET feedback = d.feedback FROM unnest($2::uuid[], $3::jsonb[]) AS d (id, feedback)
          WHERE t.guild_id = $1 AND t.id = d.id",
        guild.get(),
        &ids,
        &told,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks these learners, in the order of their ids; those who are gone are not among the answer.
pub async fn learners_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    learners: &[Uuid],
) -> Result<Vec<Learner>, Error> {
    let rows = sqlx::query!(
        r#"SELECT auth_user_id AS "id: LearnerId", user_id AS "user: UserId" FROM learning.learners
            WHERE guild_id = $1 AND auth_user_id = ANY ($2) ORDER BY auth_user_id FOR NO KEY UPDATE"#,
        guild.get(),
        learners,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Learner { guild, user: row.user, id: row.id }).collect())
}

/// Writes what tries and their answers come to by another key, and the best of each attempt concerned. Their learners are locked.
#[kernel::boxed]
pub async fn tries_regrade(
    conn: &mut PgConnection,
    guild: GuildId,
    subject: Subject,
    tries: &[GradedTry],
    responses: &[GradedResponse],
) -> Result<(), Error> {
    let ids: Vec<Uuid> = responses.iter().map(|one| one.try_id.get()).collect();
    let items: Vec<&str> = responses.iter().map(|one| one.item.as_str()).collect();
    let hashes: Vec<&[u8]> = responses.iter().map(|one| one.hash.as_slice()).collect();
    let scores: Vec<i64> = responses.iter().map(|one| one.score).collect();
    let fulls: Vec<i64> = responses.iter().map(|one| one.full).collect();
    sqlx::query!(
        "UPDATE learning.item_responses r
            SET item_hash = d.hash, score = d.score / 10000.0, max_score = d.full_score / 10000.0
           FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::bigint[], $6::bigint[]) AS d (id, item, hash, score, full_score)
          WHERE r.guild_id = $1 AND r.try_id = d.id AND r.item = d.item",
        guild.get(),
        &ids,
        &items as &[&str],
        &hashes as &[&[u8]],
        &scores,
        &fulls,
    )
    .execute(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = tries.iter().map(|one| one.id.get()).collect();
    let scores: Vec<i64> = tries.iter().map(|one| one.score).collect();
    let fulls: Vec<i64> = tries.iter().map(|one| one.full).collect();
    let passed: Vec<bool> = tries.iter().map(|one| one.passed).collect();
    sqlx::query!(
        "UPDATE learning.item_tries t SET score = d.score / 10000.0, max_score = d.full_score / 10000.0, is_passed = d.passed
           FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::boolean[]) AS d (id, score, full_score, passed)
          WHERE t.guild_id = $1 AND t.id = d.id",
        guild.get(),
        &ids,
        &scores,
        &fulls,
        &passed,
    )
    .execute(&mut *conn)
    .await?;
    let attempts: Vec<Uuid> = tries.iter().map(|one| one.attempt.get()).collect();
    match subject {
        Subject::Step(step) => {
            sqlx::query!(
                "UPDATE learning.user_quest_step_progress p SET score = b.best
                   FROM (SELECT t.attempt_id, max(div(t.score * 10000, t.max_score) / 100) AS best
                           FROM learning.item_tries t
                           JOIN learning.user_quest_attempts a ON a.guild_id = t.guild_id AND a.id = t.attempt_id AND a.restarts = t.run
                          WHERE t.guild_id = $1 AND t.step_id = $2 AND t.attempt_id = ANY ($3) AND t.status = 'graded'
                          GROUP BY t.attempt_id) b
                  WHERE p.guild_id = $1 AND p.attempt_id = b.attempt_id AND p.step_id = $2",
                guild.get(),
                step.get(),
                &attempts,
            )
            .execute(conn)
            .await?;
        }
        Subject::Assessment(assessment) => {
            sqlx::query!(
                "UPDATE learning.user_assessment_progress p SET best_grade = b.best
                   FROM (SELECT t.attempt_id, max(div(t.score * 10000, t.max_score) / 100) AS best
                           FROM learning.item_tries t
                          WHERE t.guild_id = $1 AND t.assessment_id = $2 AND t.attempt_id = ANY ($3) AND t.status = 'graded'
                          GROUP BY t.attempt_id) b
                  WHERE p.guild_id = $1 AND p.attempt_id = b.attempt_id AND p.assessment_id = $2",
                guild.get(),
                assessment.get(),
                &attempts,
            )
            .execute(conn)
            .await?;
        }
    }
    Ok(())
}
