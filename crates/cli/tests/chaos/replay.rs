//! Events on their way into the lake, by file and by HTTP, while everything is killed: the command line, the server, PostgreSQL. Then the whole
//! file again. The totals must be those of a run in which nothing happened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use db::testing::PrivateCluster;
use kernel::GuildId;
use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::http;
use crate::process::{Server, questhall};
use crate::town::{GUILD, Town};
use crate::{chance, enough, kills, until};

/// The guild whose events nothing disturbs, the one that gets them from a file, and the one that gets them by HTTP.
const CALM: GuildId = GuildId::new(5_001);
const FILED: GuildId = GuildId::new(5_002);
const POSTED: GuildId = GUILD;
/// Events of the file.
const EVENTS: usize = 6_000;
/// Events of a request.
const BATCH: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_replayed_after_any_death_add_up_to_the_totals_of_a_calm_day() {
    let began = Instant::now();
    let mut rng = chance("events_replayed");
    let cluster = PrivateCluster::new();
    let data_dir = cluster.settings.data_dir.display().to_string();
    let file = cluster.folder().join("events.ndjson");
    let generate =
        ["generate-events", "--events", &EVENTS.to_string(), "--members", "400", "--channels", "20"];
    let seed = rng.random_range(1..1_000_000).to_string();
    let more = ["--days", "4", "--seed", &seed, "--out", &file.display().to_string()];
    let arguments: Vec<String> = generate.iter().chain(&more).map(|text| (*text).to_owned()).collect();
    assert!(questhall(&arguments).status().unwrap().success());

    let mut server = Server::new(&[
        "--data-dir".to_owned(),
        data_dir.clone(),
        "--set".to_owned(),
        "http.request_timeout=5s".to_owned(),
        "--set".to_owned(),
        "sandbox.enabled=false".to_owned(),
    ]);
    server.up().await;
    let db::private::Occupant::Running(options) = db::private::occupant(&cluster.settings.data_dir) else {
        panic!("no PostgreSQL runs in {}", cluster.settings.data_dir.display());
    };
    let town = Town::found(&options).await;
    prepare(&town).await;
    let files = Files { file: file.clone(), data_dir: data_dir.clone() };
    files.ingest_all(CALM);
    println!("  a calm day took {:?}", began.elapsed());

    let over = Arc::new(AtomicBool::new(false));
    let posting = tokio::spawn(post_all(lines(&file), server.address(), town.clone(), Arc::clone(&over)));
    let planned = kills(16);
    let (mut deaths, mut interrupted) = (0, 0);
    let mut ingest = files.ingest(FILED);
    while deaths < planned && !enough(began, deaths, planned) {
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..900_000))).await;
        // Whoever ended, well or not, begins again from the beginning of the file.
        if ingest.0.try_wait().unwrap().is_some() {
            ingest = files.ingest(FILED);
        }
        match (deaths + rng.random_range(0..2)) % 4 {
            0 => {
                interrupted += usize::from(ingest.0.try_wait().unwrap().is_none());
                ingest.kill();
            }
            1 => {
                server.kill();
                // The command line may be about to bring PostgreSQL up itself, and be alone with it for a while.
                if rng.random_range(0..2) == 0 {
                    if ingest.0.try_wait().unwrap().is_some() {
                        ingest = files.ingest(FILED);
                    }
                    tokio::time::sleep(Duration::from_micros(rng.random_range(0..900_000))).await;
                }
                ingest.kill();
                server.start();
                server.ready().await;
            }
            2 => {
                until("there is a postmaster", async || cluster.kill_postmaster()).await;
            }
            _ => kill_session(&town, &mut rng).await,
        }
        deaths += 1;
    }
    ingest.kill();
    let at = server.ready().await;
    until("the server is ready again", async || {
        http::get(at, "/readyz", None).await.ok().filter(|answer| answer.status == 200)
    })
    .await;
    over.store(true, Ordering::Relaxed);
    let (rounds, unanswered) = posting.await.unwrap();
    println!(
        "  {deaths} deaths, {interrupted} of them the command line's, {rounds} rounds by HTTP with {unanswered} requests \
         that got no answer, in {:?}",
        began.elapsed()
    );

    // The whole file once more, both ways.
    files.ingest_all(FILED);
    let again = Arc::new(AtomicBool::new(true));
    post_all(lines(&file), server.address(), town.clone(), again).await;
    let calm = totals(&town, CALM).await;
    assert!(calm["lake"].starts_with(&format!("{EVENTS} ")), "{calm:?}");
    assert_eq!(totals(&town, FILED).await, calm, "by file");
    assert_eq!(totals(&town, POSTED).await, calm, "by HTTP");
    let audit = questhall(&["audit".to_owned(), "--data-dir".to_owned(), data_dir]).status().unwrap();
    assert!(audit.success(), "questhall audit: {audit}");
    let faults = server.faults();
    assert!(faults.is_empty(), "{} faults logged, such as {:#?}", faults.len(), faults.first());
    town.pool.close().await;
    server.stop().await;
    server.nothing_left().await;
    println!("  {:?} in all", began.elapsed());
}

/// What costs something is on: a season, levels, achievements by counters and by XP, a category that multiplies.
async fn prepare(town: &Town) {
    for guild in [CALM, FILED, POSTED] {
        let mut tx = town.pool.begin().await.unwrap();
        for sql in [
            "INSERT INTO people.guilds (guild_id, name) VALUES ($1, 'Lake') ON CONFLICT DO NOTHING",
            "INSERT INTO progress.seasons (guild_id, name, starts_at, ends_at, active)
             VALUES ($1, 'first', now() - interval '30 days', now() - interval '2 days', false),
                    ($1, 'second', now() - interval '2 days', now() + interval '30 days', true)",
            "INSERT INTO progress.achievement_templates (guild_id, name, requirement_type, requirement_field, requirement_value,
                                                          xp_reward, gold_reward)
             VALUES ($1, 'Talker', 'counter_threshold', 'messages_sent', 5, 40, 10),
                    ($1, 'Known', 'xp_milestone', NULL, 300, 20, 5)",
            "WITH made AS (INSERT INTO lake.categories (guild_id, name) VALUES ($1, 'Busy') RETURNING id),
                  multiplied AS (INSERT INTO lake.category_multipliers (guild_id, category_id, interaction_type, xp_multiplier)
                                 SELECT $1, id, 'MESSAGE', 1.7 FROM made)
             INSERT INTO lake.category_channels (guild_id, category_id, channel_id)
             SELECT $1, id, 300000000000000000 + n FROM made CROSS JOIN generate_series(0, 2) AS n",
        ] {
            sqlx::query(sql).bind(guild.get()).execute(&mut *tx).await.unwrap();
        }
        // The seasons of all three begin and end at the same instants.
        tx.commit().await.unwrap();
    }
    let same = "UPDATE progress.seasons s SET starts_at = f.starts_at, ends_at = f.ends_at
                  FROM progress.seasons f WHERE f.guild_id = $1 AND f.name = s.name AND s.guild_id <> $1";
    sqlx::query(same).bind(CALM.get()).execute(&town.pool).await.unwrap();
}

/// Files given to the command line.
struct Files {
    file: PathBuf,
    data_dir: String,
}

/// `questhall ingest` under way.
struct Ingest(Child);

impl Ingest {
    fn kill(&mut self) {
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Files {
    fn command(&self, guild: GuildId) -> std::process::Command {
        let arguments = [
            "ingest",
            &self.file.display().to_string(),
            "--guild",
            &guild.to_string(),
            "--data-dir",
            &self.data_dir,
        ];
        questhall(&arguments.map(str::to_owned))
    }

    fn ingest(&self, guild: GuildId) -> Ingest {
        Ingest(self.command(guild).stderr(Stdio::null()).spawn().unwrap())
    }

    fn ingest_all(&self, guild: GuildId) {
        let status = self.command(guild).status().unwrap();
        assert!(status.success(), "questhall ingest: {status}");
    }
}

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Posts all events in order, batch by batch, each until it is answered; again and again from the beginning until it is over, and that round
/// to its end. Answers how many rounds there were, and how many requests got no answer, or one to come back.
async fn post_all(
    events: Vec<Value>,
    mut address: tokio::sync::watch::Receiver<Option<std::net::SocketAddr>>,
    town: Town,
    over: Arc<AtomicBool>,
) -> (usize, usize) {
    let path = format!("/api/v1/guilds/{POSTED}/lake/events");
    let (mut rounds, mut unanswered) = (0, 0);
    loop {
        let last = over.load(Ordering::Relaxed);
        for batch in events.chunks(BATCH) {
            let body = json!({ "events": batch });
            loop {
                let at = *address.wait_for(Option::is_some).await.unwrap();
                // Never the same: what counts once is the event here, not the request.
                let key = format!("lake-{:016x}", rand::random::<u64>());
                match http::post(at.unwrap(), &path, &town.sender(1), &key, &body).await {
                    Ok(answer) if answer.status == 200 => {
                        assert_eq!(answer.body["refused"], json!([]), "{answer:?}");
                        break;
                    }
                    Ok(answer) if answer.status < 500 => panic!("{answer:?}"),
                    _ => {
                        unanswered += 1;
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        }
        rounds += 1;
        if last {
            return (rounds, unanswered);
        }
    }
}

/// Ends whoever writes events at the moment, in the middle of it.
async fn kill_session(town: &Town, rng: &mut StdRng) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
                ORDER BY md5(pid::text || $1) LIMIT 1";
    let salt = rng.random_range(0..1_000).to_string();
    // PostgreSQL may be away itself.
    let _ = sqlx::query(sql).bind(salt).execute(&town.pool).await;
}

/// Everything that counts in a guild, said without what differs between guilds.
async fn totals(town: &Town, guild: GuildId) -> BTreeMap<&'static str, String> {
    let mut all = BTreeMap::new();
    for (what, sql) in [
        (
            "members",
            "SELECT concat(count(*), ' ', sum(xp), ' XP ', sum(stars), ' stars ', sum(gold), ' gold ',
                    md5(string_agg(concat_ws(',', user_id, xp, stars, gold, level, joined_at, left_at, last_active_at), ';' ORDER BY user_id)))
               FROM people.members WHERE guild_id = $1 AND user_id > 1000",
        ),
        (
            "counters",
            "SELECT concat(count(*), ' ', sum(c.count), ' ',
                    md5(string_agg(concat_ws(',', user_id, event_type, k.name, period, c.count), ';'
                                   ORDER BY user_id, event_type, k.name, period)))
               FROM lake.event_counters c LEFT JOIN lake.categories k ON k.id = c.category_id WHERE c.guild_id = $1",
        ),
        (
            "seasons",
            "SELECT concat(count(*), ' ', sum(season_xp), ' XP ',
                    md5(string_agg(concat_ws(',', user_id, s.name, season_xp, season_stars, lifetime_stars, messages_sent, reactions_given,
                                             reactions_received, threads_created, voice_minutes), ';' ORDER BY user_id, s.name)))
               FROM progress.user_stats u JOIN progress.seasons s ON s.id = u.season_id WHERE u.guild_id = $1",
        ),
        (
            "journal",
            "SELECT concat(count(*), ' ', sum(xp_delta), ' XP ',
                    md5(string_agg(concat_ws(',', a.user_id, a.event_type, regexp_replace(source_event_id, '^achievement:[^:]*', ''), xp_delta,
                                             star_delta, gold_delta, s.name, k.name, metadata - 'achievement_id'), ';'
                                   ORDER BY a.user_id, a.event_type, regexp_replace(source_event_id, '^achievement:[^:]*', ''), xp_delta)))
               FROM progress.activity_log a LEFT JOIN progress.seasons s ON s.id = a.season_id
               LEFT JOIN lake.categories k ON k.id = a.category_id WHERE a.guild_id = $1",
        ),
        (
            "days",
            "SELECT string_agg(concat_ws(',', day, kind, count, xp, stars), ';' ORDER BY day, kind)
               FROM progress.guild_days WHERE guild_id = $1",
        ),
        (
            "lake",
            "SELECT concat(count(*), ' ', md5(string_agg(concat_ws(',', user_id, event_type, channel_id, target_id, source_id, payload, refused,
                                                                   \"timestamp\"), ';' ORDER BY source_id)))
               FROM lake.event_lake WHERE guild_id = $1",
        ),
    ] {
        let text: String = sqlx::query_scalar(sql).bind(guild.get()).fetch_one(&town.pool).await.unwrap();
        all.insert(what, text);
    }
    all
}
