//! What comes of learning when it is counted: a day of a million attempts, pages of figures, recommendations among ten thousand quests.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use kernel::{GuildId, PageQuery, UserId};
use learning::ids::QuestId;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::PgConnection;

use super::SECTION;
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::progress;
use crate::sample::{Samples, per_second};

const GUILD: GuildId = GuildId::new(14);
const FIRST_USER: i64 = 1_400_000_000;
/// Attempts of a learner.
const EACH: i64 = 50;

pub(super) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let (learners, quests, samples) = if quick { (400, 200, 20) } else { (20_000, 10_000, 1_000) };
    let mut conn = ground.connect().await?;
    {
        let _spinner = progress::spinner("filling a guild with learners");
        fill(&mut conn, learners, quests).await?;
    }
    ground.settle().await?;
    let pool = ground.pool();
    let mut figures = Vec::new();

    let spinner = progress::spinner("folding events");
    let began = Instant::now();
    let folded = insight::ops::guild_fold(pool, GUILD).await?;
    let took = began.elapsed();
    drop(spinner);
    ensure!(folded.events == learners * EACH * 3, "{folded:?}");
    let events = usize::try_from(folded.events)?;
    figures.push(Figure::new(SECTION, "events folded", per_second(events, took), Unit::PerSecond));
    ground.settle().await?;

    let yesterday =
        db::now(&mut conn).await?.date_naive().pred_opt().context("there is no day before this one")?;
    let began = Instant::now();
    let made = insight::ops::day_make(pool, GUILD, yesterday).await?;
    let took = began.elapsed().as_secs_f64();
    ensure!(made > 0, "no quest has figures");
    let bare = Instant::now();
    sqlx::query("SELECT quest_id, count(*), avg(active_seconds) FROM insight.runs WHERE guild_id = $1 GROUP BY quest_id")
        .bind(GUILD.get())
        .fetch_all(&mut conn)
        .await?;
    figures.push(
        Figure::new(
            SECTION,
            format!("figures of a day of {} attempts", learners * EACH),
            took,
            Unit::Seconds,
        )
        .target(Target::AtMost(10.0))
        .limit(bare.elapsed().as_secs_f64(), "one bare aggregate over the same rows"),
    );
    let began = Instant::now();
    insight::ops::guild_count(pool, GUILD).await?;
    figures.push(
        Figure::new(
            SECTION,
            "all else that is open: versions, steps",
            began.elapsed().as_secs_f64(),
            Unit::Seconds,
        )
        .target(Target::AtMost(10.0)),
    );
    ground.settle().await?;

    let _spinner = progress::spinner("reading figures");
    let ids: Vec<QuestId> =
        sqlx::query_scalar("SELECT id FROM learning.quests WHERE guild_id = $1 ORDER BY id")
            .bind(GUILD.get())
            .fetch_all(&mut conn)
            .await?;
    let mut rng = StdRng::seed_from_u64(14);
    let (mut days, mut pages, mut recommended) = (Samples::default(), Samples::default(), Samples::default());
    for n in 0..samples + samples / 10 {
        let keep = n >= samples / 10;
        let kept = |into: &mut Samples, began: Instant| {
            if keep {
                into.push(began.elapsed());
            }
        };
        let quest = ids[rng.random_range(0..ids.len())];
        let began = Instant::now();
        let query = PageQuery { limit: Some(100), cursor: None };
        insight::ops::day_list(pool, GUILD, None, (yesterday, yesterday), &query).await?;
        kept(&mut days, began);
        let began = Instant::now();
        insight::ops::quest_figures(pool, GUILD, quest).await?;
        kept(&mut pages, began);
        let user = UserId::new(FIRST_USER + rng.random_range(0..learners));
        let began = Instant::now();
        let told = insight::ops::recommendations(pool, GUILD, user, 10, None).await?;
        kept(&mut recommended, began);
        ensure!(!told.is_empty(), "nothing is recommended to {user}");
    }
    for (name, samples, target) in [
        ("a page of a day's figures", days, 50.0),
        ("a quest's figures", pages, 50.0),
        ("recommendations for a learner", recommended, 20.0),
    ] {
        let (p50, p99) = samples.p50_p99();
        figures.push(Figure::new(SECTION, format!("{name}, p50"), p50, Unit::Milliseconds));
        figures.push(
            Figure::new(SECTION, format!("{name}, p99"), p99, Unit::Milliseconds)
                .target(Target::AtMost(target)),
        );
    }
    Ok(figures)
}

/// Learners who each completed fifty quests yesterday, in an order that many share.
async fn fill(conn: &mut PgConnection, learners: i64, quests: i64) -> Result<()> {
    sqlx::query("INSERT INTO people.guilds (guild_id, name) VALUES ($1, 'Learners') ON CONFLICT DO NOTHING")
        .bind(GUILD.get())
        .execute(&mut *conn)
        .await?;
    let members: Vec<(UserId, Option<&str>)> =
        (0..learners).map(|n| (UserId::new(FIRST_USER + n), Some("Learner"))).collect();
    people::members_ensure(&mut *conn, GUILD, &members).await?;
    let statements = [
        "INSERT INTO learning.catalogues (guild_id, shuffle_secret) VALUES ($1, sha256('bench'))",
        "INSERT INTO learning.learners (guild_id, auth_user_id, user_id)
         SELECT $1, u.auth_user_id, u.id FROM people.users u WHERE u.id >= $2 AND u.id < $2 + $3",
        "INSERT INTO learning.quests (guild_id, slug, title, description, quest_type, difficulty_level, is_active, current_version, published_at)
         SELECT $1, 'q' || n, 'Quest ' || n, '', 'Practice', 'Beginner', true, 1, now() FROM generate_series(0, $4 - 1) n",
        "INSERT INTO learning.quest_steps (guild_id, quest_id, slug, step_number, title, description, step_type)
         SELECT $1, q.id, 's', 1, 'Step', '', 'Reading' FROM learning.quests q WHERE q.guild_id = $1",
        "INSERT INTO learning.quest_versions (guild_id, quest_id, version, snapshot, hash)
         SELECT $1, s.quest_id, 1, jsonb_build_object('quest', jsonb_build_object('steps', jsonb_build_array(jsonb_build_object('slug', 's'))),
                'steps', jsonb_build_object('s', s.id)), sha256('v') FROM learning.quest_steps s WHERE s.guild_id = $1",
        "INSERT INTO learning.user_quest_attempts (id, guild_id, auth_user_id, quest_id, version, status, completed_at, done_count, total_count)
         SELECT gen_random_uuid(), $1, l.auth_user_id, q.id, 1, 'Completed', date_trunc('day', now()) - interval '12 hours' + k * interval '5 minutes', 1, 1
           FROM learning.learners l CROSS JOIN generate_series(0, $5 - 1) k
           JOIN learning.quests q ON q.guild_id = $1
            AND q.slug = 'q' || ((l.user_id * 7919 + k * (ARRAY[1, 3, 7, 9, 11])[1 + l.user_id % 5]) % $4)
          WHERE l.guild_id = $1",
        "INSERT INTO learning.attempt_events (guild_id, id, attempt_id, auth_user_id, quest_id, version, run, event_type, step_id, occurred_at)
         SELECT $1, gen_random_uuid(), a.id, a.auth_user_id, a.quest_id, 1, 0, e.what, CASE e.what WHEN 'completed' THEN s.id END, a.completed_at + e.after
           FROM learning.user_quest_attempts a
           JOIN learning.quest_steps s ON s.guild_id = $1 AND s.quest_id = a.quest_id
          CROSS JOIN (VALUES ('begun', interval '-4 minutes'), ('completed', interval '0'), ('quest_completed', interval '1 ms')) e (what, after)
          WHERE a.guild_id = $1",
    ];
    for statement in statements {
        // Each takes what it needs of the same five.
        let numbered = format!(
            "WITH given AS (SELECT $1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint) {statement}"
        );
        sqlx::query(sqlx::AssertSqlSafe(numbered))
            .bind(GUILD.get())
            .bind(FIRST_USER)
            .bind(learners)
            .bind(quests)
            .bind(EACH)
            .execute(&mut *conn)
            .await
            .with_context(|| statement.to_owned())?;
    }
    Ok(())
}
