//! SQL of what authors do with challenges.

use kernel::{CampaignId, ChallengeId, GuildId};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ChallengeDraft, HintDraft};
use crate::error::Error;
use crate::model::CampaignFacts;
use crate::rules::rules_stored;

fn named(error: sqlx::Error) -> Error {
    match db::constraint(&error) {
        Some("uq_challenges_campaign_slug") => {
            Error::field("slug", "is taken by another challenge of this campaign")
        }
        _ => Error::Database(error),
    }
}

pub(super) async fn challenge_count(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(max(order_position), 0) AS "count!" FROM challenges.challenges
           WHERE guild_id = $1 AND campaign_id = $2"#,
        guild.get(),
        campaign.get()
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn challenge_insert(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    place: i32,
    slug: &str,
    draft: &ChallengeDraft,
) -> Result<ChallengeId, Error> {
    sqlx::query_scalar!(
        r#"INSERT INTO challenges.challenges (campaign_id, guild_id, order_position, slug, title, description, part_descriptions,
               parts, generation_script, categories, difficulty_level, closes_after_minutes, answer_rules, checker_script, language)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id AS "id: ChallengeId""#,
        facts.id.get(),
        facts.guild_id.get(),
        place,
        slug,
        draft.title.trim(),
        draft.description,
        &draft.part_descriptions,
        draft.parts,
        draft.generation_script,
        json!(draft.categories),
        draft.difficulty_level,
        draft.closes_after_minutes,
        rules_stored(&draft.answers),
        draft.checker_script,
        draft.language,
    )
    .fetch_one(conn)
    .await
    .map_err(named)
}

/// Writes all of a challenge but its hints; told whether its script is another, and whether its inputs are.
pub(super) async fn challenge_write(
    conn: &mut PgConnection,
    (guild, id): (GuildId, ChallengeId),
    place: i32,
    wanted: &ChallengeDraft,
    (rescripted, remade): (bool, bool),
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE challenges.challenges SET
             order_position = $2, slug = coalesce($3, slug), title = $4, description = $5, part_descriptions = $6, parts = $7, language = $17,
             generation_script = $8, categories = $9, difficulty_level = $10, closes_after_minutes = $11,
             closes_at = released_at + make_interval(mins => $11), answer_rules = $15,
             checker_script = $16, checker_version = checker_version + (checker_script IS DISTINCT FROM $16)::int, script_version = script_version + $12::boolean::int,
             script_updated_at = CASE WHEN $13::boolean THEN now() ELSE script_updated_at END
         WHERE guild_id = $14 AND id = $1",
        id.get(),
        place,
        wanted.slug,
        wanted.title,
        wanted.description,
        &wanted.part_descriptions,
        wanted.parts,
        wanted.generation_script,
        json!(wanted.categories),
        wanted.difficulty_level,
        wanted.closes_after_minutes,
        remade,
        rescripted,
        guild.get(),
        rules_stored(&wanted.answers),
        wanted.checker_script,
        wanted.language,
    )
    .execute(conn)
    .await
    .map_err(named)?;
    Ok(())
}

pub(super) async fn challenges_delete(
    conn: &mut PgConnection,
    guild: GuildId,
    ids: &[ChallengeId],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.get()).collect();
    sqlx::query!(
        "DELETE FROM challenges.challenges WHERE guild_id = $1 AND id = ANY ($2)",
        guild.get(),
        &ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn parts_put(
    conn: &mut PgConnection,
    (guild, id): (GuildId, ChallengeId),
    parts: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH fewer AS (DELETE FROM challenges.challenge_parts WHERE guild_id = $3 AND challenge_id = $1 AND part > $2)
         INSERT INTO challenges.challenge_parts (guild_id, challenge_id, part) SELECT $3, $1, generate_series(1, $2)
         ON CONFLICT ON CONSTRAINT pk_challenge_parts DO NOTHING",
        id.get(),
        parts,
        guild.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Answers whether anybody who had begun loses their input. Who has solved every part keeps it in any case.
pub(super) async fn inputs_invalidate(
    conn: &mut PgConnection,
    (guild, id): (GuildId, ChallengeId),
    started_too: bool,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"WITH gone AS (
               UPDATE challenges.generated_input_cache i SET is_valid = false
               WHERE i.guild_id = $3 AND i.challenge_id = $1 AND i.is_valid
                 AND (i.first_request_timestamp IS NULL OR ($2
                      AND (SELECT count(*) FROM challenges.challenge_submissions s
                           WHERE s.guild_id = $3 AND s.challenge_id = $1 AND s.participant_id = i.participant_id
                             AND s.is_correct)
                          < (SELECT parts FROM challenges.challenges WHERE guild_id = $3 AND id = $1)))
               RETURNING i.first_request_timestamp
           )
           SELECT count(*) FILTER (WHERE first_request_timestamp IS NOT NULL) > 0 AS "started!" FROM gone"#,
        id.get(),
        started_too,
        guild.get()
    )
    .fetch_one(conn)
    .await
}

/// Whether so few hints would take one away that somebody has unlocked.
pub(super) async fn hints_lost(
    conn: &mut PgConnection,
    (guild, id): (GuildId, ChallengeId),
    kept: usize,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM challenges.challenge_hints h
                          JOIN challenges.hint_unlocks u ON u.guild_id = h.guild_id AND u.hint_id = h.id
                          WHERE h.guild_id = $3 AND h.challenge_id = $1 AND h.position > $2) AS "lost!""#,
        id.get(),
        i32::try_from(kept).unwrap_or(i32::MAX),
        guild.get(),
    )
    .fetch_one(conn)
    .await
}

/// Writes hints by their places, so that who has unlocked one keeps it.
pub(super) async fn hints_put(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    id: ChallengeId,
    hints: &[HintDraft],
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH wanted AS (
             SELECT * FROM unnest($3::text[], $4::int4[], $5::int8[], $6::int8[])
                 WITH ORDINALITY AS h (body, part, cost_bytes, penalty, position)
         ), gone AS (
             DELETE FROM challenges.challenge_hints
             WHERE guild_id = $2 AND challenge_id = $1 AND position > (SELECT count(*) FROM wanted)
         )
         INSERT INTO challenges.challenge_hints (challenge_id, guild_id, position, part, body, cost_bytes, penalty)
         SELECT $1, $2, position, part, body, cost_bytes, penalty FROM wanted
         ON CONFLICT ON CONSTRAINT uq_challenge_hints_position DO UPDATE SET
             part = excluded.part, body = excluded.body, cost_bytes = excluded.cost_bytes, penalty = excluded.penalty",
        id.get(),
        facts.guild_id.get(),
        &hints.iter().map(|h| h.body.clone()).collect::<Vec<_>>(),
        &hints.iter().map(|h| h.part).collect::<Vec<_>>(),
        &hints.iter().map(|h| h.cost_bytes).collect::<Vec<_>>(),
        &hints.iter().map(|h| h.penalty).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a challenge stands.
pub(super) struct Place {
    pub(super) id: ChallengeId,
    pub(super) released: bool,
    pub(super) order_position: i32,
}

pub(super) async fn places(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"SELECT id AS "id: ChallengeId", released_at IS NOT NULL AS "released!", order_position
           FROM challenges.challenges WHERE guild_id = $2 AND campaign_id = $1 ORDER BY order_position"#,
        campaign.get(),
        guild.get()
    )
    .fetch_all(conn)
    .await
}

/// Puts challenges into this order. The uniqueness of places is deferrable, so it is looked at when all are written.
pub(super) async fn places_put(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
    order: &[ChallengeId],
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE challenges.challenges c SET order_position = o.place
         FROM unnest($2::uuid[]) WITH ORDINALITY AS o (id, place)
         WHERE c.guild_id = $3 AND c.campaign_id = $1 AND c.id = o.id AND c.order_position <> o.place",
        campaign.get(),
        &order.iter().map(|id| id.get()).collect::<Vec<_>>(),
        guild.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Closes the gaps that removed challenges left.
pub(super) async fn places_close(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE challenges.challenges c SET order_position = o.place
         FROM (SELECT id, row_number() OVER (ORDER BY order_position) AS place
               FROM challenges.challenges WHERE guild_id = $2 AND campaign_id = $1) o
         WHERE c.guild_id = $2 AND c.id = o.id AND c.order_position <> o.place",
        campaign.get(),
        guild.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether places are compared when all of them are written, rather than statement by statement.
pub(super) async fn places_deferred(conn: &mut PgConnection, deferred: bool) -> sqlx::Result<()> {
    if deferred {
        sqlx::query!("SET CONSTRAINTS challenges.uq_challenges_campaign_order DEFERRED")
            .execute(conn)
            .await?;
    } else {
        sqlx::query!("SET CONSTRAINTS challenges.uq_challenges_campaign_order IMMEDIATE")
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Whether the campaign rewards ranks, for which there is no challenge to solve.
pub(super) async fn ranks_unreachable(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT (NOT EXISTS (SELECT FROM challenges.challenges WHERE guild_id = $2 AND campaign_id = $1)
                   AND EXISTS (SELECT FROM campaigns.campaigns c
                               JOIN campaigns.campaign_rewards r
                                 ON r.guild_id = c.guild_id AND r.campaign_id = c.id AND r.rank_from IS NOT NULL
                               WHERE c.guild_id = $2 AND c.id = $1 AND c.rewards_enabled)) AS "unreachable!""#,
        campaign.get(),
        guild.get()
    )
    .fetch_one(conn)
    .await
}
