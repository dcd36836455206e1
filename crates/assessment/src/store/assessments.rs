//! The rows of assessments, which are locks.

use kernel::GuildId;
use learning::ids::{AssessmentId, QuestId};
use learning::model::assessment::AssessmentType;
use sqlx::PgConnection;

use crate::error::Error;

/// Proof that an assessment's row is locked until the transaction ends: nobody else gives out or ends its reviews meanwhile.
#[derive(Debug)]
pub(crate) struct AssessmentLock {
    pub(crate) guild: GuildId,
    pub(crate) id: AssessmentId,
}

/// Makes the row of an assessment for which something is handed in.
pub(crate) async fn assessment_ensure(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
    slug: &str,
    kind: AssessmentType,
) -> Result<AssessmentId, Error> {
    let id = AssessmentId::of(quest, slug);
    sqlx::query!(
        "INSERT INTO assessment.quest_assessments (guild_id, id, quest_id, slug, assessment_type)
         VALUES ($1, $2, $3, $4, $5::text::assessment.assessment_type) ON CONFLICT DO NOTHING",
        guild.get(),
        id.get(),
        quest.get(),
        slug,
        kind.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Locks an assessment; 404 where nothing was ever handed in for it.
#[kernel::boxed]
pub(crate) async fn assessment_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    id: AssessmentId,
) -> Result<AssessmentLock, Error> {
    sqlx::query!(
        "SELECT id FROM assessment.quest_assessments WHERE guild_id = $1 AND id = $2 FOR NO KEY UPDATE",
        guild.get(),
        id.get(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("assessment"))?;
    Ok(AssessmentLock { guild, id })
}
