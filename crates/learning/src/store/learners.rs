//! Learners: their lock, and what is the case for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::Error;
use crate::ids::{LearnerId, QuestId};

/// A learner whose row is locked until the transaction ends: the proof that whoever holds it is alone with what is theirs.
#[derive(Debug, Clone, Copy)]
pub struct Learner {
    /// The guild.
    pub guild: GuildId,
    /// The person, as a member.
    pub user: UserId,
    /// The person, as a learner.
    pub id: LearnerId,
}

/// Locks a learner; makes them known as a member and a learner, if they are not.
#[kernel::boxed]
pub async fn learner_lock(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<Learner, Error> {
    if let Some(id) = lock(&mut *conn, guild, user).await? {
        return Ok(Learner { guild, user, id });
    }
    people::member_ensure(&mut *conn, guild, user, None).await?;
    sqlx::query!(
        r#"INSERT INTO learning.learners (guild_id, auth_user_id, user_id)
           SELECT $1, u.auth_user_id, u.id FROM people.users u WHERE u.id = $2
           ON CONFLICT DO NOTHING"#,
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?;
    let id = lock(conn, guild, user).await?.ok_or(Error::NotFound("member"))?;
    Ok(Learner { guild, user, id })
}

async fn lock(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Option<LearnerId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT auth_user_id AS "id: LearnerId" FROM learning.learners WHERE guild_id = $1 AND user_id = $2 FOR NO KEY UPDATE"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await
}

/// The learner, if this member has begun to learn; without a lock, to look.
#[kernel::boxed]
pub async fn learner_find(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Option<LearnerId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT auth_user_id AS "id: LearnerId" FROM learning.learners WHERE guild_id = $1 AND user_id = $2"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await?)
}

/// Those of these members who have begun to learn; without a lock, to look.
pub async fn learners_find(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[UserId],
) -> Result<HashMap<UserId, LearnerId>, Error> {
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT user_id AS "user: UserId", auth_user_id AS "id: LearnerId" FROM learning.learners
            WHERE guild_id = $1 AND user_id = ANY ($2)"#,
        guild.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user, row.id)).collect())
}

/// Locks those of these members who have begun to learn, in the order of their ids.
pub(crate) async fn members_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[UserId],
) -> Result<Vec<Learner>, Error> {
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT auth_user_id AS "id: LearnerId", user_id AS "user: UserId" FROM learning.learners
            WHERE guild_id = $1 AND user_id = ANY ($2) ORDER BY auth_user_id FOR NO KEY UPDATE"#,
        guild.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Learner { guild, user: row.user, id: row.id }).collect())
}

/// What is the case for a member, but for what only the guild's graph tells.
#[derive(Debug, Clone, Default)]
pub struct MemberFacts {
    /// Quests completed.
    pub done: BTreeSet<QuestId>,
    /// XP.
    pub xp: i64,
    /// Level.
    pub level: i32,
    /// Points by skill.
    pub skills: BTreeMap<String, i64>,
    /// Achievements.
    pub achievements: BTreeSet<i32>,
    /// The database's time.
    pub now: DateTime<Utc>,
}

/// What is the case for a member, and what they have as a learner; see [`member_state`].
#[derive(Debug, Clone)]
pub struct MemberState {
    /// The revision of what the guild offers; none where nothing was ever published.
    pub revision: Option<Uuid>,
    /// Who they are as a learner, if they have begun to learn.
    pub learner: Option<LearnerId>,
    /// What is the case for them.
    pub facts: MemberFacts,
    /// Quests that were unlocked for them, which stay so.
    pub unlocked: BTreeSet<QuestId>,
}

/// Reads what is the case for a member, learner or not yet; for nobody in particular, what is from the beginning. One statement, so that
/// it is of one instant.
#[kernel::boxed]
pub async fn member_state(
    conn: &mut PgConnection,
    guild: GuildId,
    user: Option<UserId>,
) -> Result<MemberState, Error> {
    let row = sqlx::query!(
        r#"SELECT now() AS "now!", coalesce(m.xp, 0) AS "xp!", coalesce(m.level, 1) AS "level!",
                  (SELECT c.revision FROM learning.catalogues c WHERE c.guild_id = $1) AS "revision?",
                  (SELECT l.auth_user_id FROM learning.learners l WHERE l.guild_id = $1 AND l.user_id = $2) AS "learner?: LearnerId",
                  ARRAY(SELECT u.quest_id FROM learning.quest_unlocks u
                          JOIN learning.learners l ON l.guild_id = u.guild_id AND l.auth_user_id = u.auth_user_id
                         WHERE l.guild_id = $1 AND l.user_id = $2) AS "unlocked!: Vec<QuestId>",
                  ARRAY(SELECT a.quest_id FROM learning.user_quest_attempts a
                          JOIN learning.learners l ON l.guild_id = a.guild_id AND l.auth_user_id = a.auth_user_id
                         WHERE l.guild_id = $1 AND l.user_id = $2 AND a.completed_at IS NOT NULL) AS "done!: Vec<QuestId>",
                  (SELECT jsonb_object_agg(s.slug, u.skill_points) FROM community.user_skills u
                     JOIN community.skills s ON s.guild_id = u.guild_id AND s.id = u.skill_id
                    WHERE u.guild_id = $1 AND u.user_id = $2) AS "skills?: Json<BTreeMap<String, i64>>",
                  ARRAY(SELECT a.achievement_id FROM progress.user_achievements a
                         WHERE a.guild_id = $1 AND a.user_id = $2 AND a.revoked_at IS NULL) AS "achievements!"
             FROM (SELECT 1) one
             LEFT JOIN people.members m ON m.guild_id = $1 AND m.user_id = $2"#,
        guild.get(),
        user.map(UserId::get),
    )
    .fetch_one(conn)
    .await?;
    Ok(MemberState {
        revision: row.revision,
        learner: row.learner,
        facts: MemberFacts {
            done: row.done.into_iter().collect(),
            xp: row.xp,
            level: row.level,
            skills: row.skills.map(|Json(points)| points).unwrap_or_default(),
            achievements: row.achievements.into_iter().collect(),
            now: row.now,
        },
        unlocked: row.unlocked.into_iter().collect(),
    })
}

/// What is the case for a member: of [`member_state`].
pub async fn facts(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<MemberFacts, Error> {
    Ok(member_state(conn, guild, Some(user)).await?.facts)
}

/// Reads what is the case for members, in the order in which they are asked for. What they have done is told by `completed_at`: by yesterday's
/// statistics, an index of states may look shorter than a learner's own attempts.
pub(crate) async fn facts_of(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[UserId],
) -> Result<Vec<(UserId, MemberFacts)>, Error> {
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT u.id AS "user!: UserId", now() AS "now!", coalesce(m.xp, 0) AS "xp!", coalesce(m.level, 1) AS "level!",
                  ARRAY(SELECT a.quest_id FROM learning.user_quest_attempts a
                          JOIN learning.learners l ON l.guild_id = a.guild_id AND l.auth_user_id = a.auth_user_id
                         WHERE l.guild_id = $1 AND l.user_id = u.id AND a.completed_at IS NOT NULL) AS "done!: Vec<QuestId>",
                  (SELECT jsonb_object_agg(s.slug, k.skill_points) FROM community.user_skills k
                     JOIN community.skills s ON s.guild_id = k.guild_id AND s.id = k.skill_id
                    WHERE k.guild_id = $1 AND k.user_id = u.id) AS "skills?: Json<BTreeMap<String, i64>>",
                  ARRAY(SELECT a.achievement_id FROM progress.user_achievements a
                         WHERE a.guild_id = $1 AND a.user_id = u.id AND a.revoked_at IS NULL) AS "achievements!"
             FROM unnest($2::bigint[]) WITH ORDINALITY AS u (id, place)
             LEFT JOIN people.members m ON m.guild_id = $1 AND m.user_id = u.id
            ORDER BY u.place"#,
        guild.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let facts = rows.into_iter().map(|row| {
        let facts = MemberFacts {
            done: row.done.into_iter().collect(),
            xp: row.xp,
            level: row.level,
            skills: row.skills.map(|Json(points)| points).unwrap_or_default(),
            achievements: row.achievements.into_iter().collect(),
            now: row.now,
        };
        (row.user, facts)
    });
    Ok(facts.collect())
}
