//! Progress through paths and chapters.

use std::collections::{HashMap, HashSet};

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
    /// The learner.
    pub(crate) learner: LearnerId,
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

/// What these learners are enrolled in, in the order of its keys.
pub(crate) async fn enrolments_of(
    conn: &mut PgConnection,
    guild: GuildId,
    learners: &[Uuid],
) -> Result<Vec<Enrolled>, Error> {
    Ok(sqlx::query_as!(
        Enrolled,
        r#"SELECT auth_user_id AS "learner: LearnerId", learning_path_id AS "path: PathId", completed_at,
                  completed_quests_count AS done, total_quests_count AS total, membership_epoch AS epoch
             FROM learning.user_learning_path_progress WHERE guild_id = $1 AND auth_user_id = ANY ($2)
            ORDER BY auth_user_id, learning_path_id"#,
        guild.get(),
        learners,
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
    /// The learner.
    pub(crate) learner: LearnerId,
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

/// Writes how far learners are in paths. Completed stays completed.
pub(crate) async fn path_progress_put(
    conn: &mut PgConnection,
    guild: GuildId,
    rows: &[PathProgressRow],
) -> Result<(), Error> {
    let learners: Vec<Uuid> = rows.iter().map(|row| row.learner.get()).collect();
    let paths: Vec<Uuid> = rows.iter().map(|row| row.path.get()).collect();
    let done: Vec<i32> = rows.iter().map(|row| row.done).collect();
    let total: Vec<i32> = rows.iter().map(|row| row.total).collect();
    let epochs: Vec<i32> = rows.iter().map(|row| row.epoch).collect();
    let earned: Vec<i32> = rows.iter().map(|row| row.earned).collect();
    let completed: Vec<bool> = rows.iter().map(|row| row.completed).collect();
    sqlx::query!(
        "UPDATE learning.user_learning_path_progress p
            SET completed_quests_count = d.done, total_quests_count = d.total, membership_epoch = d.epoch,
                total_experience_earned = d.earned, status = CASE WHEN d.completed THEN 'Completed' ELSE p.status END,
                completed_at = CASE WHEN d.completed THEN coalesce(p.completed_at, now()) ELSE p.completed_at END,
                paused_at = CASE WHEN d.completed THEN NULL ELSE p.paused_at END
           FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::int[], $7::int[], $8::boolean[])
                AS d (learner, path, done, total, epoch, earned, completed)
          WHERE p.guild_id = $1 AND p.auth_user_id = d.learner AND p.learning_path_id = d.path",
        guild.get(),
        &learners,
        &paths,
        &done,
        &total,
        &epochs,
        &earned,
        &completed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How far a learner is in a chapter.
#[derive(Debug)]
pub(crate) struct ChapterRow {
    /// The learner.
    pub(crate) learner: LearnerId,
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

/// Which of these chapters these learners have completed.
pub(crate) async fn chapters_of(
    conn: &mut PgConnection,
    guild: GuildId,
    learners: &[Uuid],
    chapters: &[Uuid],
) -> Result<HashSet<(LearnerId, ChapterId)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT auth_user_id AS "learner: LearnerId", chapter_id AS "chapter: ChapterId" FROM learning.user_chapter_progress
            WHERE guild_id = $1 AND auth_user_id = ANY ($2) AND chapter_id = ANY ($3) AND status = 'Completed'"#,
        guild.get(),
        learners,
        chapters,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.learner, row.chapter)).collect())
}

/// Writes how far learners are in chapters. Completed stays completed.
pub(crate) async fn chapter_progress_put(
    conn: &mut PgConnection,
    guild: GuildId,
    rows: &[ChapterRow],
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let learners: Vec<Uuid> = rows.iter().map(|row| row.learner.get()).collect();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.chapter.get()).collect();
    let done: Vec<i32> = rows.iter().map(|row| row.done).collect();
    let total: Vec<i32> = rows.iter().map(|row| row.total).collect();
    let completed: Vec<bool> = rows.iter().map(|row| row.completed).collect();
    let epochs: Vec<i32> = rows.iter().map(|row| row.epoch).collect();
    sqlx::query!(
        r#"INSERT INTO learning.user_chapter_progress AS p (guild_id, auth_user_id, chapter_id, status, started_at, completed_at,
                                                            completed_quests_count, total_quests_count, membership_epoch)
           SELECT $1, c.learner, c.id,
                  CASE WHEN c.completed THEN 'Completed' WHEN c.done > 0 THEN 'InProgress'
                       ELSE 'NotStarted' END::learning.path_progress_status,
                  CASE WHEN c.completed OR c.done > 0 THEN now() END, CASE WHEN c.completed THEN now() END, c.done, c.total, c.epoch
             FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::boolean[], $7::int[])
                  AS c (learner, id, done, total, completed, epoch)
            ORDER BY c.learner, c.id
           ON CONFLICT ON CONSTRAINT uq_user_chapter_progress_auth_user_id_chapter_id DO UPDATE
              SET status = CASE WHEN p.status = 'Completed' THEN p.status ELSE excluded.status END,
                  started_at = coalesce(p.started_at, excluded.started_at),
                  completed_at = coalesce(p.completed_at, excluded.completed_at),
                  completed_quests_count = excluded.completed_quests_count, total_quests_count = excluded.total_quests_count,
                  membership_epoch = excluded.membership_epoch"#,
        guild.get(),
        &learners,
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
