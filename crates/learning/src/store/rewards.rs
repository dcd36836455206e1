//! What was rewarded, and what was unlocked: each once.

use std::collections::{BTreeMap, BTreeSet};

use kernel::GuildId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

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

/// Somebody's grant, of one cause.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    /// The learner.
    pub(crate) learner: LearnerId,
    /// Ties together what one cause brings.
    pub(crate) correlation: Uuid,
    /// What it brings.
    pub(crate) grant: Grant,
}

/// Writes what was not granted before; tells which that is, by their places.
pub(crate) async fn grants_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    grants: &[Granted],
) -> Result<BTreeSet<usize>, Error> {
    if grants.is_empty() {
        return Ok(BTreeSet::new());
    }
    let learners: Vec<Uuid> = grants.iter().map(|one| one.learner.get()).collect();
    let correlations: Vec<Uuid> = grants.iter().map(|one| one.correlation).collect();
    let grants_of = || grants.iter().map(|one| &one.grant);
    let types: Vec<&str> = grants_of().map(|grant| grant.source_type).collect();
    let ids: Vec<Uuid> = grants_of().map(|grant| grant.source_id).collect();
    let attempts: Vec<Option<Uuid>> = grants_of().map(|grant| grant.attempt.map(AttemptId::get)).collect();
    let versions: Vec<Option<i32>> = grants_of().map(|grant| grant.version).collect();
    let xp: Vec<i32> = grants_of().map(|grant| grant.xp).collect();
    let skills: Vec<Value> =
        grants_of().map(|grant| serde_json::to_value(&grant.skills).unwrap_or_default()).collect();
    let rows = sqlx::query!(
        r#"INSERT INTO learning.reward_grants (guild_id, auth_user_id, source_type, source_id, correlation_id, attempt_id,
                                               quest_version, experience_points, skill_points)
           SELECT $1, g.learner, g.source_type, g.source_id, g.correlation, g.attempt_id, g.version, g.xp, g.skills
             FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::int[], $8::int[], $9::jsonb[])
                  AS g (learner, correlation, source_type, source_id, attempt_id, version, xp, skills)
           ON CONFLICT ON CONSTRAINT uq_reward_grants_source DO NOTHING
           RETURNING auth_user_id AS "learner: LearnerId", source_type, source_id"#,
        guild.get(),
        &learners,
        &correlations,
        &types as &[&str],
        &ids,
        &attempts as &[Option<Uuid>],
        &versions as &[Option<i32>],
        &xp,
        &skills,
    )
    .fetch_all(conn)
    .await?;
    let fresh: BTreeSet<(LearnerId, String, Uuid)> =
        rows.into_iter().map(|row| (row.learner, row.source_type, row.source_id)).collect();
    let is_fresh =
        |one: &Granted| fresh.contains(&(one.learner, one.grant.source_type.to_owned(), one.grant.source_id));
    Ok(grants.iter().enumerate().filter(|(_, one)| is_fresh(one)).map(|(n, _)| n).collect())
}

/// A quest that is unlocked for somebody, and why.
#[derive(Debug)]
pub(crate) struct Unlock {
    /// The learner.
    pub(crate) learner: LearnerId,
    /// The quest.
    pub(crate) quest: QuestId,
    /// Ties together what one cause brings.
    pub(crate) correlation: Uuid,
    /// What opened it.
    pub(crate) reason: Value,
}

/// Writes what was not unlocked before; tells which that is.
pub(crate) async fn unlocks_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    unlocks: &[Unlock],
) -> Result<BTreeSet<(LearnerId, QuestId)>, Error> {
    if unlocks.is_empty() {
        return Ok(BTreeSet::new());
    }
    let learners: Vec<Uuid> = unlocks.iter().map(|one| one.learner.get()).collect();
    let quests: Vec<Uuid> = unlocks.iter().map(|one| one.quest.get()).collect();
    let correlations: Vec<Uuid> = unlocks.iter().map(|one| one.correlation).collect();
    let reasons: Vec<Value> = unlocks.iter().map(|one| one.reason.clone()).collect();
    let rows = sqlx::query!(
        r#"INSERT INTO learning.quest_unlocks (guild_id, auth_user_id, quest_id, correlation_id, reason)
           SELECT $1, u.learner, u.quest, u.correlation, u.reason
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::jsonb[]) AS u (learner, quest, correlation, reason)
           ON CONFLICT ON CONSTRAINT pk_quest_unlocks DO NOTHING
           RETURNING auth_user_id AS "learner: LearnerId", quest_id AS "quest: QuestId""#,
        guild.get(),
        &learners,
        &quests,
        &correlations,
        &reasons,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.learner, row.quest)).collect())
}

/// Which of these quests these learners have begun, or unlocked.
pub(crate) async fn attempted(
    conn: &mut PgConnection,
    guild: GuildId,
    asked: &[(LearnerId, QuestId)],
) -> Result<BTreeSet<(LearnerId, QuestId)>, Error> {
    let (learners, quests): (Vec<Uuid>, Vec<Uuid>) =
        asked.iter().map(|(learner, quest)| (learner.get(), quest.get())).unzip();
    let rows = sqlx::query!(
        r#"SELECT a.auth_user_id AS "learner!: LearnerId", a.quest_id AS "quest!: QuestId"
             FROM unnest($2::uuid[], $3::uuid[]) AS u (learner, quest)
             JOIN learning.user_quest_attempts a ON a.guild_id = $1 AND a.auth_user_id = u.learner AND a.quest_id = u.quest
           UNION
           SELECT o.auth_user_id, o.quest_id
             FROM unnest($2::uuid[], $3::uuid[]) AS u (learner, quest)
             JOIN learning.quest_unlocks o ON o.guild_id = $1 AND o.auth_user_id = u.learner AND o.quest_id = u.quest"#,
        guild.get(),
        &learners,
        &quests,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.learner, row.quest)).collect())
}

/// XP that each of these learners earned with these parts: quests with their steps, chapters, and a path.
pub(crate) async fn earned_of_attempts(
    conn: &mut PgConnection,
    guild: GuildId,
    learners: &[Uuid],
    quests: &[QuestId],
    others: &[Uuid],
) -> Result<BTreeMap<LearnerId, i32>, Error> {
    let ids: Vec<Uuid> = quests.iter().map(|quest| quest.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT u.learner AS "learner!: LearnerId",
                  (coalesce((SELECT sum(a.total_experience_earned) FROM learning.user_quest_attempts a
                              WHERE a.guild_id = $1 AND a.auth_user_id = u.learner AND a.quest_id = ANY ($3)), 0)
                   + coalesce((SELECT sum(g.experience_points) FROM learning.reward_grants g
                                WHERE g.guild_id = $1 AND g.auth_user_id = u.learner AND g.source_type IN ('chapter', 'path')
                                  AND g.source_id = ANY ($4)), 0))::bigint AS "sum!"
             FROM unnest($2::uuid[]) AS u (learner)"#,
        guild.get(),
        learners,
        &ids,
        others,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.learner, i32::try_from(row.sum).unwrap_or(i32::MAX))).collect())
}
