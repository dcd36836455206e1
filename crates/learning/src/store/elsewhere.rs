//! Steps that are completed by what happens elsewhere in the guild: what has happened is read where it is kept.

use kernel::{GuildId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

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

/// Attempts under way of these learners with steps that have come true elsewhere and are not completed: of one quest, or of all.
///
/// Challenges and achievements count whenever they were got; threads, minutes of talk and quests of the board since the quest was begun.
pub(crate) async fn came_true(
    conn: &mut PgConnection,
    who: &[(GuildId, UserId)],
    quest: Option<QuestId>,
    limit: i64,
) -> Result<Vec<CameTrue>, Error> {
    let (guilds, users) = apart(who);
    Ok(sqlx::query_as!(
        CameTrue,
        r#"WITH pending AS (
               SELECT a.guild_id, a.quest_id, l.user_id, a.started_at, s.place, s.step->'elsewhere' AS what,
                      (v.snapshot->'steps'->>(s.step->>'slug'))::uuid AS step_id
                 FROM unnest($1::bigint[], $2::bigint[]) AS asked (guild_id, user_id)
                 JOIN learning.learners l ON l.guild_id = asked.guild_id AND l.user_id = asked.user_id
                 JOIN learning.user_quest_attempts a ON a.guild_id = l.guild_id AND a.auth_user_id = l.auth_user_id
                 JOIN learning.quest_versions v ON v.guild_id = a.guild_id AND v.quest_id = a.quest_id AND v.version = a.version
                CROSS JOIN LATERAL jsonb_array_elements(v.snapshot->'quest'->'steps') WITH ORDINALITY AS s (step, place)
                WHERE jsonb_path_exists(v.snapshot, '$.quest.steps[*].elsewhere') AND a.status = 'InProgress'
                  AND s.step->'elsewhere' IS NOT NULL
                  AND ($3::uuid IS NULL OR a.quest_id = $3)
                  AND NOT EXISTS (SELECT FROM learning.user_quest_step_progress p
                                   WHERE p.guild_id = a.guild_id AND p.attempt_id = a.id AND p.status = 'Completed'
                                     AND p.step_id = (v.snapshot->'steps'->>(s.step->>'slug'))::uuid)
           )
           SELECT p.guild_id AS "guild!: GuildId", p.user_id AS "user!: UserId", p.quest_id AS "quest!: QuestId",
                  array_agg(p.step_id ORDER BY p.place) AS "steps!: Vec<StepId>"
             FROM pending p WHERE learning.has_happened(p.guild_id, p.user_id, p.what, p.started_at)
            GROUP BY p.guild_id, p.user_id, p.quest_id ORDER BY p.guild_id, p.user_id, p.quest_id LIMIT $4"#,
        &guilds,
        &users,
        quest.map(QuestId::get),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

fn apart(who: &[(GuildId, UserId)]) -> (Vec<i64>, Vec<i64>) {
    who.iter().map(|(guild, user)| (guild.get(), user.get())).unzip()
}

/// The next learners of all guilds, behind these in the order of their keys.
pub(crate) async fn learners_after(
    conn: &mut PgConnection,
    (guild, user): (GuildId, UserId),
    limit: i64,
) -> Result<Vec<(GuildId, UserId)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT guild_id AS "guild: GuildId", user_id AS "user: UserId" FROM learning.learners
            WHERE (guild_id, user_id) > ($1, $2) ORDER BY guild_id, user_id LIMIT $3"#,
        guild.get(),
        user.get(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild, row.user)).collect())
}

/// Learners who earned anything in the last minutes, by the journal, or began a thread, at most so many.
pub(crate) async fn learners_lately(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(GuildId, UserId)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT l.guild_id AS "guild: GuildId", l.user_id AS "user: UserId"
             FROM learning.catalogues c
            CROSS JOIN LATERAL (SELECT e.user_id FROM progress.activity_log e
                                 WHERE e.guild_id = c.guild_id AND e."timestamp" > now() - interval '3 minutes'
                                UNION
                                SELECT e.user_id FROM lake.event_lake e
                                 WHERE e.guild_id = c.guild_id AND e.event_type = 'thread_create'
                                   AND e."timestamp" > now() - interval '3 minutes') e
             JOIN learning.learners l ON l.guild_id = c.guild_id AND l.user_id = e.user_id
            LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild, row.user)).collect())
}

/// Who takes part for a squad in a campaign.
pub(crate) async fn squad_users(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: Uuid,
    squad: Uuid,
) -> Result<Vec<UserId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT user_id AS "user: UserId" FROM campaigns.campaign_squad_rosters
            WHERE guild_id = $1 AND campaign_id = $2 AND squad_id = $3"#,
        guild.get(),
        campaign,
        squad,
    )
    .fetch_all(conn)
    .await?)
}

/// Those of these learners of whom something may have come true since their rules were looked at: XP, level, skills, achievements, or what
/// the guild has published. Two minutes are looked at again, for what was written by transactions that were under way then.
pub(crate) async fn learners_changed(
    conn: &mut PgConnection,
    who: &[(GuildId, UserId)],
) -> Result<Vec<(GuildId, UserId)>, Error> {
    let (guilds, users) = apart(who);
    let rows = sqlx::query!(
        r#"SELECT l.guild_id AS "guild: GuildId", l.user_id AS "user: UserId"
             FROM unnest($1::bigint[], $2::bigint[]) AS asked (guild_id, user_id)
             JOIN learning.learners l ON l.guild_id = asked.guild_id AND l.user_id = asked.user_id
             JOIN people.members m ON m.guild_id = l.guild_id AND m.user_id = l.user_id
             JOIN learning.catalogues c ON c.guild_id = l.guild_id
            WHERE l.rules_checked_at IS NULL
               OR l.rules_checked_at - interval '2 minutes' < greatest(m.updated_at, c.updated_at,
                  (SELECT max(s.updated_at) FROM community.user_skills s WHERE s.guild_id = l.guild_id AND s.user_id = l.user_id),
                  (SELECT max(a.earned_at) FROM progress.user_achievements a
                    WHERE a.guild_id = l.guild_id AND a.user_id = l.user_id))
            ORDER BY l.guild_id, l.user_id"#,
        &guilds,
        &users,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild, row.user)).collect())
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
