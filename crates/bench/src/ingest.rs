//! Events into the lake with everything on: counted once, counted up, rewarded, levels, achievements; and what members see of each other
//! among a million.
//!
//! The limit is COPY of the same rows into a bare table of the same columns and indexes, in the same run.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::progress::leaderboard::{self, LeaderboardQuery};
use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jobs::Wake;
use kernel::{GuildId, UserId};
use lake::ingest::generator::{Community, Generator};
use lake::ingest::{Event, EventWriter, Feed, Outcome};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::PgPool;

use crate::contest;
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::load::{self, Api};
use crate::process::Server;
use crate::progress;
use crate::sample::{Samples, per_second};

const SECTION: &str = "ingest";
/// Guilds whose events come at the same time.
const GUILDS: i64 = 4;
const FIRST_GUILD: i64 = 7_000_000_000_000_000;
/// The first of the guilds whose events come over HTTP, as many; between them lies that of lone events.
const HTTP: i64 = GUILDS + 1;
/// Events of a call, and calls on their way at a time.
const CHUNK: usize = 1_000;
const AHEAD: usize = 16;
/// Events of a request over HTTP, and connections.
const BATCH: u32 = 500;
const CONNECTIONS: usize = 32;

struct Sizes {
    events: usize,
    http: Duration,
    lone: usize,
    members: i64,
    looks: usize,
}

pub(crate) async fn measure(
    ground: &Ground,
    program: &std::path::Path,
    quick: bool,
    events: usize,
) -> Result<Vec<Figure>> {
    let sizes = if quick {
        Sizes { events: 4_000, http: Duration::from_millis(300), lone: 20, members: 2_000, looks: 20 }
    } else {
        Sizes { events, http: Duration::from_secs(15), lone: 500, members: 1_000_000, looks: 2_000 }
    };
    let pool = ground.pool();
    let now: DateTime<Utc> = db::now(&mut *db::acquire(pool).await?).await?;
    seasons_and_achievements(pool).await?;
    let bare = copy(ground, now, sizes.events).await?;
    let (rate, first, last) = through_ops(pool, now, &sizes).await?;
    let lone = one_by_one(pool, now, sizes.lone).await?;
    let http = over_http(ground, program, now, &sizes).await?;
    let (page, rank) = among_many(ground, &sizes).await?;

    let (lone_p50, lone_p99) = lone.p50_p99();
    let (page_p50, page_p99) = page.p50_p99();
    let (rank_p50, rank_p99) = rank.p50_p99();
    let milliseconds = |name: String, value| Figure::new(SECTION, name, value, Unit::Milliseconds);
    Ok(vec![
        Figure::new(SECTION, format!("events through ops, {GUILDS} guilds"), rate, Unit::PerSecond)
            .target(Target::AtLeast(20_000.0))
            .limit(bare, "COPY into a bare table of the same columns and indexes"),
        Figure::new(SECTION, "share of that COPY", 100.0 * rate / bare, Unit::Percent)
            .target(Target::AtLeast(40.0)),
        Figure::new(
            SECTION,
            format!("pace of the last tenth of {} against the first", sizes.events),
            100.0 * last / first,
            Unit::Percent,
        )
        .target(Target::AtLeast(80.0)),
        Figure::new(SECTION, format!("events over HTTP, {BATCH} a request"), http, Unit::PerSecond)
            .target(Target::AtLeast(12_000.0)),
        milliseconds("one event alone, durable, p50".to_owned(), lone_p50),
        milliseconds("one event alone, durable, p99".to_owned(), lone_p99).target(Target::AtMost(20.0)),
        milliseconds(format!("leaderboard page of 100 among {}, p50", sizes.members), page_p50),
        milliseconds(format!("leaderboard page of 100 among {}, p99", sizes.members), page_p99)
            .target(Target::AtMost(5.0)),
        milliseconds(format!("profile with rank among {}, p50", sizes.members), rank_p50),
        milliseconds(format!("profile with rank among {}, p99", sizes.members), rank_p99)
            .target(Target::AtMost(5.0)),
    ])
}

fn guild(n: i64) -> GuildId {
    GuildId::new(FIRST_GUILD + n)
}

/// The n-th guild's events, as many a day as `questhall generate-events` makes; its members are in no other guild.
fn events(n: i64, count: usize, now: DateTime<Utc>) -> impl Iterator<Item = Event> {
    let over = TimeDelta::days(30) * i32::try_from(count / 1_000).unwrap_or(i32::MAX).max(1) / 1_000;
    let own = move |user: UserId| UserId::new(user.get() + n * 1_000_000);
    let community = Community {
        seed: n.unsigned_abs(),
        events: count,
        members: 10_000,
        channels: 60,
        from: now - over - TimeDelta::hours(1),
        over,
    };
    Generator::new(community).map(move |mut event| {
        event.user_id = own(event.user_id);
        event.target_id = event.target_id.map(own);
        event
    })
}

/// Everything that costs something is on in every guild.
async fn seasons_and_achievements(pool: &PgPool) -> Result<()> {
    let guilds: Vec<i64> = (0..HTTP + GUILDS).map(|n| guild(n).get()).collect();
    sqlx::query!(
        "INSERT INTO people.guilds (guild_id, name) SELECT g, 'Guild ' || g FROM unnest($1::bigint[]) AS g",
        &guilds
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO progress.seasons (guild_id, name, starts_at, ends_at, active)
         SELECT g, 'bench', now() - interval '60 days', now() + interval '60 days', true FROM unnest($1::bigint[]) AS g",
        &guilds
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO progress.achievement_templates (guild_id, name, requirement_type, requirement_field, requirement_value,
                                                      xp_reward, gold_reward)
         SELECT g, 'Wrote ' || n, 'counter_threshold', 'messages_sent', n, 20, 5
           FROM unnest($1::bigint[]) AS g CROSS JOIN unnest(ARRAY[10, 100, 1000]) AS n",
        &guilds
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

/// The limit: rows a second.
async fn copy(ground: &Ground, now: DateTime<Utc>, count: usize) -> Result<f64> {
    let _spinner = progress::spinner("copying into a bare table");
    let mut connection = ground.connect().await?;
    sqlx::raw_sql(
        "CREATE SCHEMA IF NOT EXISTS bench;
         DROP TABLE IF EXISTS bench.event_lake;
         CREATE TABLE bench.event_lake (LIKE lake.event_lake INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);",
    )
    .execute(&mut connection)
    .await?;
    // Made while PostgreSQL writes, on another core: millions would not fit into memory.
    let (parts, mut made) = tokio::sync::mpsc::channel::<String>(64);
    let maker = tokio::task::spawn_blocking(move || lines(count, now, &parts));
    let began = Instant::now();
    let mut copying = connection
        .copy_in_raw(
            "COPY bench.event_lake (guild_id, user_id, event_type, channel_id, target_id, payload, source_id, \"timestamp\") FROM STDIN",
        )
        .await?;
    while let Some(part) = made.recv().await {
        copying.send(part.as_bytes()).await?;
    }
    maker.await??;
    let rows = copying.finish().await?;
    let took = began.elapsed();
    ensure!(rows == count as u64, "{rows} of {count} rows were copied");
    sqlx::raw_sql("DROP TABLE bench.event_lake").execute(&mut connection).await?;
    Ok(per_second(count, took))
}

/// The events as COPY reads them, in parts of 256 KiB.
fn lines(count: usize, now: DateTime<Utc>, parts: &tokio::sync::mpsc::Sender<String>) -> Result<()> {
    let mut text = String::new();
    for (n, event) in events(99, count, now).enumerate() {
        let id = |id: Option<i64>| id.map_or("\\N".to_owned(), |id| id.to_string());
        let payload = serde_json::to_string(&event.payload)?;
        let (channel, target) =
            (event.channel_id.map(kernel::ChannelId::get), event.target_id.map(UserId::get));
        writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{payload}\t{}\t{}",
            guild(i64::try_from(n)? % GUILDS),
            event.user_id,
            event.event_type,
            id(channel),
            id(target),
            event.source(),
            event.timestamp.to_rfc3339(),
        )?;
        if text.len() > 256 * 1024 {
            parts.blocking_send(std::mem::take(&mut text))?;
        }
    }
    parts.blocking_send(text)?;
    Ok(())
}

/// All events of all guilds as fast as they are taken: the rate, and those of the first and the last tenth.
async fn through_ops(pool: &PgPool, now: DateTime<Utc>, sizes: &Sizes) -> Result<(f64, f64, f64)> {
    let each = sizes.events / usize::try_from(GUILDS)?;
    let bar = progress::bar("events through ops", each * usize::try_from(GUILDS)?);
    let writer = EventWriter::start(pool, &Wake::new(), 2);
    let made: Vec<Vec<Event>> = (0..GUILDS).map(|n| events(n, each, now).collect()).collect();
    let began = Instant::now();
    let feeds = made.into_iter().zip(0..GUILDS).map(|(events, n)| {
        let (writer, bar) = (writer.clone(), bar.clone());
        tokio::spawn(async move { feed(&writer.feed(guild(n)), events, began, &bar).await })
    });
    let mut marks: Vec<(Duration, usize)> = Vec::new();
    for ended in futures::future::join_all(feeds).await {
        marks.extend(ended??);
    }
    let took = began.elapsed();
    bar.finish_and_clear();
    marks.sort_unstable();
    let tenth = (marks.len() / 10).max(1);
    let taken = |marks: &[(Duration, usize)]| marks.iter().map(|mark| mark.1).sum::<usize>();
    let (early, late) = (&marks[..tenth], &marks[marks.len() - tenth..]);
    let begins = marks.get(marks.len() - tenth - 1).map_or(Duration::ZERO, |mark| mark.0);
    let first = per_second(taken(early), early.last().map_or(took, |mark| mark.0));
    let last = per_second(taken(late), took.saturating_sub(begins));
    Ok((per_second(each * usize::try_from(GUILDS)?, took), first, last))
}

/// Feeds a guild's events in order, some calls ahead; answers when each call was acknowledged.
async fn feed(
    to: &Feed,
    events: Vec<Event>,
    began: Instant,
    bar: &indicatif::ProgressBar,
) -> Result<Vec<(Duration, usize)>> {
    let mut marks = Vec::new();
    let mut ahead: VecDeque<BoxFuture<'_, Result<Vec<Outcome>, lake::ingest::IngestError>>> = VecDeque::new();
    let mut events = events.into_iter();
    loop {
        let chunk: Vec<Event> = events.by_ref().take(CHUNK).collect();
        if !chunk.is_empty() {
            let mut call = to.submit(chunk).boxed();
            // Asked once, it has its place in the queue.
            match (&mut call).now_or_never() {
                Some(done) => ahead.push_back(futures::future::ready(done).boxed()),
                None => ahead.push_back(call),
            }
            if ahead.len() < AHEAD {
                continue;
            }
        }
        let Some(call) = ahead.pop_front() else { return Ok(marks) };
        let outcomes = call.await?;
        ensure!(outcomes.iter().all(|outcome| *outcome == Outcome::Counted), "an event was not counted");
        marks.push((began.elapsed(), outcomes.len()));
        bar.inc(outcomes.len() as u64);
    }
}

/// One event at a time, each after the answer to the one before.
async fn one_by_one(pool: &PgPool, now: DateTime<Utc>, count: usize) -> Result<Samples> {
    let _spinner = progress::spinner("one event at a time");
    let writer = EventWriter::start(pool, &Wake::new(), 1);
    let mut samples = Samples::default();
    for (n, event) in events(GUILDS, count + 20, now).enumerate() {
        let began = Instant::now();
        writer.submit(guild(GUILDS), vec![event]).await?;
        if n >= 20 {
            samples.push(began.elapsed());
        }
    }
    Ok(samples)
}

/// Batches over HTTP, to a server of its own.
async fn over_http(
    ground: &Ground,
    program: &std::path::Path,
    now: DateTime<Utc>,
    sizes: &Sizes,
) -> Result<f64> {
    let server = Server::start(program, &["serve", "--database-url", &ground.url()]).await?;
    let _spinner = progress::spinner("events over HTTP");
    let api = Api { authorization: contest::key(ground.pool()).await?, base: "/api/v1/guilds".to_owned() };
    // Made beforehand: making them is not what is measured. Sent again they would only be known.
    let seconds = usize::try_from(sizes.http.as_secs().max(1))?;
    let each = (seconds * 40_000 / usize::try_from(GUILDS)?).max(BATCH as usize * 20);
    let mut bodies: Vec<(GuildId, String)> = Vec::new();
    let made: Vec<Vec<Event>> = (0..GUILDS).map(|n| events(HTTP + n, each, now).collect()).collect();
    for at in (0..each).step_by(BATCH as usize) {
        for (n, events) in (0..GUILDS).zip(&made) {
            let events = &events[at..each.min(at + BATCH as usize)];
            bodies.push((guild(HTTP + n), serde_json::to_string(&serde_json::json!({ "events": events }))?));
        }
    }
    drop(made);
    first_runs(ground.pool()).await?;
    let bodies = Arc::new(bodies);
    let calls = {
        let bodies = Arc::clone(&bodies);
        Arc::new(move |n: usize| {
            let (guild, body) = &bodies[n % bodies.len()];
            api.post_as_key(&format!("/{guild}/lake/events"), body.clone())
        })
    };
    let (outcome, sent) = load::closed(server.address, CONNECTIONS, sizes.http, 0, calls).await?;
    server.stop().await?;
    ensure!(sent <= bodies.len(), "all events were sent before the time was over; more must be made");
    Ok(outcome.rate()? * f64::from(BATCH))
}

/// Waits until the periodic jobs that a server runs when it first starts are done: the weekly audits read all that was written before.
async fn first_runs(pool: &PgPool) -> Result<()> {
    const PATIENCE: Duration = Duration::from_mins(5);
    let began = Instant::now();
    loop {
        let done = sqlx::query_scalar!(
            r#"SELECT coalesce(bool_and(runs > 0 OR next_run_at > now()), false) AS "done!" FROM jobs.schedules"#
        )
        .fetch_one(&mut *db::acquire(pool).await?)
        .await?;
        if done {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "the first periodic jobs did not end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Leaderboard pages and profiles anywhere in a guild of many.
async fn among_many(ground: &Ground, sizes: &Sizes) -> Result<(Samples, Samples)> {
    let big = guild(1_000);
    let pool = ground.pool();
    {
        let _spinner = progress::spinner("making members");
        sqlx::query!("INSERT INTO people.guilds (guild_id, name) VALUES ($1, 'Many')", big.get())
            .execute(&mut *db::acquire(pool).await?)
            .await?;
        sqlx::query!(
            "INSERT INTO people.users (id)
             SELECT n FROM generate_series(1, $1::bigint) AS n ON CONFLICT DO NOTHING",
            sizes.members
        )
        .execute(&mut *db::acquire(pool).await?)
        .await?;
        sqlx::query!(
            "INSERT INTO people.members (guild_id, user_id, display_name, xp, stars)
             SELECT $1, n, 'Member ' || n, (1000000 * power((hashint8(n) & 1048575) / 1048576.0, 4))::bigint, n % 1000
               FROM generate_series(1, $2::bigint) AS n",
            big.get(),
            sizes.members
        )
        .execute(&mut *db::acquire(pool).await?)
        .await?;
        sqlx::query_scalar!(r#"SELECT progress.xp_histogram_fold() AS "folded!""#)
            .fetch_one(&mut *db::acquire(pool).await?)
            .await?;
    }
    ground.settle().await?;
    let _spinner = progress::spinner("reading the leaderboard");
    let mut rng = StdRng::seed_from_u64(17);
    let mut cursors: Vec<Option<String>> = vec![None];
    while cursors.len() < 400 {
        let query =
            LeaderboardQuery { limit: Some(200), cursor: cursors.last().cloned().flatten(), season_id: None };
        match leaderboard::leaderboard(pool, big, &query).await?.next {
            Some(next) => cursors.push(Some(next)),
            None => break,
        }
    }
    let (mut pages, mut profiles) = (Samples::default(), Samples::default());
    for n in 0..sizes.looks + sizes.looks / 10 {
        let cursor = cursors[rng.random_range(0..cursors.len())].clone();
        let query = LeaderboardQuery { limit: Some(100), cursor, season_id: None };
        let began = Instant::now();
        let page = leaderboard::leaderboard(pool, big, &query).await?;
        let took = began.elapsed();
        ensure!(!page.items.is_empty(), "a page is empty");
        let user = UserId::new(rng.random_range(1..=sizes.members));
        let began = Instant::now();
        let profile = ::progress::profile::member_profile(pool, big, user).await.context("a profile")?;
        let profile_took = began.elapsed();
        ensure!(profile.rank.is_some(), "a member without a rank");
        if n >= sizes.looks / 10 {
            pages.push(took);
            profiles.push(profile_took);
        }
    }
    Ok((pages, profiles))
}
