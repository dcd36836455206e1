//! Progress through paths and chapters.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::learners::Learner;
use crate::error::Error;
use crate::ids::{ChapterId, LearnerId, PathId};

/// A path that a learner is enrolled in.
#[derive(Debug, Clone)]
pub(crate) struct Enrolled {
    /// The path.
    pub(crate) path: PathId,
    /// Whether it is completed.
    pub(crate) completed_at: Option<DateTime<Utc>>,
    /// Mandatory quests completed, as stored.
    pub(crate) done: i32,
    /// Mandatory quests, as stored.
    pub(crate) total: i32,
    /// The epoch that it was worked out for.
    pub(crate) epoch: i32,
}

/// The learner's enrolments, in the order of their keys.
pub(crate) async fn enrolments_of(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
) -> Result<Vec<Enrolled>, Error> {
    Ok(sqlx::query_as!(
        Enrolled,
        r#"SELECT learning_path_id AS "path: PathId", completed_at, completed_quests_count AS done, total_quests_count AS total,
                  membership_epoch AS epoch
             FROM learning.user_learning_path_progress WHERE guild_id = $1 AND auth_user_id = $2 ORDER BY learning_path_id"#,
        guild.get(),
        learner.get(),
    )
    .fetch_all(conn)
    .await?)
}

/// Enrols a learner; tells whether they were not.
pub(crate) async fn enrolment_insert(
    conn: &mut PgConnection,
    learner: &Learner,
    path: PathId,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "INSERT INTO learning.user_learning_path_progress (guild_id, auth_user_id, learning_path_id, status, started_at)
         VALUES ($1, $2, $3, 'InProgress', now())
         ON CONFLICT ON CONSTRAINT uq_user_learning_path_progress_auth_user_id_learning_path_id DO NOTHING",
        learner.guild.get(),
        learner.id.get(),
        path.get(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How far a learner is in a path.
#[derive(Debug)]
pub(crate) struct PathProgressRow {
    /// The path.
    pub(crate) path: PathId,
    /// Mandatory quests completed.
    pub(crate) done: i32,
    /// Mandatory quests.
    pub(crate) total: i32,
    /// Whether that is all, or once was.
    pub(crate) completed: bool,
    /// XP earned in it.
    pub(crate) earned: i32,
    /// The epoch that this is worked out for.
    pub(crate) epoch: i32,
}

/// Writes how far a learner is in a path. Completed stays completed.
pub(crate) async fn path_progress_put(
    conn: &mut PgConnection,
    learner: &Learner,
    row: &PathProgressRow,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.user_learning_path_progress
            SET completed_quests_count = $4, total_quests_count = $5, membership_epoch = $6, total_experience_earned = $7,
                status = CASE WHEN $8 THEN 'Completed' ELSE status END,
                completed_at = CASE WHEN $8 THEN coalesce(completed_at, now()) ELSE completed_at END,
                paused_at = CASE WHEN $8 THEN NULL ELSE paused_at END
          WHERE guild_id = $1 AND auth_user_id = $2 AND learning_path_id = $3",
        learner.guild.get(),
        learner.id.get(),
        row.path.get(),
        row.done,
        row.total,
        row.epoch,
        row.earned,
        row.completed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How far a learner is in a chapter.
#[derive(Debug)]
pub(crate) struct ChapterRow {
    /// The chapter.
    pub(crate) chapter: ChapterId,
    /// Mandatory quests completed.
    pub(crate) done: i32,
    /// Mandatory quests.
    pub(crate) total: i32,
    /// Whether that is all, or once was.
    pub(crate) completed: bool,
    /// The epoch that this is worked out for.
    pub(crate) epoch: i32,
}

/// Chapters that a learner has completed, of these.
pub(crate) async fn chapters_of(
    conn: &mut PgConnection,
    learner: &Learner,
    chapters: &[Uuid],
) -> Result<Vec<ChapterId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT chapter_id AS "chapter: ChapterId" FROM learning.user_chapter_progress
            WHERE guild_id = $1 AND auth_user_id = $2 AND chapter_id = ANY ($3) AND status = 'Completed'"#,
        learner.guild.get(),
        learner.id.get(),
        chapters,
    )
    .fetch_all(conn)
    .await?)
}

/// Writes how far a learner is in chapters. Completed stays completed.
pub(crate) async fn chapter_progress_put(
    conn: &mut PgConnection,
    learner: &Learner,
    rows: &[ChapterRow],
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.chapter.get()).collect();
    let done: Vec<i32> = rows.iter().map(|row| row.done).collect();
    let total: Vec<i32> = rows.iter().map(|row| row.total).collect();
    let completed: Vec<bool> = rows.iter().map(|row| row.completed).collect();
    let epochs: Vec<i32> = rows.iter().map(|row| row.epoch).collect();
    sqlx::query!(
        r#"INSERT INTO learning.user_chapter_progress AS p (guild_id, auth_user_id, chapter_id, status, started_at, completed_at,
                                                            completed_quests_count, total_quests_count, membership_epoch)
           SELECT $1, $2, c.id,
                  CASE WHEN c.completed THEN 'Completed' WHEN c.done > 0 THEN 'InProgress'
                       ELSE 'NotStarted' END::learning.path_progress_status,
                  CASE WHEN c.completed OR c.done > 0 THEN now() END, CASE WHEN c.completed THEN now() END, c.done, c.total, c.epoch
             FROM unnest($3::uuid[], $4::int[], $5::int[], $6::boolean[], $7::int[]) AS c (id, done, total, completed, epoch)
            ORDER BY c.id
           ON CONFLICT ON CONSTRAINT uq_user_chapter_progress_auth_user_id_chapter_id DO UPDATE
              SET status = CASE WHEN p.status = 'Completed' THEN p.status ELSE excluded.status END,
                  started_at = coalesce(p.started_at, excluded.started_at),
                  completed_at = coalesce(p.completed_at, excluded.completed_at),
                  completed_quests_count = excluded.completed_quests_count, total_quests_count = excluded.total_quests_count,
                  membership_epoch = excluded.membership_epoch"#,
        learner.guild.get(),
        learner.id.get(),
        &ids,
        &done,
        &total,
        &completed,
        &epochs,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Learners whose progress in some path was worked out for an earlier epoch of it.
pub(crate) async fn learners_behind(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(GuildId, UserId)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT l.guild_id AS "guild: GuildId", l.user_id AS "user: UserId"
             FROM learning.user_learning_path_progress p
             JOIN learning.learning_paths w ON w.guild_id = p.guild_id AND w.id = p.learning_path_id
             JOIN learning.learners l ON l.guild_id = p.guild_id AND l.auth_user_id = p.auth_user_id
            WHERE w.is_published AND p.membership_epoch <> w.membership_epoch LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild, row.user)).collect())
}

/// XP that all of published paths brings, and their descriptions: of one, or of all without them.
pub(crate) async fn paths_described(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<PathId>,
) -> Result<HashMap<PathId, (i32, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: PathId", total_experience_points AS total,
                  CASE WHEN $2::uuid IS NULL THEN '' ELSE description END AS "description!"
             FROM learning.learning_paths WHERE guild_id = $1 AND is_published AND ($2::uuid IS NULL OR id = $2)"#,
        guild.get(),
        only.map(PathId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, (row.total, row.description))).collect())
}
