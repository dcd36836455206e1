//! What authors do with challenges. Each function belongs in a transaction, and writes the audit log in it.

use access::{AuditEntry, By, Origin, audit};
use jobs::outbox::{self, Event};
use kernel::{ChallengeId, GuildId, Problem};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::read::{challenge_get, hints};
use super::validate::{Faults, draft_check, slug_of};
use super::{Challenge, ChallengeDraft, ChallengePatch, HintDraft, Viewer};
use crate::error::Error;
use crate::leaderboard::View;
use crate::model::{Acting, CampaignFacts};

const TABLE: &str = "challenges.challenges";

fn admin() -> Viewer {
    Viewer { admin: true, acting: Acting::Nobody, view: View::Live }
}

/// Locks the campaign against other authors, and against releases while places change. Over is over.
async fn lock(conn: &mut PgConnection, facts: &CampaignFacts) -> Result<(), Error> {
    sqlx::query!(
        "SELECT id FROM campaigns.campaigns WHERE guild_id = $2 AND id = $1 FOR NO KEY UPDATE",
        facts.id.get(),
        facts.guild_id.get(),
    )
    .fetch_one(conn)
    .await?;
    if facts.is_over() { Err(Error::NotRunning(facts.status.clone())) } else { Ok(()) }
}

async fn log(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    (by, origin): (By<'_>, &Origin),
    (action, id): (&str, ChallengeId),
    (before, after): (Option<&Challenge>, Option<&Challenge>),
) -> Result<(), Error> {
    let snapshot = |challenge: Option<&Challenge>| challenge.and_then(|c| serde_json::to_value(c).ok());
    let mut entry = AuditEntry::new(Some(facts.guild_id), by, action, TABLE, id.to_string()).from(origin);
    entry.before = snapshot(before);
    entry.after = snapshot(after);
    Ok(audit::record(conn, &entry).await?)
}

fn named(error: sqlx::Error) -> Error {
    match db::constraint(&error) {
        Some("uq_challenges_campaign_slug") => {
            Error::field("slug", "is taken by another challenge of this campaign")
        }
        _ => Error::Database(error),
    }
}

/// Adds a challenge at the end of a campaign that is not over.
pub async fn challenge_create(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    draft: &ChallengeDraft,
    who: (By<'_>, &Origin),
) -> Result<Challenge, Error> {
    let slug = draft.slug.clone().unwrap_or_else(|| slug_of(&draft.title));
    Faults::of(draft_check(draft)).done()?;
    lock(conn, facts).await?;
    let id = sqlx::query_scalar!(
        r#"INSERT INTO challenges.challenges (campaign_id, guild_id, order_position, slug, title, description, description_part2,
               parts, generation_script, categories, difficulty_level, closes_after_minutes)
           SELECT $1, $2, coalesce(max(order_position), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11
           FROM challenges.challenges WHERE guild_id = $2 AND campaign_id = $1
           RETURNING id AS "id: ChallengeId""#,
        facts.id.get(),
        facts.guild_id.get(),
        slug,
        draft.title.trim(),
        draft.description,
        draft.description_part2,
        draft.parts,
        draft.generation_script,
        json!(draft.categories),
        draft.difficulty_level,
        draft.closes_after_minutes,
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(named)?;
    parts_put(conn, (facts.guild_id, id), draft.parts).await?;
    hints_put(conn, facts, id, &draft.hints).await?;
    let challenge = challenge_get(conn, facts, &admin(), id).await?;
    log(conn, facts, who, ("CREATE", id), (None, Some(&challenge))).await?;
    Ok(challenge)
}

/// Changes a challenge. Texts change for everybody at once. A new script counts its version up and makes anew the inputs
/// that nobody has asked for; those of who has begun stay, unless `regenerate_started` says otherwise.
pub async fn challenge_update(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    id: ChallengeId,
    patch: &ChallengePatch,
    who: (By<'_>, &Origin),
) -> Result<Challenge, Error> {
    lock(conn, facts).await?;
    let before = challenge_get(conn, facts, &admin(), id).await?;
    let Some(old) = before.authoring.clone() else { return Err(Error::NotFound("challenge")) };
    let parts = patch.parts.unwrap_or(before.parts);
    let part2 = patch.description_part2.clone().unwrap_or_else(|| before.description_part2.clone());
    check_patch(facts, &before, patch, (parts, part2.as_deref()))?;
    let script = patch.generation_script.as_ref().filter(|script| **script != old.generation_script);
    let closes_after = patch.closes_after_minutes.unwrap_or(old.closes_after_minutes);
    sqlx::query!(
        "UPDATE challenges.challenges SET
             slug = $2, title = $3, description = $4, description_part2 = $5, parts = $6, categories = $7, difficulty_level = $8,
             closes_after_minutes = $9, closes_at = released_at + make_interval(mins => $9),
             generation_script = coalesce($10, generation_script),
             script_version = script_version + ($10::text IS NOT NULL)::int,
             script_updated_at = CASE WHEN $10::text IS NULL THEN script_updated_at ELSE now() END
         WHERE guild_id = $11 AND id = $1",
        id.get(),
        patch.slug.as_ref().unwrap_or(&before.slug),
        patch.title.as_deref().map_or(before.title.as_str(), str::trim),
        patch.description.as_ref().unwrap_or(&before.description),
        part2,
        parts,
        json!(patch.categories.as_ref().unwrap_or(&old.categories)),
        patch.difficulty_level.unwrap_or(old.difficulty_level),
        closes_after,
        script.cloned(),
        facts.guild_id.get(),
    )
    .execute(&mut *conn)
    .await
    .map_err(named)?;
    if parts != before.parts {
        parts_put(conn, (facts.guild_id, id), parts).await?;
    }
    let reseeded = patch.slug.as_ref().is_some_and(|slug| *slug != before.slug);
    if script.is_some() || reseeded || parts != before.parts {
        let replaced = inputs_invalidate(conn, (facts.guild_id, id), patch.regenerate_started).await?;
        if script.is_some() && before.released_at.is_some() {
            let payload = json!({ "campaign_id": facts.id, "challenge_id": id, "title": before.title,
                "inputs_replaced": patch.regenerate_started && replaced });
            outbox::emit_one(conn, event(facts, "challenge.script_changed", payload)).await?;
        }
    }
    if let Some(drafts) = &patch.hints {
        hints_put(conn, facts, id, drafts).await?;
    }
    let after = challenge_get(conn, facts, &admin(), id).await?;
    log(conn, facts, who, ("UPDATE", id), (Some(&before), Some(&after))).await?;
    Ok(after)
}

fn event(facts: &CampaignFacts, event_type: &'static str, payload: Value) -> Event {
    Event {
        guild_id: facts.guild_id,
        event_type,
        subject: format!("campaigns/{}", facts.id),
        correlation_id: None,
        user_id: None,
        payload,
    }
}

fn check_patch(
    facts: &CampaignFacts,
    before: &Challenge,
    patch: &ChallengePatch,
    (parts, part2): (i32, Option<&str>),
) -> Result<(), Error> {
    let mut faults = Faults::default();
    if let Some(slug) = &patch.slug {
        faults.slug(slug);
    }
    if let Some(title) = &patch.title {
        faults.title(title);
    }
    if let Some(description) = &patch.description {
        faults.description("description", description);
    }
    if patch.parts.is_some() || patch.description_part2.is_some() {
        faults.parts(parts, part2);
    }
    if let Some(script) = &patch.generation_script {
        faults.script(script);
    }
    if let Some(categories) = &patch.categories {
        faults.categories(categories);
    }
    faults.difficulty(patch.difficulty_level.flatten());
    faults.closes_after(patch.closes_after_minutes.flatten());
    if let Some(hints) = &patch.hints {
        faults.hints(hints, parts);
    }
    if patch.regenerate_started && patch.generation_script.is_none() {
        faults.say("regenerate_started", "goes with a new generation_script only");
    }
    faults.done()?;
    if before.released_at.is_some() && patch.slug.as_ref().is_some_and(|slug| *slug != before.slug) {
        return Err(Error::AlreadyReleased(
            "Inputs are seeded with the slug: it cannot change after the release.",
        ));
    }
    if parts != before.parts && (facts.status != "CREATED" || before.released_at.is_some()) {
        return Err(Error::AlreadyReleased(
            "The number of parts cannot change once the campaign has started.",
        ));
    }
    Ok(())
}

async fn parts_put(
    conn: &mut PgConnection,
    (guild, id): (GuildId, ChallengeId),
    parts: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH fewer AS (DELETE FROM challenges.challenge_parts WHERE guild_id = $3 AND challenge_id = $1 AND part > $2)
         INSERT INTO challenges.challenge_parts (guild_id, challenge_id, part)
         SELECT $3, $1, generate_series(1, $2)
         ON CONFLICT ON CONSTRAINT pk_challenge_parts DO NOTHING",
        id.get(),
        parts,
        guild.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Answers whether anybody who had begun loses their input. Who has solved every part keeps it in any case.
async fn inputs_invalidate(
    conn: &mut PgConnection,
    (guild, id): (GuildId, ChallengeId),
    started_too: bool,
) -> sqlx::Result<bool> {
    let started = sqlx::query_scalar!(
        r#"WITH gone AS (
               UPDATE challenges.generated_input_cache i SET is_valid = false
               WHERE i.guild_id = $3 AND i.challenge_id = $1 AND i.is_valid
                 AND (i.first_request_timestamp IS NULL OR ($2
                      AND (SELECT count(*) FROM challenges.challenge_submissions s
                           WHERE s.guild_id = $3 AND s.challenge_id = $1 AND s.part IN (1, 2) AND s.participant_id = i.participant_id
                             AND s.is_correct)
                          < (SELECT parts FROM challenges.challenges WHERE guild_id = $3 AND id = $1)))
               RETURNING i.first_request_timestamp
           )
           SELECT count(*) FILTER (WHERE first_request_timestamp IS NOT NULL) > 0 AS "started!" FROM gone"#,
        id.get(),
        started_too,
        guild.get(),
    )
    .fetch_one(conn)
    .await?;
    Ok(started)
}

/// Writes hints by their places, so that who has unlocked one keeps it.
async fn hints_put(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    id: ChallengeId,
    drafts: &[HintDraft],
) -> Result<(), Error> {
    let known = hints(conn, facts.guild_id, id).await?;
    let gone: Vec<Uuid> =
        known.iter().skip(drafts.len()).filter_map(|hint| hint.id.map(kernel::HintId::get)).collect();
    if !gone.is_empty() {
        let unlocked = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM challenges.hint_unlocks WHERE guild_id = $2 AND hint_id = ANY($1)) AS "unlocked!""#,
            &gone,
        facts.guild_id.get(),
    )
        .fetch_one(&mut *conn)
        .await?;
        if unlocked {
            return Err(Error::Invalid(Problem::conflict(
                "Somebody has paid for a hint that would go; edit it instead of removing it.",
            )));
        }
    }
    sqlx::query!(
        "WITH wanted AS (
             SELECT * FROM unnest($3::text[], $4::int4[], $5::int8[], $6::int8[])
                 WITH ORDINALITY AS h (body, part, cost_bytes, penalty, position)
         ), gone AS (
             DELETE FROM challenges.challenge_hints WHERE guild_id = $2 AND id = ANY($7)
         )
         INSERT INTO challenges.challenge_hints (challenge_id, guild_id, position, part, body, cost_bytes, penalty)
         SELECT $1, $2, position, part, body, cost_bytes, penalty FROM wanted
         ON CONFLICT ON CONSTRAINT uq_challenge_hints_position DO UPDATE SET
             part = excluded.part, body = excluded.body, cost_bytes = excluded.cost_bytes, penalty = excluded.penalty",
        id.get(),
        facts.guild_id.get(),
        &drafts.iter().map(|h| h.body.clone()).collect::<Vec<_>>(),
        &drafts.iter().map(|h| h.part).collect::<Vec<_>>(),
        &drafts.iter().map(|h| h.cost_bytes).collect::<Vec<_>>(),
        &drafts.iter().map(|h| h.penalty).collect::<Vec<_>>(),
        &gone,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a challenge that is not released; those behind it move up.
pub async fn challenge_delete(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    id: ChallengeId,
    who: (By<'_>, &Origin),
) -> Result<(), Error> {
    lock(conn, facts).await?;
    let before = challenge_get(conn, facts, &admin(), id).await?;
    if before.released_at.is_some() {
        return Err(Error::AlreadyReleased(
            "A released challenge cannot be removed; close it instead (closes_after_minutes).",
        ));
    }
    sqlx::query!(
        "DELETE FROM challenges.challenges WHERE guild_id = $2 AND id = $1",
        id.get(),
        facts.guild_id.get(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE challenges.challenges SET order_position = order_position - 1 WHERE guild_id = $3 AND campaign_id = $1 AND order_position > $2",
        facts.id.get(),
        before.position,
        facts.guild_id.get(),
    )
    .execute(&mut *conn)
    .await?;
    log(conn, facts, who, ("DELETE", id), (Some(&before), None)).await
}

/// Puts a campaign's challenges into this order: all of them must be named once, and the released ones keep their places.
pub async fn challenge_reorder(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    order: &[ChallengeId],
    (by, origin): (By<'_>, &Origin),
) -> Result<(), Error> {
    lock(conn, facts).await?;
    let known = sqlx::query!(
        r#"SELECT id AS "id: ChallengeId", released_at IS NOT NULL AS "released!", order_position
           FROM challenges.challenges WHERE guild_id = $2 AND campaign_id = $1 ORDER BY order_position"#,
        facts.id.get(),
        facts.guild_id.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut sorted: (Vec<ChallengeId>, Vec<ChallengeId>) =
        (order.to_vec(), known.iter().map(|k| k.id).collect());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    if sorted.0 != sorted.1 {
        return Err(Error::field("challenge_ids", "must name every challenge of the campaign exactly once"));
    }
    let moved = (1..)
        .zip(order)
        .any(|(place, id)| known.iter().any(|k| k.released && k.id == *id && k.order_position != place));
    if moved {
        return Err(Error::AlreadyReleased("Released challenges keep their places."));
    }
    // The uniqueness of places is deferrable, so it is looked at when all of them are written.
    sqlx::query!(
        "UPDATE challenges.challenges c SET order_position = o.place
         FROM unnest($2::uuid[]) WITH ORDINALITY AS o (id, place)
         WHERE c.guild_id = $3 AND c.campaign_id = $1 AND c.id = o.id AND c.order_position <> o.place",
        facts.id.get(),
        &order.iter().map(|id| id.get()).collect::<Vec<_>>(),
        facts.guild_id.get(),
    )
    .execute(&mut *conn)
    .await?;
    let ids = |ids: Vec<ChallengeId>| Some(json!({ "challenge_ids": ids }));
    let mut entry =
        AuditEntry::new(Some(facts.guild_id), by, "REORDER", "campaigns.campaigns", facts.id.to_string())
            .from(origin);
    entry.before = ids(known.iter().map(|k| k.id).collect());
    entry.after = ids(order.to_vec());
    Ok(audit::record(conn, &entry).await?)
}
