//! Steps completed with all that follows: progress, grants, unlocks, events. The limit beside it is what PostgreSQL does of the same rows, by
//! one statement a completion and nothing judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use jobs::Wake;
use kernel::{GuildId, UserId};
use learning::StepDesk;
use learning::ids::{PathId, QuestId, StepId};
use learning::model::learner::Confirmation;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::task::JoinSet;

use super::{SECTION, latencies, learners, publish};
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::progress;
use crate::sample::{Samples, per_second};

const GUILD: GuildId = GuildId::new(15);
const FIRST_USER: i64 = 1_500_000_000;
/// Learners who complete something at once, and connections of the limit.
const AT_ONCE: usize = 16;

/// A quest of two steps that is begun by everybody.
struct Begun {
    quest: QuestId,
    steps: [StepId; 2],
}

/// Whose turn it is: each learner completes the first step, then the second, which completes the quest.
fn turn(n: usize) -> (i64, usize) {
    (FIRST_USER + i64::try_from(n / 2).unwrap_or(0), n % 2)
}

fn quest(slug: &str, requires: &[&str]) -> Value {
    json!({ "slug": slug, "quest": {
        "title": slug, "type": "Tutorial", "difficulty": "Beginner", "experience_points": 20, "requires": requires,
        "steps": [{ "slug": "one", "type": "Reading", "title": "One", "experience_points": 5 },
                  { "slug": "two", "type": "Reading", "title": "Two", "experience_points": 5 }] } })
}

pub(super) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let (count, lone) = if quick { (400, 20) } else { (30_000, 400) };
    let (pool, mut conn) = (ground.pool(), ground.connect().await?);
    let spinner = progress::spinner("learners begin quests");
    let entries = ["first", "bare", "lone", "after"].map(|slug| json!({ "quest": slug }));
    let path = publish(
        pool,
        GUILD,
        json!({
            "slug": "course", "path": { "name": "Course", "type": "Course", "experience_points": 50,
                "quests": entries },
            "quests": [quest("first", &[]), quest("bare", &[]), quest("lone", &[]), quest("after", &["first"])],
        }),
    )
    .await?;
    learners(&mut conn, GUILD, FIRST_USER, count).await?;
    for slug in ["first", "bare", "lone"] {
        begin(&mut conn, slug).await?;
    }
    enrol(&mut conn, path).await?;
    let (first, bare, plain) =
        (begun(&mut conn, "first").await?, begun(&mut conn, "bare").await?, begun(&mut conn, "lone").await?);
    let after: QuestId = id(&mut conn, "after").await?;
    drop(spinner);
    ground.settle().await?;

    let _spinner = progress::spinner("learners complete steps");
    let desk = StepDesk::start(pool, &Wake::new());
    let all = usize::try_from(count)? * 2;
    // One after another first: what a completion costs by itself, and what unlocking adds to it.
    let (mut opens, mut ends) = (Samples::default(), Samples::default());
    for n in 0..lone {
        let user = UserId::new(FIRST_USER + n);
        for (at, step) in plain.steps.iter().enumerate() {
            let began = Instant::now();
            complete(&desk, user, plain.quest, *step).await?;
            if at == 1 {
                ends.push(began.elapsed());
            }
        }
        for (at, step) in first.steps.iter().enumerate() {
            let began = Instant::now();
            complete(&desk, user, first.quest, *step).await?;
            if at == 1 {
                opens.push(began.elapsed());
            }
        }
    }
    // Of tables that were analysed while they were empty PostgreSQL reads everything, until it looks again a minute later.
    ground.settle().await?;
    let ((with, _), (without, _)) = (opens.clone().p50_p99(), ends.p50_p99());
    let begun_at = usize::try_from(lone)? * 2;
    let quarter = (all - begun_at) / 4;
    let before = bare_rate(ground, &bare, after, path, 0..quarter * 2).await?;
    let rate = rate(&desk, &first, begun_at..begun_at + quarter * 3).await?;
    let behind = bare_rate(ground, &bare, after, path, quarter * 2..quarter * 4).await?;
    let limit = f64::midpoint(before, behind);
    let paced = paced(&desk, &first, begun_at + quarter * 3..all, rate / 2.0).await?;
    let done: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM learning.user_quest_attempts WHERE guild_id = $1 AND quest_id = $2 AND status = 'Completed'",
    )
    .bind(GUILD.get())
    .bind(first.quest.get())
    .fetch_one(&mut conn)
    .await?;
    ensure!(done >= count - 1, "{done} of {count} learners completed the quest");
    let mut figures = vec![
        Figure::new(SECTION, "steps completed, with cascade", rate, Unit::PerSecond)
            .target(Target::AtLeast(1_000.0))
            .limit(limit, format!("the same rows by one statement each, {AT_ONCE} connections")),
        Figure::new(SECTION, "share of the limit", rate / limit * 100.0, Unit::Percent)
            .target(Target::AtLeast(50.0)),
        Figure::new(
            SECTION,
            "what unlocking adds to a completion",
            (with - without).max(0.0),
            Unit::Milliseconds,
        )
        .target(Target::AtMost(2.0)),
    ];
    figures.extend(latencies("a completion at half that rate", paced, 20.0));
    Ok(figures)
}

async fn id(conn: &mut PgConnection, slug: &str) -> Result<QuestId> {
    Ok(sqlx::query_scalar("SELECT id FROM learning.quests WHERE guild_id = $1 AND slug = $2")
        .bind(GUILD.get())
        .bind(slug)
        .fetch_one(conn)
        .await?)
}

/// All learners begin a quest, as `ops` would leave them.
async fn begin(conn: &mut PgConnection, slug: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO learning.user_quest_attempts (guild_id, auth_user_id, quest_id, version, total_count)
         SELECT $1, l.auth_user_id, q.id, 1, 2 FROM learning.learners l
           JOIN learning.quests q ON q.guild_id = l.guild_id AND q.slug = $2 WHERE l.guild_id = $1",
    )
    .bind(GUILD.get())
    .bind(slug)
    .execute(conn)
    .await?;
    Ok(())
}

async fn enrol(conn: &mut PgConnection, path: PathId) -> Result<()> {
    sqlx::query(
        "INSERT INTO learning.user_learning_path_progress (guild_id, auth_user_id, learning_path_id, status, started_at,
                                                           total_quests_count, membership_epoch)
         SELECT $1, l.auth_user_id, p.id, 'InProgress', now(), 4, p.membership_epoch FROM learning.learners l
           JOIN learning.learning_paths p ON p.guild_id = l.guild_id AND p.id = $2 WHERE l.guild_id = $1",
    )
    .bind(GUILD.get())
    .bind(path.get())
    .execute(conn)
    .await?;
    Ok(())
}

async fn begun(conn: &mut PgConnection, slug: &str) -> Result<Begun> {
    let quest = id(&mut *conn, slug).await?;
    let steps: Vec<StepId> = sqlx::query_scalar(
        "SELECT id FROM learning.quest_steps WHERE guild_id = $1 AND quest_id = $2 ORDER BY step_number",
    )
    .bind(GUILD.get())
    .bind(quest.get())
    .fetch_all(conn)
    .await?;
    ensure!(steps.len() == 2, "a quest has two steps");
    Ok(Begun { quest, steps: [steps[0], steps[1]] })
}

async fn complete(desk: &StepDesk, user: UserId, quest: QuestId, step: StepId) -> Result<()> {
    desk.complete(GUILD, user, quest, step, Confirmation { note: None }).await?;
    Ok(())
}

/// So many turns, by learners at once; a learner's second turn may meet their first one.
async fn rate(desk: &StepDesk, begun: &Begun, turns: std::ops::Range<usize>) -> Result<f64> {
    let (next, end, count) = (Arc::new(AtomicUsize::new(turns.start)), turns.end, turns.len());
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (desk, next, quest, steps) = (desk.clone(), Arc::clone(&next), begun.quest, begun.steps);
        workers.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= end {
                    return anyhow::Ok(());
                }
                let (user, step) = turn(n);
                complete(&desk, UserId::new(user), quest, steps[step]).await?;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(per_second(count, began.elapsed()))
}

/// Turns that come at a rate, whether or not earlier ones are done: how long each takes from when it was due.
async fn paced(desk: &StepDesk, begun: &Begun, turns: std::ops::Range<usize>, rate: f64) -> Result<Samples> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for (n, turn_number) in turns.enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
        let due = began + Duration::from_secs_f64(n as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        let (desk, quest, steps) = (desk.clone(), begun.quest, begun.steps);
        tasks.spawn(async move {
            let (user, step) = turn(turn_number);
            complete(&desk, UserId::new(user), quest, steps[step]).await?;
            anyhow::Ok(due.elapsed())
        });
    }
    let mut samples = Samples::default();
    while let Some(ended) = tasks.join_next().await {
        samples.push(ended??);
    }
    Ok(samples)
}

/// The rows of a first step.
const STEP: &str = "WITH held AS (SELECT auth_user_id FROM learning.learners WHERE guild_id = $1 AND user_id = $2 FOR NO KEY UPDATE),
    attempt AS (SELECT a.id, a.auth_user_id FROM learning.user_quest_attempts a JOIN held h USING (auth_user_id)
                 WHERE a.guild_id = $1 AND a.quest_id = $3),
    granted AS (INSERT INTO learning.reward_grants (guild_id, auth_user_id, source_type, source_id, correlation_id, attempt_id, quest_version, experience_points, skill_points)
                SELECT $1, auth_user_id, 'step', $4, gen_random_uuid(), id, 1, 5, '{}' FROM attempt),
    stepped AS (INSERT INTO learning.user_quest_step_progress (guild_id, attempt_id, step_id, status, started_at, completed_at, experience_earned)
                SELECT $1, id, $4, 'Completed', now(), now(), 5 FROM attempt),
    noted AS (INSERT INTO learning.attempt_events (guild_id, attempt_id, auth_user_id, quest_id, version, run, event_type, step_id)
              SELECT $1, id, auth_user_id, $3, 1, 0, 'completed', $4 FROM attempt),
    moved AS (UPDATE learning.user_quest_attempts a SET done_count = greatest(a.done_count, 1), total_experience_earned = greatest(a.total_experience_earned, 5), last_activity_at = now()
                FROM attempt WHERE a.guild_id = $1 AND a.id = attempt.id)
    INSERT INTO jobs.outbox (guild_id, event_type, subject, user_id, payload)
    SELECT $1, e, 'learning/quests', $2, jsonb_build_object('user_id', $2::text, 'quest_id', $3, 'step_id', $4, 'done', 1, 'total', 2)
      FROM unnest(ARRAY['learning.step_completed', 'learning.xp_granted']) AS e CROSS JOIN (SELECT $5::uuid, $6::uuid) unused";

/// The rows of a last step: the quest, the path and what is unlocked, too.
const LAST: &str = "WITH held AS (SELECT auth_user_id FROM learning.learners WHERE guild_id = $1 AND user_id = $2 FOR NO KEY UPDATE),
    attempt AS (SELECT a.id, a.auth_user_id FROM learning.user_quest_attempts a JOIN held h USING (auth_user_id)
                 WHERE a.guild_id = $1 AND a.quest_id = $3),
    granted AS (INSERT INTO learning.reward_grants (guild_id, auth_user_id, source_type, source_id, correlation_id, attempt_id, quest_version, experience_points, skill_points)
                SELECT $1, auth_user_id, t, i, gen_random_uuid(), id, 1, 5, '{}'
                  FROM attempt, (VALUES ('step', $4), ('quest', $3)) AS g (t, i)),
    stepped AS (INSERT INTO learning.user_quest_step_progress (guild_id, attempt_id, step_id, status, started_at, completed_at, experience_earned)
                SELECT $1, id, $4, 'Completed', now(), now(), 5 FROM attempt),
    noted AS (INSERT INTO learning.attempt_events (guild_id, attempt_id, auth_user_id, quest_id, version, run, event_type, step_id)
              SELECT $1, id, auth_user_id, $3, 1, 0, e, s
                FROM attempt, (VALUES ('completed', $4), ('quest_completed', NULL)) AS v (e, s)),
    moved AS (UPDATE learning.user_quest_attempts a
                 SET done_count = 2, total_experience_earned = 30, last_activity_at = now(), status = 'Completed', completed_at = now()
                FROM attempt WHERE a.guild_id = $1 AND a.id = attempt.id),
    pathed AS (UPDATE learning.user_learning_path_progress p SET completed_quests_count = least(completed_quests_count + 1, total_quests_count), total_experience_earned = 30
                 FROM held WHERE p.guild_id = $1 AND p.auth_user_id = held.auth_user_id AND p.learning_path_id = $6),
    opened AS (INSERT INTO learning.quest_unlocks (guild_id, auth_user_id, quest_id, correlation_id)
               SELECT $1, auth_user_id, $5, gen_random_uuid() FROM held ON CONFLICT DO NOTHING)
    INSERT INTO jobs.outbox (guild_id, event_type, subject, user_id, payload)
    SELECT $1, e, 'learning/quests', $2, jsonb_build_object('user_id', $2::text, 'quest_id', $3, 'step_id', $4, 'done', 2, 'total', 2)
      FROM unnest(ARRAY['learning.step_completed', 'learning.quest_completed', 'learning.path_progress', 'learning.xp_granted',
                        'learning.xp_granted', 'learning.challenge_unlocked']) AS e";

/// The same rows, by one statement a turn.
async fn bare_rate(
    ground: &Ground,
    begun: &Begun,
    after: QuestId,
    path: PathId,
    turns: std::ops::Range<usize>,
) -> Result<f64> {
    let (next, end, count) = (Arc::new(AtomicUsize::new(turns.start)), turns.end, turns.len());
    let mut connections = Vec::new();
    for _ in 0..AT_ONCE {
        connections.push(ground.connect().await?);
    }
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for mut conn in connections {
        let (next, quest, steps) = (Arc::clone(&next), begun.quest, begun.steps);
        workers.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= end {
                    return anyhow::Ok(());
                }
                let (user, step) = turn(n);
                sqlx::query(if step == 0 { STEP } else { LAST })
                    .bind(GUILD.get())
                    .bind(user)
                    .bind(quest.get())
                    .bind(steps[step].get())
                    .bind(after.get())
                    .bind(path.get())
                    .execute(&mut conn)
                    .await?;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(per_second(count, began.elapsed()))
}
