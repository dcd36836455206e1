//! The SQL of answers that wait for a checker.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use jobs::outbox::{self, Event};
use kernel::{CampaignId, ChallengeId, GuildId, SubmissionId, UserId};
use sandbox::Files;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use super::Check;
use crate::catalogue::script_files;
use crate::model::{CampaignKey, Participant, ParticipantType};
use crate::submissions::Submission;

/// For how long a node has an answer to itself, in seconds. After that another one takes it up.
const LEASE: f64 = 60.0;
/// How often an answer is taken up before it is given back.
const ATTEMPTS: i32 = 3;
/// How many are taken up at once.
const CLAIMED: i64 = 100;

/// Keeps answers until their checkers have spoken, and counts them against the windows.
pub(crate) async fn pending_insert(conn: &mut PgConnection, checks: &[&Check]) -> sqlx::Result<()> {
    let kept: Vec<(&Check, SubmissionId)> =
        checks.iter().filter_map(|check| Some((*check, check.id?))).collect();
    if kept.is_empty() {
        return Ok(());
    }
    let result = sqlx::query!(
        "WITH answers AS (
             SELECT * FROM unnest($1::int8[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::int8[], $8::int4[],
                                  $9::text[], $10::timestamptz[])
                  AS u(guild_id, campaign_id, id, challenge_id, participant_id, participant_type, user_id, part, answer, at)
         ), windows AS (
             INSERT INTO challenges.submission_rate_limits
                 (guild_id, campaign_id, participant_id, participant_type, submission_timestamp)
             SELECT guild_id, campaign_id, participant_id, participant_type, at FROM answers
         )
         INSERT INTO challenges.pending_checks (guild_id, campaign_id, id, challenge_id, participant_id, participant_type,
             user_id, part, answer, arrived_at, claimed_until)
         SELECT guild_id, campaign_id, id, challenge_id, participant_id, participant_type, user_id, part, answer, at,
                clock_timestamp() + make_interval(secs => $11) FROM answers",
        &kept.iter().map(|(c, _)| c.submission.guild_id.get()).collect::<Vec<_>>(),
        &kept.iter().map(|(c, _)| c.submission.campaign_id.get()).collect::<Vec<_>>(),
        &kept.iter().map(|(_, id)| id.get()).collect::<Vec<_>>(),
        &kept.iter().map(|(c, _)| c.submission.challenge_id.get()).collect::<Vec<_>>(),
        &kept.iter().map(|(c, _)| c.participant.id.clone()).collect::<Vec<_>>(),
        &kept.iter().map(|(c, _)| c.participant.kind.as_str().to_owned()).collect::<Vec<_>>(),
        &kept.iter().map(|(c, _)| c.submission.user_id.get()).collect::<Vec<_>>(),
        &kept.iter().map(|(c, _)| c.part).collect::<Vec<_>>(),
        &kept.iter().map(|(c, _)| c.submission.answer.clone()).collect::<Vec<_>>(),
        &kept.iter().map(|(c, _)| c.arrived_at).collect::<Vec<_>>(),
        LEASE,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&result, kept.len() as u64)?;
    Ok(())
}

/// Takes answers that have their verdict out of those that wait; whoever takes one gives the verdict. Answers with those that
/// were there.
pub(crate) async fn pending_take(
    conn: &mut PgConnection,
    keys: &[(GuildId, SubmissionId)],
) -> sqlx::Result<Vec<SubmissionId>> {
    sqlx::query_scalar!(
        r#"DELETE FROM challenges.pending_checks p USING unnest($1::int8[], $2::uuid[]) AS u(guild_id, id)
           WHERE p.guild_id = u.guild_id AND p.id = u.id RETURNING p.id AS "id: SubmissionId""#,
        &keys.iter().map(|(guild, _)| guild.get()).collect::<Vec<_>>(),
        &keys.iter().map(|(_, id)| id.get()).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await
}

/// Takes back what answers counted against the windows, by participant and time of arrival.
pub(crate) async fn windows_release(
    conn: &mut PgConnection,
    counted: &[(CampaignKey, String, DateTime<Utc>)],
) -> sqlx::Result<()> {
    if counted.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "DELETE FROM challenges.submission_rate_limits r
         USING unnest($1::int8[], $2::uuid[], $3::text[], $4::timestamptz[]) AS u(guild_id, campaign_id, participant_id, at)
         WHERE r.guild_id = u.guild_id AND r.campaign_id = u.campaign_id AND r.participant_id = u.participant_id
           AND r.submission_timestamp = u.at",
        &counted.iter().map(|(campaign, ..)| campaign.guild_id.get()).collect::<Vec<_>>(),
        &counted.iter().map(|(campaign, ..)| campaign.id.get()).collect::<Vec<_>>(),
        &counted.iter().map(|(_, id, _)| id.clone()).collect::<Vec<_>>(),
        &counted.iter().map(|(.., at)| *at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives an answer back unjudged: it waits no more, and has cost no try.
pub(crate) async fn pending_release(pool: &PgPool, check: &Check) -> sqlx::Result<()> {
    let Some(id) = check.id else { return Ok(()) };
    let mut tx = db::begin(pool).await?;
    if !pending_take(&mut tx, &[(check.submission.guild_id, id)]).await?.is_empty() {
        let counted = (check.campaign(), check.participant.id.clone(), check.arrived_at);
        windows_release(&mut tx, &[counted]).await?;
    }
    tx.commit().await
}

/// Takes up answers whose node has not come back to them, the oldest first. Those that were taken up too often are given back.
pub(crate) async fn pending_claim(pool: &PgPool) -> sqlx::Result<Vec<Check>> {
    let rows = sqlx::query!(
        r#"UPDATE challenges.pending_checks p
           SET claimed_until = clock_timestamp() + make_interval(secs => $1), attempts = p.attempts + 1
           WHERE (p.guild_id, p.id) IN (SELECT q.guild_id, q.id FROM challenges.pending_checks q
                                        WHERE q.claimed_until < clock_timestamp()
                                        ORDER BY q.claimed_until LIMIT $2 FOR UPDATE SKIP LOCKED)
           RETURNING p.guild_id AS "guild_id: GuildId", p.campaign_id AS "campaign_id: CampaignId", p.id AS "id: SubmissionId",
                     p.challenge_id AS "challenge_id: ChallengeId", p.participant_id, p.participant_type,
                     p.user_id AS "user_id: UserId", p.part, p.answer, p.arrived_at, p.attempts"#,
        LEASE,
        CLAIMED,
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    let mut taken = Vec::with_capacity(rows.len());
    for row in rows {
        let kind = ParticipantType::from_column(&row.participant_type)?;
        let within = (row.guild_id, row.campaign_id, row.challenge_id);
        let check = Check {
            id: Some(row.id),
            submission: Submission::kept(within, row.user_id, (row.part, row.answer)),
            participant: Participant { id: row.participant_id, kind },
            part: row.part,
            arrived_at: row.arrived_at,
        };
        if row.attempts > ATTEMPTS {
            tracing::error!(challenge = %row.challenge_id, "an answer could not be checked, however often, and is given back");
            pending_release(pool, &check).await?;
        } else {
            taken.push(check);
        }
    }
    taken.sort_by_key(|check| check.arrived_at);
    Ok(taken)
}

/// Those of these campaigns in which answers still wait for their checkers.
pub async fn pending_campaigns(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
) -> sqlx::Result<Vec<CampaignId>> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_scalar!(
        r#"SELECT u.id AS "id!: CampaignId" FROM unnest($1::bigint[], $2::uuid[]) AS u(guild_id, id)
           WHERE EXISTS (SELECT FROM challenges.pending_checks p WHERE p.guild_id = u.guild_id AND p.campaign_id = u.id)"#,
        &guilds,
        &ids,
    )
    .fetch_all(conn)
    .await
}

/// What a checker is asked about.
pub(crate) struct Subject {
    pub(crate) slug: String,
    pub(crate) script: Arc<str>,
    pub(crate) version: i32,
    pub(crate) files: Files,
    pub(crate) input: Value,
    pub(crate) expected: String,
}

/// Reads what a checker is asked about; `None` where the input was replaced, or the checker taken away.
pub(crate) async fn subject_read(conn: &mut PgConnection, check: &Check) -> sqlx::Result<Option<Subject>> {
    let row = sqlx::query!(
        r#"SELECT ch.slug, ch.checker_script AS "script!", ch.checker_version, ch.files_digest IS NOT NULL AS "has_files!",
                  i.input_json AS input, i.expected_results[$5] AS expected
           FROM challenges.challenges ch
           JOIN challenges.generated_input_cache i ON i.guild_id = ch.guild_id AND i.challenge_id = ch.id
                AND i.participant_id = $3 AND i.participant_type = $4 AND i.is_valid
           WHERE ch.guild_id = $1 AND ch.id = $2 AND ch.checker_script IS NOT NULL"#,
        check.submission.guild_id.get(),
        check.submission.challenge_id.get(),
        check.participant.id,
        check.participant.kind.as_str(),
        check.part,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(expected) = row.expected else { return Ok(None) };
    let files = if row.has_files { script_files(conn, check.within()).await? } else { Files::default() };
    Ok(Some(Subject {
        slug: row.slug,
        script: row.script.into(),
        version: row.checker_version,
        files,
        input: row.input,
        expected,
    }))
}

/// Notes that a version of a checker fails. The first time, admins are told, and the answer is true.
pub(crate) async fn checker_failed(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    (subject, words): (&Subject, &str),
) -> sqlx::Result<bool> {
    // Some words are the checker's own.
    let words = &*sandbox::readable(words);
    let mut tx = db::begin(pool).await?;
    let title = sqlx::query_scalar!(
        "UPDATE challenges.challenges SET checker_failed_version = $3, checker_error = $4
         WHERE guild_id = $1 AND id = $2 AND checker_version = $3 AND checker_failed_version IS DISTINCT FROM $3
         RETURNING title",
        guild.get(),
        challenge.get(),
        subject.version,
        words,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(title) = &title {
        let event = Event {
            guild_id: guild,
            event_type: "challenge.checker_failed",
            subject: format!("campaigns/{campaign}"),
            correlation_id: None,
            user_id: Some(UserId::HOUSE),
            payload: json!({
                "campaign_id": campaign, "challenge_id": challenge, "slug": subject.slug, "title": title,
                "checker_version": subject.version, "error": words,
            }),
        };
        outbox::emit_one(&mut tx, event).await?;
    }
    tx.commit().await?;
    Ok(title.is_some())
}
