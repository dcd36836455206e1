//! The SQL of inputs.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use jobs::outbox::{self, Event};
use kernel::{CampaignId, ChallengeId, GuildId, UserId};
use sandbox::generator::shown_answer;
use sandbox::{File, Files};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::catalogue::script_files;
use crate::model::{Participant, ParticipantType};

/// A challenge as the maker of inputs sees it, with what one participant has of it.
pub(super) struct Look {
    pub(super) order_position: i32,
    pub(super) released_at: Option<DateTime<Utc>>,
    pub(super) registered: bool,
    pub(super) cached: Option<Cached>,
}

/// An input that is there and valid.
pub(super) struct Cached {
    pub(super) input: Value,
    pub(super) first_request: Option<DateTime<Utc>>,
    pub(super) files: Vec<MadeFile>,
}

pub(super) async fn input_look(
    conn: &mut PgConnection,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    participant: &Participant,
) -> sqlx::Result<Option<Look>> {
    let row = sqlx::query!(
        r#"SELECT ch.order_position, ch.released_at, i.input_json AS "input_json?", i.first_request_timestamp AS "first_request?",
                  EXISTS (SELECT FROM campaigns.campaign_participants p
                          WHERE p.guild_id = ch.guild_id AND p.campaign_id = ch.campaign_id AND p.participant_id = $3) AS "registered!",
                  f.names AS "names!", f.bytes AS "bytes!"
           FROM challenges.challenges ch
           LEFT JOIN challenges.generated_input_cache i ON i.guild_id = ch.guild_id AND i.challenge_id = ch.id AND i.participant_id = $3
                AND i.participant_type = $4 AND i.is_valid
           CROSS JOIN LATERAL (
               SELECT coalesce(array_agg(f.name ORDER BY f.name), '{}') AS names,
                      coalesce(array_agg(octet_length(f.content) ORDER BY f.name), '{}') AS bytes
               FROM challenges.input_files f
               WHERE f.guild_id = i.guild_id AND f.challenge_id = i.challenge_id AND f.participant_id = i.participant_id) f
           WHERE ch.guild_id = $5 AND ch.id = $2 AND ch.campaign_id = $1"#,
        campaign.get(),
        challenge.get(),
        participant.id,
        participant.kind.as_str(),
        guild.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Look {
        order_position: row.order_position,
        released_at: row.released_at,
        registered: row.registered,
        cached: row.input_json.map(|input| Cached {
            input,
            first_request: row.first_request,
            files: row
                .names
                .into_iter()
                .zip(row.bytes)
                .map(|(name, bytes)| MadeFile { name, bytes })
                .collect(),
        }),
    }))
}

/// Stamps the first request, once; `None` if the input is no longer valid.
pub(super) async fn first_request_stamp(
    conn: &mut PgConnection,
    (guild, challenge): (GuildId, ChallengeId),
    participant: &Participant,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"UPDATE challenges.generated_input_cache
           SET first_request_timestamp = coalesce(first_request_timestamp, clock_timestamp())
           WHERE guild_id = $4 AND challenge_id = $1 AND participant_id = $2 AND participant_type = $3 AND is_valid
           RETURNING first_request_timestamp AS "at!""#,
        challenge.get(),
        participant.id,
        participant.kind.as_str(),
        guild.get(),
    )
    .fetch_optional(conn)
    .await
}

/// A script with all that a run of it takes.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) challenge_id: ChallengeId,
    pub(crate) campaign_id: CampaignId,
    pub(crate) guild_id: GuildId,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) parts: i32,
    pub(crate) version: i32,
    pub(crate) text: Arc<str>,
    pub(crate) file_name: Arc<str>,
    pub(crate) secret: Vec<u8>,
    pub(crate) files: Files,
}

pub(crate) async fn script_read(
    conn: &mut PgConnection,
    guild: GuildId,
    challenge: ChallengeId,
) -> sqlx::Result<Option<Script>> {
    let row = sqlx::query!(
        r#"SELECT ch.campaign_id AS "campaign_id: CampaignId", ch.slug, ch.title, ch.parts,
                  ch.script_version, ch.generation_script, ch.files_digest IS NOT NULL AS "has_files!", c.secret
           FROM challenges.challenges ch JOIN campaigns.campaigns c ON c.guild_id = ch.guild_id AND c.id = ch.campaign_id
           WHERE ch.guild_id = $2 AND ch.id = $1"#,
        challenge.get(),
        guild.get(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    // An edit between the two makes a new version, and then nothing is stored of what comes of this.
    let files = if row.has_files {
        script_files(conn, (guild, row.campaign_id, challenge)).await?
    } else {
        Files::default()
    };
    Ok(Some(Script {
        challenge_id: challenge,
        campaign_id: row.campaign_id,
        guild_id: guild,
        file_name: format!("{}/generate.py", row.slug).into(),
        slug: row.slug,
        title: row.title,
        parts: row.parts,
        version: row.script_version,
        text: row.generation_script.into(),
        secret: row.secret,
        files,
    }))
}

/// What a run made for a participant.
pub(super) struct Made {
    pub(super) participant: Participant,
    pub(super) input: Value,
    pub(super) results: Vec<String>,
    pub(super) files: Vec<File>,
}

/// Stores inputs where there is no valid one yet, unless the script has changed since it ran. Answers how many were stored.
///
/// The challenge's row is locked against an edit of the script: an edit either waits, and then invalidates what was stored
/// here, or came first, and then nothing is stored. A replaced input keeps the stamp of its first request. Its files come and
/// go with it.
pub(super) async fn inputs_store(pool: &PgPool, script: &Script, made: &[Made]) -> sqlx::Result<u64> {
    let mut tx = db::begin(pool).await?;
    let stored = sqlx::query_scalar!(
        "WITH script AS (
             SELECT ch.id, ch.campaign_id, ch.guild_id, ch.script_version FROM challenges.challenges ch
             WHERE ch.guild_id = $7 AND ch.id = $1 AND ch.script_version = $2 FOR SHARE
         )
         INSERT INTO challenges.generated_input_cache AS old (challenge_id, campaign_id, guild_id, participant_id,
             participant_type, input_json, expected_results, script_version)
         SELECT s.id, s.campaign_id, s.guild_id, u.participant_id, u.participant_type, u.input,
                ARRAY(SELECT jsonb_array_elements_text(u.results)), s.script_version
         FROM script s, unnest($3::text[], $4::text[], $5::jsonb[], $6::jsonb[])
              AS u(participant_id, participant_type, input, results)
         ORDER BY u.participant_id, u.participant_type
         ON CONFLICT ON CONSTRAINT pk_generated_input_cache DO UPDATE
             SET input_json = excluded.input_json, expected_results = excluded.expected_results,
                 script_version = excluded.script_version, is_valid = true, generation_timestamp = now()
             WHERE NOT old.is_valid
         RETURNING old.participant_id",
        script.challenge_id.get(),
        script.version,
        &made.iter().map(|m| m.participant.id.clone()).collect::<Vec<_>>(),
        &made.iter().map(|m| m.participant.kind.as_str().to_owned()).collect::<Vec<_>>(),
        &made.iter().map(|m| m.input.clone()).collect::<Vec<_>>(),
        // Arrays of arrays would have to be of one length.
        &made.iter().map(|m| Value::from(m.results.clone())).collect::<Vec<_>>(),
        script.guild_id.get(),
    )
    .fetch_all(&mut *tx)
    .await?;
    if script.version > 1 && !stored.is_empty() {
        // What an older version made.
        sqlx::query!(
            "DELETE FROM challenges.input_files WHERE guild_id = $1 AND challenge_id = $2 AND participant_id = ANY ($3)",
            script.guild_id.get(),
            script.challenge_id.get(),
            &stored,
        )
        .execute(&mut *tx)
        .await?;
    }
    let files: Vec<(&Participant, &File)> = made
        .iter()
        .filter(|made| stored.contains(&made.participant.id))
        .flat_map(|made| made.files.iter().map(|file| (&made.participant, file)))
        .collect();
    if !files.is_empty() {
        let result = sqlx::query!(
            "INSERT INTO challenges.input_files (guild_id, challenge_id, participant_id, participant_type, name, content)
             SELECT $1, $2, u.participant_id, u.participant_type, u.name, u.content
             FROM unnest($3::text[], $4::text[], $5::text[], $6::bytea[]) AS u(participant_id, participant_type, name, content)",
            script.guild_id.get(),
            script.challenge_id.get(),
            &files.iter().map(|(who, _)| who.id.clone()).collect::<Vec<_>>(),
            &files.iter().map(|(who, _)| who.kind.as_str().to_owned()).collect::<Vec<_>>(),
            &files.iter().map(|(_, file)| file.path.clone()).collect::<Vec<_>>(),
            &files.iter().map(|(_, file)| file.content.to_vec()).collect::<Vec<_>>(),
        )
        .execute(&mut *tx)
        .await?;
        db::ensure_affected(&result, files.len() as u64)?;
    }
    tx.commit().await?;
    Ok(stored.len() as u64)
}

/// A file that was made for a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MadeFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: i32,
}

impl MadeFile {
    /// What is told of a file that a script has just made.
    pub(crate) fn of(file: &File) -> Self {
        Self { name: file.path.clone(), bytes: i32::try_from(file.content.len()).unwrap_or(i32::MAX) }
    }
}

/// The files beside a participant's input.
pub(super) async fn files_of(
    conn: &mut PgConnection,
    (guild, challenge): (GuildId, ChallengeId),
    participant_id: &str,
) -> sqlx::Result<Vec<MadeFile>> {
    sqlx::query_as!(
        MadeFile,
        r#"SELECT name, octet_length(content) AS "bytes!" FROM challenges.input_files
           WHERE guild_id = $1 AND challenge_id = $2 AND participant_id = $3 ORDER BY name"#,
        guild.get(),
        challenge.get(),
        participant_id,
    )
    .fetch_all(conn)
    .await
}

/// What one of them holds.
pub(super) async fn file_of(
    conn: &mut PgConnection,
    (guild, challenge): (GuildId, ChallengeId),
    participant_id: &str,
    name: &str,
) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "SELECT content FROM challenges.input_files
         WHERE guild_id = $1 AND challenge_id = $2 AND participant_id = $3 AND name = $4",
        guild.get(),
        challenge.get(),
        participant_id,
        name,
    )
    .fetch_optional(conn)
    .await
}

/// Notes that a version of a script fails. The first time, admins are told by an event that nobody else may see (it is
/// addressed to the house), and the answer is true.
pub(super) async fn script_failed(pool: &PgPool, script: &Script, words: &str) -> sqlx::Result<bool> {
    // Some words are the script's own.
    let words = &*sandbox::readable(words);
    let mut tx = db::begin(pool).await?;
    let first = sqlx::query!(
        "UPDATE challenges.challenges SET script_failed_version = $2, script_failed_at = now(), script_error = $3
         WHERE guild_id = $4 AND id = $1 AND script_version = $2 AND script_failed_version IS DISTINCT FROM $2",
        script.challenge_id.get(),
        script.version,
        words,
        script.guild_id.get(),
    )
    .execute(&mut *tx)
    .await?
    .rows_affected()
        == 1;
    if first {
        let event = Event {
            guild_id: script.guild_id,
            event_type: "challenge.script_failed",
            subject: format!("campaigns/{}", script.campaign_id),
            correlation_id: None,
            user_id: Some(UserId::HOUSE),
            payload: json!({
                "campaign_id": script.campaign_id,
                "challenge_id": script.challenge_id,
                "slug": script.slug,
                "title": script.title,
                "script_version": script.version,
                "error": words,
            }),
        };
        outbox::emit_one(&mut tx, event).await?;
    }
    tx.commit().await?;
    Ok(first)
}

/// An input's answers and history, for admins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InputWithAnswer {
    /// A player's snowflake or a squad's UUID.
    pub participant_id: String,
    /// player or squad.
    pub participant_type: String,
    /// The answers, by part.
    pub answers: Vec<String>,
    /// The version of the script that made it.
    pub script_version: i32,
    /// Whether it still holds; otherwise it is made anew when asked for.
    pub is_valid: bool,
    /// What it takes in the database, in bytes.
    pub stored_bytes: i32,
    /// When it was made.
    pub generated_at: DateTime<Utc>,
    /// When the participant first asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_request_at: Option<DateTime<Utc>>,
}

pub(super) async fn inputs_with_answers(
    conn: &mut PgConnection,
    (guild, challenge): (GuildId, ChallengeId),
    after: &str,
    count: i64,
) -> sqlx::Result<Vec<InputWithAnswer>> {
    sqlx::query_as!(
        InputWithAnswer,
        r#"SELECT participant_id, participant_type, expected_results AS answers,
                  script_version, is_valid, pg_column_size(input_json) AS "stored_bytes!",
                  generation_timestamp AS generated_at, first_request_timestamp AS first_request_at
           FROM challenges.generated_input_cache
           WHERE guild_id = $4 AND challenge_id = $1 AND participant_id > $2 ORDER BY participant_id LIMIT $3"#,
        challenge.get(),
        after,
        count,
        guild.get(),
    )
    .fetch_all(conn)
    .await
    .map(|rows| rows.into_iter().map(|row| InputWithAnswer { answers: shown(&row.answers), ..row }).collect())
}

/// Stored answers for people: where several are right, all of them.
fn shown(answers: &[String]) -> Vec<String> {
    answers.iter().map(|answer| shown_answer(answer).into_owned()).collect()
}

/// A stored input with its answers, for admins.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StoredInput {
    /// A player's snowflake or a squad's UUID.
    pub participant_id: String,
    /// The input: text, or any JSON.
    pub input: Value,
    /// The answers, by part.
    pub answers: Vec<String>,
    /// The files beside it.
    pub files: Vec<MadeFile>,
    /// The version of the script that made it.
    pub script_version: i32,
    /// Whether it still holds.
    pub is_valid: bool,
}

pub(super) async fn input_stored(
    conn: &mut PgConnection,
    (guild, challenge): (GuildId, ChallengeId),
    participant_id: &str,
) -> sqlx::Result<Option<StoredInput>> {
    let row = sqlx::query!(
        r#"SELECT participant_id, input_json AS input, expected_results AS answers,
                  script_version, is_valid
           FROM challenges.generated_input_cache WHERE guild_id = $3 AND challenge_id = $1 AND participant_id = $2"#,
        challenge.get(),
        participant_id,
        guild.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| StoredInput {
        participant_id: row.participant_id,
        input: row.input,
        answers: shown(&row.answers),
        files: Vec::new(),
        script_version: row.script_version,
        is_valid: row.is_valid,
    }))
}

/// The next registered participants after `after` in the order of their ids, each with whether a valid input of the script's
/// challenge is there. They are looked at chunk by chunk, so that a large campaign costs an index range each time and no
/// anti-join.
pub(super) async fn participants_next(
    conn: &mut PgConnection,
    script: &Script,
    after: &str,
    count: i64,
) -> sqlx::Result<Vec<(Participant, bool)>> {
    let rows = sqlx::query!(
        r#"SELECT p.participant_id, p.participant_type, i.made IS NOT NULL AS "made!"
           FROM (SELECT p.participant_id, p.participant_type FROM campaigns.campaign_participants p
                 WHERE p.guild_id = $1 AND p.campaign_id = $2 AND p.participant_id > $4
                 ORDER BY p.participant_id LIMIT $5) p
           LEFT JOIN LATERAL (SELECT 1 AS made FROM challenges.generated_input_cache i
                              WHERE i.guild_id = $1 AND i.challenge_id = $3 AND i.participant_id = p.participant_id
                                AND i.participant_type = p.participant_type AND i.is_valid LIMIT 1) i ON true
           ORDER BY p.participant_id"#,
        script.guild_id.get(),
        script.campaign_id.get(),
        script.challenge_id.get(),
        after,
        count,
    )
    .fetch_all(conn)
    .await?;
    let participants = rows.into_iter().map(|row| {
        let kind = ParticipantType::from_column(&row.participant_type)?;
        Ok((Participant { id: row.participant_id, kind }, row.made))
    });
    participants.collect()
}

/// Challenges of published campaigns that are released within so many seconds, or whose script changed within the last hour,
/// for which somebody registered has no valid input, and whose script is not known to fail; the soonest release first. (Who
/// registers after a release gets an input when asking for it.)
pub(super) async fn challenges_due(
    conn: &mut PgConnection,
    within_seconds: f64,
    count: i64,
) -> sqlx::Result<Vec<(GuildId, ChallengeId)>> {
    let rows = sqlx::query!(
        r#"SELECT ch.guild_id AS "guild_id: GuildId", ch.id AS "id: ChallengeId"
           FROM challenges.challenges ch JOIN campaigns.campaigns c ON c.guild_id = ch.guild_id AND c.id = ch.campaign_id
           WHERE c.published_at IS NOT NULL AND c.status IN ('CREATED', 'RUNNING')
             AND c.start_time + (ch.order_position - 1) * make_interval(mins => c.release_delay_minutes)
                 <= now() + make_interval(secs => $1)
             AND (ch.closes_at IS NULL OR ch.closes_at > now())
             AND (ch.released_at IS NULL OR ch.script_updated_at > greatest(ch.released_at, now() - interval '1 hour'))
             AND ch.script_failed_version IS DISTINCT FROM ch.script_version
             AND EXISTS (SELECT FROM campaigns.campaign_participants p
                         WHERE p.guild_id = c.guild_id AND p.campaign_id = c.id
                           AND NOT EXISTS (SELECT FROM challenges.generated_input_cache i
                                           WHERE i.guild_id = ch.guild_id AND i.challenge_id = ch.id
                                             AND i.participant_id = p.participant_id
                                             AND i.participant_type = p.participant_type AND i.is_valid))
           ORDER BY c.start_time + (ch.order_position - 1) * make_interval(mins => c.release_delay_minutes), ch.id
           LIMIT $2"#,
        within_seconds,
        count,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild_id, row.id)).collect())
}
