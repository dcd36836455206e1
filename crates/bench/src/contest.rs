//! A running campaign with many participants, written as registrations and answers would have left it.

use access::rate_limit::RateLimits;
use access::settings::{Described, Registry, settings_change};
use anyhow::Result;
use challenges::rules::{Score, Scoring};
use kernel::{CampaignId, ChallengeId, GuildId};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::PgPool;
use uuid::Uuid;

use crate::progress;

/// The guild that everything here belongs to.
pub(crate) const GUILD: GuildId = GuildId::new(4_000_000_000);
/// Participants are the users from here on.
pub(crate) const FIRST_USER: i64 = 5_000_000_000;
/// Rows written by one statement.
const CHUNK: usize = 10_000;

/// A campaign of 30 days that began a day ago, all of its challenges released.
pub(crate) async fn campaign(pool: &PgPool, scoring: Scoring) -> Result<CampaignId> {
    sqlx::query!(
        "INSERT INTO people.guilds (guild_id, name) VALUES ($1, 'Benchmark') ON CONFLICT DO NOTHING",
        GUILD.get()
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    let id = sqlx::query_scalar!(
        r#"INSERT INTO campaigns.campaigns (guild_id, name, campaign_type, scoring_type, starting_points, points_decrease_step,
               duration_hours, release_delay_minutes, start_time, published_at, started_at, status, secret)
           VALUES ($1, 'Benchmark', 'player', $2, 1000, 1, 720, 1, now() - interval '1 day', now() - interval '2 days',
               now() - interval '1 day', 'RUNNING', decode(repeat('5a', 32), 'hex'))
           RETURNING id AS "id: CampaignId""#,
        GUILD.get(),
        scoring.as_str(),
    )
    .fetch_one(&mut *db::acquire(pool).await?)
    .await?;
    Ok(id)
}

/// Challenges of one part each, in order.
pub(crate) async fn challenges(pool: &PgPool, campaign: CampaignId, count: i32) -> Result<Vec<ChallengeId>> {
    let ids = sqlx::query_scalar!(
        r#"INSERT INTO challenges.challenges (campaign_id, guild_id, order_position, slug, title, description, generation_script,
               released_at)
           SELECT $1, $2, n, 'challenge-' || n, 'Challenge ' || n, 'What is asked.', 'print(1)', now() - interval '20 hours'
           FROM generate_series(1, $3::integer) AS n
           RETURNING id AS "id: ChallengeId""#,
        campaign.get(),
        GUILD.get(),
        count,
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    let bare: Vec<Uuid> = ids.iter().map(|id| id.get()).collect();
    sqlx::query!(
        "INSERT INTO challenges.challenge_parts (guild_id, challenge_id, part)
         SELECT $2, id, 1 FROM unnest($1::uuid[]) AS u (id)",
        &bare,
        GUILD.get()
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(ids)
}

/// Participants; with `scored`, each has a score of their own, as spread as scores are.
pub(crate) async fn participants(
    pool: &PgPool,
    campaign: CampaignId,
    scoring: Scoring,
    count: usize,
    scored: bool,
) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(7);
    let bar = progress::bar("registering participants", count);
    for from in (0..count).step_by(CHUNK) {
        let chunk = CHUNK.min(count - from);
        let scores: Vec<Score> =
            (0..chunk).map(|_| if scored { score(&mut rng) } else { Score::default() }).collect();
        let first = FIRST_USER + i64::try_from(from)?;
        let users: Vec<i64> = (first..first + i64::try_from(chunk)?).collect();
        let keys: Vec<_> = scores.iter().map(|score| score.rank_key(scoring)).collect();
        sqlx::query!(
            "INSERT INTO campaigns.campaign_participants (campaign_id, participant_id, participant_type, guild_id, display_name,
                 registered_by, points, parts_solved, total_ms, rank_major, rank_minor, bucket, last_correct_at)
             SELECT $1, u.id::text, 'player', $2, 'Participant ' || u.id, u.id, u.points, u.parts, u.ms, u.major, u.minor, u.bucket,
                    CASE WHEN u.parts = 0 THEN 'infinity' ELSE now() - u.n * interval '1 ms' END
             FROM unnest($3::bigint[], $4::bigint[], $5::integer[], $6::bigint[], $7::bigint[], $8::bigint[], $9::integer[])
                  WITH ORDINALITY AS u (id, points, parts, ms, major, minor, bucket, n)",
            campaign.get(),
            GUILD.get(),
            &users,
            &scores.iter().map(|score| score.points).collect::<Vec<_>>(),
            &scores.iter().map(|score| score.parts_solved).collect::<Vec<_>>(),
            &scores.iter().map(|score| score.total_ms).collect::<Vec<_>>(),
            &keys.iter().map(|key| key.major).collect::<Vec<_>>(),
            &keys.iter().map(|key| key.minor).collect::<Vec<_>>(),
            &scores.iter().map(|score| score.bucket(scoring)).collect::<Vec<_>>(),
        )
        .execute(&mut *db::acquire(pool).await?)
        .await?;
        bar.inc(u64::try_from(chunk)?);
    }
    bar.finish_and_clear();
    sqlx::query!(
        "INSERT INTO campaigns.standing_buckets (guild_id, campaign_id, bucket, participants)
         SELECT guild_id, campaign_id, bucket, count(*) FROM campaigns.campaign_participants
         WHERE guild_id = $1 AND campaign_id = $2 AND bucket >= 0 GROUP BY guild_id, campaign_id, bucket",
        GUILD.get(),
        campaign.get()
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

/// One in twenty solved nothing; the others some of twelve parts, at up to 1,000 points and ten minutes to a day each.
fn score(rng: &mut StdRng) -> Score {
    if rng.random_range(0..20) == 0 {
        return Score::default();
    }
    let parts_solved = rng.random_range(1..=12);
    let each = |rng: &mut StdRng, least, most| (0..parts_solved).map(|_| rng.random_range(least..most)).sum();
    Score { points: each(rng, 0, 1_000), penalty: 0, parts_solved, total_ms: each(rng, 600_000, 86_400_000) }
}

/// An input for each participant, of one of the challenges in turn, asked for an hour ago; its answer is `right`.
pub(crate) async fn inputs(
    pool: &PgPool,
    campaign: CampaignId,
    challenges: &[ChallengeId],
    count: usize,
) -> Result<()> {
    let bare: Vec<Uuid> = challenges.iter().map(|id| id.get()).collect();
    let bar = progress::bar("making inputs", count);
    for from in (0..count).step_by(CHUNK) {
        let chunk = CHUNK.min(count - from);
        sqlx::query!(
            "INSERT INTO challenges.generated_input_cache (challenge_id, campaign_id, guild_id, participant_id, participant_type,
                 input_json, expected_results, script_version, first_request_timestamp)
             SELECT ($3::uuid[])[1 + n % array_length($3, 1)], $1, $2, ($4 + n)::text, 'player',
                    to_jsonb(repeat('3 1 4 1 5 ', 20)), '{right}', 1, now() - interval '1 hour'
             FROM generate_series($5::bigint, $6::bigint) AS n",
            campaign.get(),
            GUILD.get(),
            &bare,
            FIRST_USER,
            i64::try_from(from)?,
            i64::try_from(from + chunk)? - 1,
        )
        .execute(&mut *db::acquire(pool).await?)
        .await?;
        bar.inc(u64::try_from(chunk)?);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Answers given within the last 20 hours, spread over the participants: a tenth of them right, to `solved`; the others
/// wrong, to the challenges that are still being answered.
pub(crate) async fn past_answers(
    pool: &PgPool,
    campaign: CampaignId,
    challenges: &[ChallengeId],
    solved: ChallengeId,
    (from, to): (usize, usize),
    participants: usize,
) -> Result<()> {
    let bare: Vec<Uuid> = challenges.iter().map(|id| id.get()).collect();
    let bar = progress::bar("writing past answers", to - from);
    for from in (from..to).step_by(CHUNK) {
        let chunk = CHUNK.min(to - from);
        sqlx::query!(
            "INSERT INTO challenges.challenge_submissions (challenge_id, campaign_id, guild_id, participant_id, participant_type,
                 user_id, part, submitted_result, is_correct, solve_position, elapsed_ms, submission_timestamp)
             SELECT CASE WHEN n % 10 = 0 AND n / 10 < $8 THEN $7 ELSE ($3::uuid[])[1 + n % array_length($3, 1)] END,
                    $1, $2, ($4 + who)::text, 'player', $4 + who, 1, 'answer ' || n,
                    n % 10 = 0 AND n / 10 < $8, CASE WHEN n % 10 = 0 AND n / 10 < $8 THEN n / 10 + 1 END,
                    CASE WHEN n % 10 = 0 AND n / 10 < $8 THEN 60000 END,
                    now() - interval '20 hours' + n * interval '60 ms'
             FROM generate_series($5::bigint, $6::bigint) AS n
             CROSS JOIN LATERAL (SELECT CASE WHEN n % 10 = 0 THEN n / 10 ELSE n END % $8 AS who) AS w",
            campaign.get(),
            GUILD.get(),
            &bare,
            FIRST_USER,
            i64::try_from(from)?,
            i64::try_from(from + chunk)? - 1,
            solved.get(),
            i64::try_from(participants)?,
        )
        .execute(&mut *db::acquire(pool).await?)
        .await?;
        bar.inc(u64::try_from(chunk)?);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Sets how many requests a minute one key, or one person, may send; null: any number.
pub(crate) async fn limit_requests(pool: &PgPool, per_minute: serde_json::Value, burst: i64) -> Result<()> {
    let registry = Registry::new([Described::of::<RateLimits>()]);
    let values = serde_json::Map::from_iter([
        ("rate_limits.key_per_minute".to_owned(), per_minute.clone()),
        ("rate_limits.key_burst".to_owned(), burst.into()),
        ("rate_limits.person_per_minute".to_owned(), per_minute),
        ("rate_limits.person_burst".to_owned(), burst.into()),
    ]);
    let mut tx = db::begin(pool).await?;
    settings_change(&mut tx, &registry, access::By::Cli, &access::Origin::default(), None, &values).await?;
    tx.commit().await?;
    Ok(())
}

/// A key that may do everything for everybody, as an `Authorization` header. It stands for many people, so that no limit is
/// measured instead of the work.
pub(crate) async fn key(pool: &PgPool) -> Result<String> {
    limit_requests(pool, serde_json::Value::Null, 1).await?;
    let new = access::keys::NewKey {
        name: "bench".to_owned(),
        guild: None,
        user: None,
        scopes: access::Scopes::new(["*"]),
        expires_at: None,
    };
    let mut tx = db::begin(pool).await?;
    let (_, plain) =
        access::keys::key_create(&mut tx, access::By::Cli, &access::Origin::default(), &new).await?;
    tx.commit().await?;
    Ok(format!("Bearer {}", plain.reveal()))
}
