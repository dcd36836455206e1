//! A quest as a member finds it: no lock is taken.

use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

use super::{Attempt, AttemptStatus};
use crate::error::Error;
use crate::ids::{AttemptId, LearnerId, QuestId};
use crate::model::learner::QuestHead;

/// A quest that was published, and the member's attempt at it.
#[derive(Debug, Clone)]
pub struct QuestSeen {
    /// What it is called and how the member stands with it.
    pub head: QuestHead,
    /// The version that is begun now, or was before it was retired.
    pub version: i32,
    /// That version's snapshot.
    pub(crate) snapshot: Value,
    /// The attempt.
    pub begun: Option<Begun>,
}

/// An attempt that is looked at.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Whose it is.
    pub learner: LearnerId,
    /// The attempt.
    pub attempt: Attempt,
    /// The snapshot of its version, where that is another than the one that is begun now.
    pub(crate) snapshot: Option<Value>,
}

/// Reads a quest that was published and the member's attempt at it, with their versions: one statement.
#[kernel::boxed]
pub async fn quest_seen(
    conn: &mut PgConnection,
    guild: GuildId,
    user: Option<UserId>,
    quest: QuestId,
) -> Result<QuestSeen, Error> {
    let row = sqlx::query!(
        r#"SELECT q.title, q.is_active, v.version, v.snapshot, l.auth_user_id AS "learner?: LearnerId", a.id AS "id?: AttemptId",
                  a.version AS "begun?", a.status AS "status?: AttemptStatus", a.started_at AS "started_at?", a.paused_at,
                  a.completed_at, a.restarts AS "restarts?", a.done_count AS "done?", a.total_count AS "total?",
                  a.total_experience_earned AS "experience_earned?", a.notes, b.snapshot AS "begun_snapshot?"
             FROM learning.quests q
             JOIN learning.quest_versions v ON v.guild_id = q.guild_id AND v.quest_id = q.id AND v.version = q.current_version
             LEFT JOIN learning.learners l ON l.guild_id = q.guild_id AND l.user_id = $3
             LEFT JOIN learning.user_quest_attempts a
                    ON a.guild_id = q.guild_id AND a.auth_user_id = l.auth_user_id AND a.quest_id = q.id
             LEFT JOIN learning.quest_versions b
                    ON b.guild_id = a.guild_id AND b.quest_id = a.quest_id AND b.version = a.version AND b.version <> v.version
            WHERE q.guild_id = $1 AND q.id = $2"#,
        guild.get(),
        quest.get(),
        user.map(UserId::get),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("quest"))?;
    let attempt = || {
        Some(Attempt {
            id: row.id?,
            quest,
            version: row.begun?,
            status: row.status?,
            started_at: row.started_at?,
            paused_at: row.paused_at,
            completed_at: row.completed_at,
            restarts: row.restarts?,
            done: row.done?,
            total: row.total?,
            experience_earned: row.experience_earned?,
            notes: row.notes.clone(),
        })
    };
    let begun = row.learner.zip(attempt());
    Ok(QuestSeen {
        head: QuestHead { id: quest, title: row.title, is_active: row.is_active, status: row.status },
        version: row.version,
        snapshot: row.snapshot,
        begun: begun.map(|(learner, attempt)| Begun { learner, attempt, snapshot: row.begun_snapshot }),
    })
}

/// What a quest that was published is called, and how the member stands with it.
pub(crate) async fn quest_head(
    conn: &mut PgConnection,
    guild: GuildId,
    user: Option<UserId>,
    quest: QuestId,
) -> Result<QuestHead, Error> {
    sqlx::query_as!(
        QuestHead,
        r#"SELECT q.id AS "id: QuestId", q.title, q.is_active, a.status AS "status?: AttemptStatus"
             FROM learning.quests q
             LEFT JOIN learning.learners l ON l.guild_id = q.guild_id AND l.user_id = $3
             LEFT JOIN learning.user_quest_attempts a
                    ON a.guild_id = q.guild_id AND a.auth_user_id = l.auth_user_id AND a.quest_id = q.id
            WHERE q.guild_id = $1 AND q.id = $2 AND q.current_version IS NOT NULL"#,
        guild.get(),
        quest.get(),
        user.map(UserId::get),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("quest"))
}
