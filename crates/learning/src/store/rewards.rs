//! What was rewarded, and what was unlocked: each once.

use std::collections::{BTreeMap, BTreeSet};

use kernel::GuildId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::learners::Learner;
use crate::error::Error;
use crate::ids::{AttemptId, LearnerId, QuestId};

/// What a completion brings.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// step, quest, chapter or path.
    pub(crate) source_type: &'static str,
    /// Which one.
    pub(crate) source_id: Uuid,
    /// The attempt it came from.
    pub(crate) attempt: Option<AttemptId>,
    /// The quest's version.
    pub(crate) version: Option<i32>,
    /// XP.
    pub(crate) xp: i32,
    /// Points by skill.
    pub(crate) skills: BTreeMap<String, i32>,
}

/// Writes what was not granted before; tells which that is, by their places.
pub(crate) async fn grants_insert(
    conn: &mut PgConnection,
    learner: &Learner,
    correlation: Uuid,
    grants: &[Grant],
) -> Result<BTreeSet<usize>, Error> {
    if grants.is_empty() {
        return Ok(BTreeSet::new());
    }
    let types: Vec<&str> = grants.iter().map(|grant| grant.source_type).collect();
    let ids: Vec<Uuid> = grants.iter().map(|grant| grant.source_id).collect();
    let attempts: Vec<Option<Uuid>> = grants.iter().map(|grant| grant.attempt.map(AttemptId::get)).collect();
    let versions: Vec<Option<i32>> = grants.iter().map(|grant| grant.version).collect();
    let xp: Vec<i32> = grants.iter().map(|grant| grant.xp).collect();
    let skills: Vec<Value> =
        grants.iter().map(|grant| serde_json::to_value(&grant.skills).unwrap_or_default()).collect();
    let rows = sqlx::query!(
        r#"INSERT INTO learning.reward_grants (guild_id, auth_user_id, source_type, source_id, correlation_id, attempt_id,
                                               quest_version, experience_points, skill_points)
           SELECT $1, $2, g.source_type, g.source_id, $3, g.attempt_id, g.version, g.xp, g.skills
             FROM unnest($4::text[], $5::uuid[], $6::uuid[], $7::int[], $8::int[], $9::jsonb[])
                  AS g (source_type, source_id, attempt_id, version, xp, skills)
           ON CONFLICT ON CONSTRAINT uq_reward_grants_source DO NOTHING
           RETURNING source_type, source_id"#,
        learner.guild.get(),
        learner.id.get(),
        correlation,
        &types as &[&str],
        &ids,
        &attempts as &[Option<Uuid>],
        &versions as &[Option<i32>],
        &xp,
        &skills,
    )
    .fetch_all(conn)
    .await?;
    let fresh: BTreeSet<(String, Uuid)> =
        rows.into_iter().map(|row| (row.source_type, row.source_id)).collect();
    let is_fresh = |grant: &Grant| fresh.contains(&(grant.source_type.to_owned(), grant.source_id));
    Ok(grants.iter().enumerate().filter(|(_, grant)| is_fresh(grant)).map(|(n, _)| n).collect())
}

/// Writes what was not unlocked before; tells which that is.
pub(crate) async fn unlocks_insert(
    conn: &mut PgConnection,
    learner: &Learner,
    correlation: Uuid,
    quests: &[QuestId],
    reason: &Value,
) -> Result<Vec<QuestId>, Error> {
    if quests.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = quests.iter().map(|quest| quest.get()).collect();
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO learning.quest_unlocks (guild_id, auth_user_id, quest_id, correlation_id, reason)
           SELECT $1, $2, q.id, $3, $5 FROM unnest($4::uuid[]) AS q (id)
           ON CONFLICT ON CONSTRAINT pk_quest_unlocks DO NOTHING RETURNING quest_id AS "quest: QuestId""#,
        learner.guild.get(),
        learner.id.get(),
        correlation,
        &ids,
        reason,
    )
    .fetch_all(conn)
    .await?)
}

/// What a learner has unlocked.
pub(crate) async fn unlocked_of(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
) -> Result<BTreeSet<QuestId>, Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT quest_id AS "quest: QuestId" FROM learning.quest_unlocks WHERE guild_id = $1 AND auth_user_id = $2"#,
        guild.get(),
        learner.get(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Which of these quests a learner has begun, or unlocked.
pub(crate) async fn attempted(
    conn: &mut PgConnection,
    learner: &Learner,
    quests: &[QuestId],
) -> Result<BTreeSet<QuestId>, Error> {
    let ids: Vec<Uuid> = quests.iter().map(|quest| quest.get()).collect();
    let rows = sqlx::query_scalar!(
        r#"SELECT quest_id AS "quest!: QuestId" FROM learning.user_quest_attempts
            WHERE guild_id = $1 AND auth_user_id = $2 AND quest_id = ANY ($3)
           UNION SELECT quest_id FROM learning.quest_unlocks WHERE guild_id = $1 AND auth_user_id = $2 AND quest_id = ANY ($3)"#,
        learner.guild.get(),
        learner.id.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// XP that a learner earned with these parts: quests with their steps, chapters, and a path.
pub(crate) async fn earned_of_attempts(
    conn: &mut PgConnection,
    learner: &Learner,
    quests: &[QuestId],
    others: &[Uuid],
) -> Result<i32, Error> {
    let ids: Vec<Uuid> = quests.iter().map(|quest| quest.get()).collect();
    let sum = sqlx::query_scalar!(
        r#"SELECT (coalesce((SELECT sum(total_experience_earned) FROM learning.user_quest_attempts
                             WHERE guild_id = $1 AND auth_user_id = $2 AND quest_id = ANY ($3)), 0)
                   + coalesce((SELECT sum(experience_points) FROM learning.reward_grants
                                WHERE guild_id = $1 AND auth_user_id = $2 AND source_type IN ('chapter', 'path')
                                  AND source_id = ANY ($4)), 0))::bigint AS "sum!""#,
        learner.guild.get(),
        learner.id.get(),
        &ids,
        others,
    )
    .fetch_one(conn)
    .await?;
    Ok(i32::try_from(sum).unwrap_or(i32::MAX))
}
