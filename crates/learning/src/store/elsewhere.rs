//! Steps that are completed by what happens elsewhere in the guild: what has happened is read where it is kept.

use kernel::{GuildId, UserId};
use sqlx::PgConnection;

use super::Learner;
use crate::error::Error;
use crate::ids::{QuestId, StepId};

/// Steps of an attempt that have come true elsewhere, in the order of the quest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CameTrue {
    pub(crate) guild: GuildId,
    pub(crate) user: UserId,
    pub(crate) quest: QuestId,
    pub(crate) steps: Vec<StepId>,
}

/// Attempts under way with steps that have come true elsewhere and are not completed: of a guild, of these members, of one quest, or of all.
///
/// Challenges and achievements count whenever they were got; threads, minutes of talk and quests of the board since the quest was begun.
pub(crate) async fn came_true(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    users: Option<&[i64]>,
    quest: Option<QuestId>,
    limit: i64,
) -> Result<Vec<CameTrue>, Error> {
    Ok(sqlx::query_as!(
        CameTrue,
        r#"WITH pending AS (
               SELECT a.guild_id, a.quest_id, l.user_id, a.started_at, s.place, s.step->'elsewhere' AS what,
                      (v.snapshot->'steps'->>(s.step->>'slug'))::uuid AS step_id
                 FROM learning.quest_versions v
                 JOIN learning.user_quest_attempts a ON a.guild_id = v.guild_id AND a.quest_id = v.quest_id AND a.version = v.version
                 JOIN learning.learners l ON l.guild_id = a.guild_id AND l.auth_user_id = a.auth_user_id
                CROSS JOIN LATERAL jsonb_array_elements(v.snapshot->'quest'->'steps') WITH ORDINALITY AS s (step, place)
                WHERE jsonb_path_exists(v.snapshot, '$.quest.steps[*].elsewhere') AND a.status = 'InProgress'
                  AND s.step->'elsewhere' IS NOT NULL
                  AND ($1::bigint IS NULL OR a.guild_id = $1) AND ($2::bigint[] IS NULL OR l.user_id = ANY ($2))
                  AND ($3::uuid IS NULL OR a.quest_id = $3)
                  AND NOT EXISTS (SELECT FROM learning.user_quest_step_progress p
                                   WHERE p.guild_id = a.guild_id AND p.attempt_id = a.id AND p.status = 'Completed'
                                     AND p.step_id = (v.snapshot->'steps'->>(s.step->>'slug'))::uuid)
           )
           SELECT p.guild_id AS "guild!: GuildId", p.user_id AS "user!: UserId", p.quest_id AS "quest!: QuestId",
                  array_agg(p.step_id ORDER BY p.place) AS "steps!: Vec<StepId>"
             FROM pending p WHERE learning.has_happened(p.guild_id, p.user_id, p.what, p.started_at)
            GROUP BY p.guild_id, p.user_id, p.quest_id ORDER BY p.guild_id, p.user_id, p.quest_id LIMIT $4"#,
        guild.map(GuildId::get),
        users,
        quest.map(QuestId::get),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Guilds that have published anything.
pub(crate) async fn guilds_with_quests(conn: &mut PgConnection) -> Result<Vec<GuildId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild: GuildId" FROM learning.catalogues ORDER BY guild_id"#
    )
    .fetch_all(conn)
    .await?)
}

/// Learners of a guild of whom something may have come true since their rules were looked at: XP, level, skills, achievements, or what the
/// guild has published. Two minutes are looked at again, for what was written by transactions that were under way then.
pub(crate) async fn learners_changed(
    conn: &mut PgConnection,
    guild: GuildId,
    limit: i64,
) -> Result<Vec<UserId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT l.user_id AS "user: UserId" FROM learning.learners l
             JOIN people.members m ON m.guild_id = l.guild_id AND m.user_id = l.user_id
             JOIN learning.catalogues c ON c.guild_id = l.guild_id
            WHERE l.guild_id = $1
              AND (l.rules_checked_at IS NULL
                   OR l.rules_checked_at - interval '2 minutes' < greatest(m.updated_at, c.updated_at,
                      (SELECT max(s.updated_at) FROM community.user_skills s WHERE s.guild_id = l.guild_id AND s.user_id = l.user_id),
                      (SELECT max(a.earned_at) FROM progress.user_achievements a
                        WHERE a.guild_id = l.guild_id AND a.user_id = l.user_id)))
            ORDER BY l.rules_checked_at NULLS FIRST, l.user_id LIMIT $2"#,
        guild.get(),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Notes that a learner's rules were looked at.
pub(crate) async fn rules_checked(conn: &mut PgConnection, learner: &Learner) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.learners SET rules_checked_at = now() WHERE guild_id = $1 AND auth_user_id = $2",
        learner.guild.get(),
        learner.id.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
