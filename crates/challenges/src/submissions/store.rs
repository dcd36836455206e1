//! The SQL of a batch: each function is one statement, whatever the batch's size.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{CampaignId, ChallengeId, GuildId, SubmissionId, UserId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::judge::{Input, Solved, Standing};
use crate::checks::Said;
use crate::model::{CampaignKey, Participant};
use crate::rules::{FIVE_MINUTES, RankKey, Recent, Score, rules_read};

/// A registered participant, locked for this transaction.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    pub(crate) display_name: String,
    pub(crate) score: Score,
    pub(crate) last_correct_at: Option<DateTime<Utc>>,
    pub(crate) bucket: i32,
    pub(crate) wrong_streak: i32,
    pub(crate) locked_until: Option<DateTime<Utc>>,
}

pub(crate) type ParticipantKey = (CampaignKey, String);

/// Locks participants in the order of their keys. Who is missing from the answer is not registered.
pub(crate) async fn participants_lock(
    conn: &mut PgConnection,
    wanted: &[&ParticipantKey],
) -> sqlx::Result<HashMap<ParticipantKey, Locked>> {
    let (guilds, campaigns): (Vec<i64>, Vec<Uuid>) =
        wanted.iter().map(|(campaign, _)| (campaign.guild_id.get(), campaign.id.get())).unzip();
    let ids: Vec<String> = wanted.iter().map(|(_, id)| id.clone()).collect();
    let rows = sqlx::query!(
        r#"SELECT p.guild_id AS "guild_id: GuildId", p.campaign_id AS "campaign_id: CampaignId", p.participant_id, p.points, p.penalty,
                  p.parts_solved, p.total_ms, p.bucket, p.wrong_streak, p.locked_until,
                  nullif(p.last_correct_at, 'infinity') AS last_correct_at,
                  coalesce(CASE p.participant_type
                      WHEN 'player' THEN (SELECT k.name FROM people.known_as k
                                          WHERE k.guild_id = p.guild_id AND k.user_id = p.participant_id::bigint)
                      ELSE (SELECT q.name FROM squads.squads q
                            WHERE q.guild_id = p.guild_id AND q.id = p.participant_id::uuid)
                  END, p.display_name) AS "display_name!"
           FROM campaigns.campaign_participants p
           JOIN unnest($1::int8[], $2::uuid[], $3::text[]) AS u(guild_id, campaign_id, participant_id)
             ON u.guild_id = p.guild_id AND u.campaign_id = p.campaign_id AND u.participant_id = p.participant_id
           ORDER BY p.guild_id, p.campaign_id, p.participant_id
           FOR NO KEY UPDATE OF p"#,
        &guilds,
        &campaigns,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let locked = rows.into_iter().map(|row| {
        let score = Score {
            points: row.points,
            penalty: row.penalty,
            parts_solved: row.parts_solved,
            total_ms: row.total_ms,
        };
        let locked = Locked {
            display_name: row.display_name,
            score,
            last_correct_at: row.last_correct_at,
            bucket: row.bucket,
            wrong_streak: row.wrong_streak,
            locked_until: row.locked_until,
        };
        ((CampaignKey { guild_id: row.guild_id, id: row.campaign_id }, row.participant_id), locked)
    });
    Ok(locked.collect())
}

/// One participant's view of one challenge, to be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Look {
    pub(super) campaign: CampaignKey,
    pub(super) challenge_id: ChallengeId,
    pub(super) participant: Participant,
}

/// Reads challenges, inputs, solved parts and recent answers, in the order asked; `None` where there is no such challenge in
/// the campaign. Each look costs a few index entries, however many answers were ever submitted.
pub(super) async fn standings_read(
    conn: &mut PgConnection,
    looks: &[Look],
    (since, keep): (DateTime<Utc>, i32),
) -> sqlx::Result<Vec<Option<(Standing, Recent)>>> {
    let numbers: Vec<i32> = (0..looks.len()).map(|n| i32::try_from(n).unwrap_or(i32::MAX)).collect();
    let (guilds, campaigns): (Vec<i64>, Vec<Uuid>) =
        looks.iter().map(|look| (look.campaign.guild_id.get(), look.campaign.id.get())).unzip();
    let challenges: Vec<Uuid> = looks.iter().map(|look| look.challenge_id.get()).collect();
    let ids: Vec<String> = looks.iter().map(|look| look.participant.id.clone()).collect();
    let kinds: Vec<String> = looks.iter().map(|look| look.participant.kind.as_str().to_owned()).collect();
    let rows = sqlx::query!(
        r#"SELECT u.n AS "n!", ch.order_position, ch.parts, ch.released_at, ch.closes_at, ch.answer_rules, ch.has_checker AS "has_checker!",
                  i.expected_results AS "expected?", i.first_request_timestamp,
                  s.parts AS "solved?: Vec<i32>", s.positions AS "positions?: Vec<i32>", s.points AS "points?: Vec<i32>",
                  s.elapsed AS "elapsed?: Vec<i64>", s.times AS "times?: Vec<DateTime<Utc>>",
                  CASE WHEN ch.has_checker THEN s.answers END AS "right?: Vec<String>",
                  ARRAY(SELECT r.submission_timestamp FROM challenges.submission_rate_limits r
                        WHERE r.guild_id = u.guild_id AND r.campaign_id = u.campaign_id AND r.participant_id = u.participant_id
                          AND r.submission_timestamp > $6
                        ORDER BY r.submission_timestamp DESC LIMIT $7) AS "recent!: Vec<DateTime<Utc>>"
           FROM unnest($1::int4[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $8::int8[])
                AS u(n, campaign_id, challenge_id, participant_id, participant_type, guild_id)
           JOIN LATERAL (
               SELECT c.campaign_id, c.order_position, c.parts, c.released_at, c.closes_at, c.answer_rules,
                      c.checker_script IS NOT NULL AS has_checker
               FROM challenges.challenges c WHERE c.guild_id = u.guild_id AND c.id = u.challenge_id
               LIMIT 1) ch ON ch.campaign_id = u.campaign_id
           LEFT JOIN LATERAL (
               SELECT c.expected_results, c.first_request_timestamp
               FROM challenges.generated_input_cache c
               WHERE c.guild_id = u.guild_id AND c.challenge_id = u.challenge_id AND c.participant_id = u.participant_id
                 AND c.participant_type = u.participant_type AND c.is_valid AND c.first_request_timestamp IS NOT NULL
               LIMIT 1) i ON true
           LEFT JOIN LATERAL (
               SELECT array_agg(s.part) AS parts, array_agg(s.solve_position) AS positions, array_agg(s.points_awarded) AS points,
                      array_agg(s.elapsed_ms) AS elapsed, array_agg(s.submission_timestamp) AS times,
                      array_agg(s.submitted_result) AS answers
               FROM challenges.challenge_submissions s
               WHERE s.guild_id = u.guild_id AND s.challenge_id = u.challenge_id AND s.participant_id = u.participant_id
                 AND s.is_correct) s ON true"#,
        &numbers,
        &campaigns,
        &challenges,
        &ids,
        &kinds,
        since - FIVE_MINUTES,
        i64::from(keep),
        &guilds,
    )
    .fetch_all(conn)
    .await?;
    let mut found = vec![None; looks.len()];
    for row in rows {
        let input = match (row.expected, row.first_request_timestamp) {
            (Some(expected), Some(first_request)) => Some(Input { expected, first_request }),
            _ => None,
        };
        let parts = row.solved.unwrap_or_default();
        let right = row.right.unwrap_or_default();
        let mut standing = Standing {
            order_position: row.order_position,
            parts: row.parts,
            released_at: row.released_at,
            closes_at: row.closes_at,
            rules: rules_read(row.answer_rules),
            input,
            solved: vec![None; usize::try_from(row.parts).unwrap_or_default()],
            has_checker: row.has_checker,
            right_answers: parts.iter().copied().zip(right).collect(),
        };
        // The arrays are of one pass, so they are in one order.
        let positions = row.positions.unwrap_or_default().into_iter();
        let how = positions
            .zip(row.points.unwrap_or_default())
            .zip(row.elapsed.unwrap_or_default())
            .zip(row.times.unwrap_or_default());
        for (part, (((position, points), elapsed_ms), at)) in parts.into_iter().zip(how) {
            standing.solve(part, Solved { position, points, elapsed_ms, at });
        }
        if let Some(slot) = usize::try_from(row.n).ok().and_then(|n| found.get_mut(n)) {
            *slot = Some((standing, Recent::new(row.recent)));
        }
    }
    Ok(found)
}

/// A part of a challenge.
pub(crate) type PartKey = (GuildId, ChallengeId, i32);

/// Locks parts in the order of their keys and reads how often each was solved.
pub(crate) async fn parts_lock(
    conn: &mut PgConnection,
    wanted: &[PartKey],
) -> sqlx::Result<HashMap<PartKey, i32>> {
    let guilds: Vec<i64> = wanted.iter().map(|(guild, ..)| guild.get()).collect();
    let challenges: Vec<Uuid> = wanted.iter().map(|(_, challenge, _)| challenge.get()).collect();
    let parts: Vec<i32> = wanted.iter().map(|(.., part)| *part).collect();
    let rows = sqlx::query!(
        r#"SELECT p.guild_id AS "guild_id: GuildId", p.challenge_id AS "challenge_id: ChallengeId", p.part, p.solve_count
           FROM challenges.challenge_parts p
           JOIN unnest($1::int8[], $2::uuid[], $3::int4[]) AS u(guild_id, challenge_id, part)
             ON u.guild_id = p.guild_id AND u.challenge_id = p.challenge_id AND u.part = p.part
           ORDER BY p.guild_id, p.challenge_id, p.part
           FOR NO KEY UPDATE OF p"#,
        &guilds,
        &challenges,
        &parts,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.guild_id, row.challenge_id, row.part), row.solve_count)).collect())
}

/// A judged answer, to be journalled.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: SubmissionId,
    pub(super) look: Look,
    pub(super) user_id: UserId,
    pub(super) part: i32,
    pub(super) answer: String,
    pub(super) solved: Option<Solved>,
    pub(super) arrival: DateTime<Utc>,
    /// What a checker said of it. It has counted against the windows since its arrival.
    pub(super) said: Option<Said>,
}

/// Journals answers and counts them against the windows.
pub(super) async fn records_insert(conn: &mut PgConnection, records: &[Record]) -> sqlx::Result<()> {
    let solved = |f: fn(&Solved) -> i64| records.iter().map(move |r| r.solved.as_ref().map(f));
    let positions: Vec<Option<i32>> = records.iter().map(|r| r.solved.map(|s| s.position)).collect();
    let points: Vec<i32> = records.iter().map(|r| r.solved.map_or(0, |s| s.points)).collect();
    let result = sqlx::query!(
        r#"WITH windows AS (
               INSERT INTO challenges.submission_rate_limits
                   (guild_id, campaign_id, participant_id, participant_type, submission_timestamp)
               SELECT w.guild_id, w.campaign_id, w.participant_id, w.participant_type, w.at
               FROM unnest($4::int8[], $3::uuid[], $5::text[], $6::text[], $13::timestamptz[], $14::bool[])
                    AS w(guild_id, campaign_id, participant_id, participant_type, at, checked)
               WHERE NOT w.checked
           )
           INSERT INTO challenges.challenge_submissions (id, challenge_id, campaign_id, guild_id, participant_id,
               participant_type, user_id, part, submitted_result, is_correct, points_awarded, solve_position, elapsed_ms,
               submission_timestamp, share_percent, checker_message)
           SELECT u.id, u.challenge_id, u.campaign_id, u.guild_id, u.participant_id, u.participant_type, u.user_id, u.part,
                  u.answer, u.position IS NOT NULL, u.points, u.position, u.elapsed, u.at, u.share, u.message
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::text[], $6::text[], $7::int8[], $8::int4[],
                       $9::text[], $10::int4[], $11::int4[], $12::int8[], $13::timestamptz[], $15::int4[], $16::text[])
                AS u(id, challenge_id, campaign_id, guild_id, participant_id, participant_type, user_id, part, answer,
                     points, position, elapsed, at, share, message)"#,
        &records.iter().map(|r| r.id.get()).collect::<Vec<_>>(),
        &records.iter().map(|r| r.look.challenge_id.get()).collect::<Vec<_>>(),
        &records.iter().map(|r| r.look.campaign.id.get()).collect::<Vec<_>>(),
        &records.iter().map(|r| r.look.campaign.guild_id.get()).collect::<Vec<_>>(),
        &records.iter().map(|r| r.look.participant.id.clone()).collect::<Vec<_>>(),
        &records.iter().map(|r| r.look.participant.kind.as_str().to_owned()).collect::<Vec<_>>(),
        &records.iter().map(|r| r.user_id.get()).collect::<Vec<_>>(),
        &records.iter().map(|r| r.part).collect::<Vec<_>>(),
        &records.iter().map(|r| r.answer.clone()).collect::<Vec<_>>(),
        &points,
        &positions as &[Option<i32>],
        &solved(|s| s.elapsed_ms).collect::<Vec<_>>() as &[Option<i64>],
        &records.iter().map(|r| r.arrival).collect::<Vec<_>>(),
        &records.iter().map(|r| r.said.is_some()).collect::<Vec<_>>(),
        &records.iter().map(|r| r.said.as_ref().map(|said| said.share).filter(|share| *share < 100)).collect::<Vec<_>>()
            as &[Option<i32>],
        &records.iter().map(|r| r.said.as_ref().and_then(|said| said.message.clone())).collect::<Vec<_>>()
            as &[Option<String>],
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&result, records.len() as u64)?;
    Ok(())
}

/// A participant's new score.
#[derive(Debug)]
pub(crate) struct NewScore {
    pub(crate) campaign: CampaignKey,
    pub(crate) participant_id: String,
    pub(crate) score: Score,
    pub(crate) key: RankKey,
    pub(crate) last_correct_at: Option<DateTime<Utc>>,
    pub(crate) old_bucket: i32,
    pub(crate) bucket: i32,
    pub(crate) wrong_streak: i32,
    pub(crate) locked_until: Option<DateTime<Utc>>,
}

/// Writes new scores of locked participants, and moves them in the histogram: all differences in one upsert in the order
/// of the buckets' keys.
pub(crate) async fn scores_write(conn: &mut PgConnection, scores: &[NewScore]) -> sqlx::Result<()> {
    let mut moves: HashMap<(CampaignKey, i32), i32> = HashMap::new();
    for new in scores.iter().filter(|new| new.bucket != new.old_bucket) {
        for (bucket, change) in [(new.old_bucket, -1), (new.bucket, 1)] {
            if bucket >= 0 {
                *moves.entry((new.campaign, bucket)).or_default() += change;
            }
        }
    }
    moves.retain(|_, change| *change != 0);
    let result = sqlx::query!(
        r#"WITH histogram AS (
               INSERT INTO campaigns.standing_buckets AS b (guild_id, campaign_id, bucket, participants)
               SELECT * FROM unnest($17::int8[], $12::uuid[], $13::int4[], $14::int4[]) AS m(guild_id, campaign_id, bucket, change)
               ORDER BY m.guild_id, m.campaign_id, m.bucket
               ON CONFLICT ON CONSTRAINT pk_standing_buckets DO UPDATE SET participants = b.participants + excluded.participants
           )
           UPDATE campaigns.campaign_participants p
           SET points = u.points, penalty = u.penalty, parts_solved = u.parts_solved, total_ms = u.total_ms,
               rank_major = u.rank_major, rank_minor = u.rank_minor, bucket = u.bucket,
               last_correct_at = coalesce(u.last_correct_at, 'infinity'), wrong_streak = u.wrong_streak,
               locked_until = u.locked_until
           FROM unnest($1::uuid[], $2::text[], $3::int8[], $4::int8[], $5::int4[], $6::int8[], $7::int8[], $8::int8[],
                       $9::int4[], $10::timestamptz[], $11::int4[], $15::timestamptz[], $16::int8[])
                AS u(campaign_id, participant_id, points, penalty, parts_solved, total_ms, rank_major, rank_minor, bucket,
                     last_correct_at, wrong_streak, locked_until, guild_id)
           WHERE p.guild_id = u.guild_id AND p.campaign_id = u.campaign_id AND p.participant_id = u.participant_id"#,
        &scores.iter().map(|n| n.campaign.id.get()).collect::<Vec<_>>(),
        &scores.iter().map(|n| n.participant_id.clone()).collect::<Vec<_>>(),
        &scores.iter().map(|n| n.score.points).collect::<Vec<_>>(),
        &scores.iter().map(|n| n.score.penalty).collect::<Vec<_>>(),
        &scores.iter().map(|n| n.score.parts_solved).collect::<Vec<_>>(),
        &scores.iter().map(|n| n.score.total_ms).collect::<Vec<_>>(),
        &scores.iter().map(|n| n.key.major).collect::<Vec<_>>(),
        &scores.iter().map(|n| n.key.minor).collect::<Vec<_>>(),
        &scores.iter().map(|n| n.bucket).collect::<Vec<_>>(),
        &scores.iter().map(|n| n.last_correct_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &scores.iter().map(|n| n.wrong_streak).collect::<Vec<_>>(),
        &moves.keys().map(|(campaign, _)| campaign.id.get()).collect::<Vec<_>>(),
        &moves.keys().map(|(_, bucket)| *bucket).collect::<Vec<_>>(),
        &moves.values().copied().collect::<Vec<_>>(),
        &scores.iter().map(|n| n.locked_until).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &scores.iter().map(|n| n.campaign.guild_id.get()).collect::<Vec<_>>(),
        &moves.keys().map(|(campaign, _)| campaign.guild_id.get()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&result, scores.len() as u64)?;
    Ok(())
}

/// Writes how often locked parts have been solved now.
pub(crate) async fn parts_write(conn: &mut PgConnection, counts: &HashMap<PartKey, i32>) -> sqlx::Result<()> {
    let result = sqlx::query!(
        r#"UPDATE challenges.challenge_parts p SET solve_count = u.solve_count
           FROM unnest($4::int8[], $1::uuid[], $2::int4[], $3::int4[]) AS u(guild_id, challenge_id, part, solve_count)
           WHERE p.guild_id = u.guild_id AND p.challenge_id = u.challenge_id AND p.part = u.part"#,
        &counts.keys().map(|(_, challenge, _)| challenge.get()).collect::<Vec<_>>(),
        &counts.keys().map(|(.., part)| *part).collect::<Vec<_>>(),
        &counts.values().copied().collect::<Vec<_>>(),
        &counts.keys().map(|(guild, ..)| guild.get()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&result, counts.len() as u64)?;
    Ok(())
}

/// Removes answers that no window reaches any more: older than twice the longest one. For a periodic job; takes `chunk`
/// rows at a time, so that no transaction is long. Answers how many went.
pub async fn rate_limits_clean(pool: &PgPool, chunk: i64) -> sqlx::Result<u64> {
    let mut removed = 0;
    let age = FIVE_MINUTES + FIVE_MINUTES + TimeDelta::seconds(1);
    loop {
        let result = sqlx::query!(
            r#"DELETE FROM challenges.submission_rate_limits
               WHERE (guild_id, campaign_id, participant_id, submission_timestamp, id) IN (
                   SELECT r.guild_id, r.campaign_id, r.participant_id, r.submission_timestamp, r.id
                   FROM challenges.submission_rate_limits r
                   WHERE r.submission_timestamp < now() - make_interval(secs => $1)
                   LIMIT $2)"#,
            age.as_seconds_f64(),
            chunk,
        )
        .execute(&mut *db::acquire(pool).await?)
        .await?;
        removed += result.rows_affected();
        if result.rows_affected() < u64::try_from(chunk).unwrap_or(1) {
            return Ok(removed);
        }
    }
}
