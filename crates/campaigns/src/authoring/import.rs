//! Bundles into the database, and back out of it.

use challenges::CampaignKey;
use jobs::Wake;
use kernel::{CampaignId, FieldError, GuildId};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::bundle::{Bundle, ChallengeBundle, HintBundle, bundle_check};
use crate::error::Error;
use crate::lifecycle;
use crate::model::{Campaign, Status};
use crate::ops::{self, Asker};
use crate::store;

/// Makes a draft of a bundle, or brings a campaign to what the bundle says. Challenges are the same by their slug; one that
/// is no longer in the bundle goes, unless it has been released. A script that changed makes inputs anew for everyone who
/// has not begun; who has keeps theirs.
pub async fn bundle_import(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    bundle: &Bundle,
    into: Option<CampaignId>,
) -> Result<Campaign, Error> {
    let wrong = bundle_check(bundle);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let mut tx = pool.begin().await?;
    let (id, status) = match into {
        None => (ops::campaign_insert(&mut tx, guild_id, by, &bundle.campaign).await?, Status::Created),
        Some(id) => {
            let status =
                store::campaign_lock(&mut tx, guild_id, id).await?.ok_or(Error::NotFound("campaign"))?;
            let old =
                store::campaign_get(&mut tx, guild_id, id, true).await?.ok_or(Error::NotFound("campaign"))?;
            let mut settings = bundle.campaign.clone();
            // A folder without a start time leaves the one that was set when it was published.
            settings.start_time = settings.start_time.or(old.settings.start_time);
            ops::campaign_write(&mut tx, wake, by, &old, status, &settings).await?;
            (id, status)
        }
    };
    challenges_put(&mut tx, guild_id, id, &bundle.challenges).await?;
    if status == Status::Running {
        let key = CampaignKey { guild_id, id };
        lifecycle::releases_schedule(&mut tx, &[key]).await?;
        ops::timers_announce(&mut tx, wake, key).await?;
    }
    let campaign =
        store::campaign_get(&mut tx, guild_id, id, true).await?.ok_or(Error::NotFound("campaign"))?;
    tx.commit().await?;
    ops::committed(wake);
    Ok(campaign)
}

struct Known {
    id: Uuid,
    slug: String,
    released: bool,
    parts: i32,
    order_position: i32,
}

async fn challenges_put(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
    challenges: &[ChallengeBundle],
) -> Result<(), Error> {
    let known = sqlx::query_as!(
        Known,
        r#"SELECT id, slug, released_at IS NOT NULL AS "released!", parts, order_position
           FROM challenges.challenges WHERE guild_id = $2 AND campaign_id = $1 FOR UPDATE"#,
        id.get(),
        guild_id.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    released_check(&known, challenges)?;
    let gone: Vec<Uuid> =
        known.iter().filter(|k| challenges.iter().all(|c| c.slug != k.slug)).map(|k| k.id).collect();
    sqlx::query!(
        "DELETE FROM challenges.challenges WHERE guild_id = $1 AND id = ANY ($2)",
        guild_id.get(),
        &gone
    )
    .execute(&mut *conn)
    .await?;
    // Two challenges may swap places; the places are compared when all are in theirs.
    sqlx::query!("SET CONSTRAINTS challenges.uq_challenges_campaign_order DEFERRED")
        .execute(&mut *conn)
        .await?;
    for (order, challenge) in (1..).zip(challenges) {
        let put = challenge_put(conn, guild_id, id, order, challenge).await?;
        if hints_lost(conn, guild_id, put, &challenge.hints).await? {
            return Err(Error::Invalid(vec![FieldError {
                field: format!("challenges[{}].hints", order - 1),
                message: "must keep the hints that somebody has unlocked; add new ones behind them"
                    .to_owned(),
            }]));
        }
        hints_put(conn, guild_id, put, &challenge.hints).await?;
    }
    sqlx::query!("SET CONSTRAINTS challenges.uq_challenges_campaign_order IMMEDIATE").execute(conn).await?;
    Ok(())
}

/// What has been released stays where it is, with as many parts as it had.
fn released_check(known: &[Known], challenges: &[ChallengeBundle]) -> Result<(), Error> {
    let mut wrong = Vec::new();
    for released in known.iter().filter(|k| k.released) {
        let mut say =
            |field: String, message: &str| wrong.push(FieldError { field, message: message.to_owned() });
        match (0..).zip(challenges).find(|(_, c)| c.slug == released.slug) {
            None => {
                say("challenges".into(), &format!("must keep `{}`, which has been released", released.slug));
            }
            Some((i, c)) => {
                if i + 1 != released.order_position {
                    say(format!("challenges[{i}]"), "has been released; it must keep its place");
                }
                if c.parts != released.parts {
                    say(
                        format!("challenges[{i}].parts"),
                        "can't change once the challenge has been released",
                    );
                }
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

async fn challenge_put(
    conn: &mut PgConnection,
    guild_id: GuildId,
    campaign: CampaignId,
    order: i32,
    c: &ChallengeBundle,
) -> Result<Uuid, Error> {
    let id = sqlx::query_scalar!(
        "INSERT INTO challenges.challenges AS old
             (campaign_id, guild_id, order_position, slug, title, description, description_part2, parts, generation_script,
              categories, difficulty_level, closes_after_minutes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT ON CONSTRAINT uq_challenges_campaign_slug DO UPDATE SET
             order_position = excluded.order_position, title = excluded.title, description = excluded.description,
             description_part2 = excluded.description_part2, parts = excluded.parts, categories = excluded.categories,
             difficulty_level = excluded.difficulty_level, closes_after_minutes = excluded.closes_after_minutes,
             closes_at = old.released_at + excluded.closes_after_minutes * interval '1 minute',
             generation_script = excluded.generation_script,
             script_version = old.script_version + (old.generation_script <> excluded.generation_script)::int,
             script_updated_at = CASE WHEN old.generation_script <> excluded.generation_script THEN now()
                                      ELSE old.script_updated_at END
         RETURNING id",
        campaign.get(),
        guild_id.get(),
        order,
        c.slug,
        c.title.trim(),
        c.description,
        c.description_part2,
        c.parts,
        c.generation_script,
        Value::from(c.categories.clone()),
        c.difficulty,
        c.closes_after_minutes
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "WITH parts AS (
             INSERT INTO challenges.challenge_parts (guild_id, challenge_id, part) SELECT $3, $1, generate_series(1, $2)
             ON CONFLICT ON CONSTRAINT pk_challenge_parts DO NOTHING
         ), fewer AS (
             DELETE FROM challenges.challenge_parts WHERE guild_id = $3 AND challenge_id = $1 AND part > $2
         )
         UPDATE challenges.generated_input_cache i SET is_valid = false
         FROM challenges.challenges ch
         WHERE i.guild_id = $3 AND i.challenge_id = $1 AND ch.guild_id = $3 AND ch.id = $1 AND i.script_version < ch.script_version
           AND i.first_request_timestamp IS NULL AND i.is_valid",
        id,
        c.parts,
        guild_id.get(),
    )
    .execute(&mut *conn)
    .await?;
    Ok(id)
}

/// Whether fewer hints than this would take one away that somebody has paid for.
async fn hints_lost(
    conn: &mut PgConnection,
    guild_id: GuildId,
    challenge: Uuid,
    hints: &[HintBundle],
) -> Result<bool, Error> {
    let kept = i32::try_from(hints.len()).unwrap_or(i32::MAX);
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM challenges.challenge_hints h JOIN challenges.hint_unlocks u ON u.guild_id = h.guild_id AND u.hint_id = h.id
                          WHERE h.guild_id = $3 AND h.challenge_id = $1 AND h.position > $2) AS "lost!""#,
        challenge,
        kept,
        guild_id.get(),
    )
    .fetch_one(conn)
    .await?)
}

/// Hints keep their rows by position, so that who has unlocked one keeps it.
async fn hints_put(
    conn: &mut PgConnection,
    guild_id: GuildId,
    challenge: Uuid,
    hints: &[HintBundle],
) -> Result<(), Error> {
    let texts: Vec<String> = hints.iter().map(|h| h.text.clone()).collect();
    let parts: Vec<i32> = hints.iter().map(|h| h.part).collect();
    let costs: Vec<i64> = hints.iter().map(|h| h.cost_bytes).collect();
    let penalties: Vec<i64> = hints.iter().map(|h| h.penalty).collect();
    sqlx::query!(
        "WITH wanted AS (
             SELECT position, body, part, cost_bytes, penalty
             FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[])
                 WITH ORDINALITY AS h (body, part, cost_bytes, penalty, position)
         ), gone AS (
             DELETE FROM challenges.challenge_hints
             WHERE guild_id = $2 AND challenge_id = $1 AND position > (SELECT count(*) FROM wanted)
         )
         INSERT INTO challenges.challenge_hints (challenge_id, guild_id, position, part, body, cost_bytes, penalty)
         SELECT $1, $2, position, part, body, cost_bytes, penalty FROM wanted
         ON CONFLICT ON CONSTRAINT uq_challenge_hints_position DO UPDATE SET
             part = excluded.part, body = excluded.body, cost_bytes = excluded.cost_bytes, penalty = excluded.penalty",
        challenge,
        guild_id.get(),
        &texts,
        &parts,
        &costs,
        &penalties
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The bundle of a campaign: what importing it again would make.
pub async fn bundle_export(pool: &PgPool, guild_id: GuildId, id: CampaignId) -> Result<Bundle, Error> {
    let mut tx = pool.begin().await?;
    let campaign =
        store::campaign_get(&mut tx, guild_id, id, true).await?.ok_or(Error::NotFound("campaign"))?;
    let rows = sqlx::query!(
        r#"SELECT ch.slug, ch.title, ch.description, ch.description_part2, ch.parts, ch.generation_script, ch.categories,
                  ch.difficulty_level, ch.closes_after_minutes, h.hints AS "hints!"
           FROM challenges.challenges ch
           CROSS JOIN LATERAL (
               SELECT coalesce(jsonb_agg(jsonb_build_object('text', body, 'cost_bytes', cost_bytes, 'penalty', penalty,
                   'part', part) ORDER BY position), '[]') AS hints
               FROM challenges.challenge_hints
               WHERE guild_id = ch.guild_id AND challenge_id = ch.id) h
           WHERE ch.guild_id = $2 AND ch.campaign_id = $1 ORDER BY ch.order_position"#,
        id.get(),
        guild_id.get(),
    )
    .fetch_all(&mut *tx)
    .await?;
    let challenges = rows
        .into_iter()
        .map(|r| ChallengeBundle {
            slug: r.slug,
            title: r.title,
            categories: serde_json::from_value(r.categories).unwrap_or_default(),
            difficulty: r.difficulty_level,
            closes_after_minutes: r.closes_after_minutes,
            parts: r.parts,
            description: r.description,
            description_part2: r.description_part2,
            generation_script: r.generation_script,
            hints: serde_json::from_value(r.hints).unwrap_or_default(),
        })
        .collect();
    Ok(Bundle { campaign: campaign.settings, challenges })
}
