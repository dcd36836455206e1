//! Transfers of bytes: between random members with every rule, between a hot pair, into a hot receiver.
//!
//! They go through [`economy::TransferWriter`], as the API's do, but without HTTP. The limit beside each is what PostgreSQL
//! does of the same writes, ledger, balances and event, by one prepared statement a transfer and nothing judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use economy::model::TransferRequest;
use economy::transfers::{Transfer, TransferWriter};
use jobs::Wake;
use kernel::{Bytes, GuildId, UserId};
use sqlx::{PgConnection, PgPool};
use tokio::task::JoinSet;

use crate::contest::FIRST_USER;
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::progress;
use crate::sample::{Samples, per_second};

const SECTION: &str = "transfers";
/// With a cooldown of an hour, so that a giver gives once.
const RULED: GuildId = GuildId::new(4_100_000_000);
/// Without cooldown, for a pair that pays back and forth.
const FREE: GuildId = GuildId::new(4_200_000_000);
/// Members who pay at once.
const PAYERS: usize = 64;
/// Connections of the limit.
const CONNECTIONS: usize = 16;

struct Sizes {
    members: usize,
    warm_up: Duration,
    measured: Duration,
}

/// Who pays whom in the n-th transfer.
type Pairs = fn(usize, usize) -> (GuildId, i64, i64);

/// Everybody gives once, to somebody at random.
fn random(n: usize, members: usize) -> (GuildId, i64, i64) {
    let giver = n % members;
    // Fibonacci hashing: as good as chance, and the same every time.
    let mut receiver = (n.wrapping_mul(0x9E37_79B9) >> 7) % members;
    if receiver == giver {
        receiver = (receiver + 1) % members;
    }
    (RULED, user(giver), user(receiver))
}

/// Two pay each other.
fn pair(n: usize, _: usize) -> (GuildId, i64, i64) {
    (FREE, user(n % 2), user(1 - n % 2))
}

/// Everybody pays one and the same.
fn receiver(n: usize, members: usize) -> (GuildId, i64, i64) {
    (FREE, user(1 + n % (members - 1)), user(0))
}

fn user(n: usize) -> i64 {
    FIRST_USER + i64::try_from(n).unwrap_or(0)
}

pub(crate) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let sizes = if quick {
        let short = Duration::from_millis(200);
        Sizes { members: 20_000, warm_up: short, measured: short }
    } else {
        Sizes { members: 400_000, warm_up: Duration::from_secs(2), measured: Duration::from_secs(8) }
    };
    let pool = ground.pool();
    {
        let _spinner = progress::spinner("opening accounts");
        guild(pool, RULED, 1, sizes.members).await?;
        guild(pool, FREE, 0, sizes.members).await?;
    }
    ground.settle().await?;
    let writer = TransferWriter::start(pool, &Wake::new(), 2);
    let mut figures = Vec::new();
    for (name, pairs, target) in [
        ("between random members, all rules", random as Pairs, 3_000.0),
        ("between a hot pair", pair as Pairs, 2_000.0),
        ("into a hot receiver", receiver as Pairs, 2_000.0),
    ] {
        let _spinner = progress::spinner("transfers");
        // The limit before and after: a machine that slows down meanwhile must not speak for either.
        let before = bare(ground, &sizes, pairs).await?;
        let (rate, latencies) = ours(&writer, &sizes, pairs).await?;
        let after = bare(ground, &sizes, pairs).await?;
        let limit = f64::midpoint(before, after);
        let (p50, p99) = latencies.p50_p99();
        figures.push(
            Figure::new(SECTION, name, rate, Unit::PerSecond).target(Target::AtLeast(target)).limit(
                limit,
                format!("the same writes by one prepared statement each, {CONNECTIONS} connections"),
            ),
        );
        let share = Figure::new(SECTION, "share of the limit", rate / limit * 100.0, Unit::Percent);
        figures.push(if target > 2_500.0 { share.target(Target::AtLeast(60.0)) } else { share });
        figures.push(Figure::new(SECTION, "latency, p50", p50, Unit::Milliseconds));
        figures.push(Figure::new(SECTION, "latency, p99", p99, Unit::Milliseconds));
    }
    let mut conn = ground.connect().await?;
    for guild in [RULED, FREE] {
        let drift = economy::audit::drift(&mut conn, Some(guild)).await?;
        ensure!(drift.is_empty(), "the ledger came apart: {:?}", drift.first());
    }
    Ok(figures)
}

/// A guild of members with a million bytes each, as if they had been awarded them.
async fn guild(pool: &PgPool, guild: GuildId, cooldown_hours: i32, members: usize) -> Result<()> {
    let members = i64::try_from(members)?;
    let paid_before = sqlx::query_scalar!(r#"SELECT now() - interval '7 days' AS "at!""#)
        .fetch_one(&mut *db::acquire(pool).await?)
        .await?;
    sqlx::query!(
        "INSERT INTO people.guilds (guild_id, name) VALUES ($1, 'Benchmark') ON CONFLICT DO NOTHING",
        guild.get()
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO people.users (id)
         SELECT n FROM generate_series($1::bigint, $1 + $2 - 1) AS n ON CONFLICT DO NOTHING",
        FIRST_USER,
        members,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO people.members (guild_id, user_id, display_name)
         SELECT $1, n, 'user ' || n FROM generate_series($2::bigint, $2 + $3 - 1) AS n",
        guild.get(),
        FIRST_USER,
        members,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO economy.bytes_configs (guild_id, cooldown_hours) VALUES ($1, $2)",
        guild.get(),
        cooldown_hours,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO economy.bytes_balances (guild_id, user_id, balance, total_received, total_sent, last_transfer_at)
         SELECT $1::bigint, n, 1000000, 1000001, 1, $4::timestamptz FROM generate_series($2::bigint, $2 + $3 - 1) AS n
         UNION ALL SELECT $1::bigint, 0, -1000000 * $3, 0, 1000000 * $3, NULL",
        guild.get(),
        FIRST_USER,
        members,
        paid_before,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO economy.bytes_transactions (guild_id, giver_id, giver_username, receiver_id, receiver_username, amount, kind)
         SELECT $1, 0, 'house', n, 'user ' || n, 1000000, 'award' FROM generate_series($2::bigint, $2 + $3 - 1) AS n",
        guild.get(),
        FIRST_USER,
        members,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    // Everybody has paid the next one before, long enough ago: statistics of a ledger without givers mislead the planner.
    sqlx::query!(
        "INSERT INTO economy.bytes_transactions (guild_id, giver_id, giver_username, receiver_id, receiver_username, amount, kind,
             created_at)
         SELECT $1, $2::bigint + n, 'giver', $2 + (n + 1) % $3::bigint, 'receiver', 1, 'transfer', $4
           FROM generate_series(0::bigint, $3::bigint - 1) AS n",
        guild.get(),
        FIRST_USER,
        members,
        paid_before,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

/// How many a second, and how soon each was answered; after a warm-up. Any refusal ends it.
async fn ours(writer: &TransferWriter, sizes: &Sizes, pairs: Pairs) -> Result<(f64, Samples)> {
    let (next, members) = (Arc::new(AtomicUsize::new(0)), sizes.members);
    let began = Instant::now();
    let (from, until) = (began + sizes.warm_up, began + sizes.warm_up + sizes.measured);
    let mut payers = JoinSet::new();
    for _ in 0..PAYERS {
        let (writer, next) = (writer.clone(), Arc::clone(&next));
        payers.spawn(async move {
            let mut latencies = Samples::default();
            loop {
                let asked = Instant::now();
                if asked >= until {
                    return Ok::<_, economy::Error>(latencies);
                }
                let (guild, giver, receiver) = pairs(next.fetch_add(1, Ordering::Relaxed), members);
                let request = TransferRequest {
                    receiver_id: UserId::new(receiver),
                    amount: Bytes::new(1),
                    reason: Some("thanks for the help".to_owned()),
                };
                writer.transfer(Transfer::new(guild, UserId::new(giver), &request)?).await?;
                if asked >= from {
                    latencies.push(asked.elapsed());
                }
            }
        });
    }
    let mut latencies = Samples::default();
    while let Some(payer) = payers.join_next().await {
        latencies.extend(payer??);
    }
    Ok((per_second(latencies.len(), sizes.measured), latencies))
}

/// The limit: the same rows, nothing asked, a commit each.
async fn bare(ground: &Ground, sizes: &Sizes, pairs: Pairs) -> Result<f64> {
    let (next, members) = (Arc::new(AtomicUsize::new(0)), sizes.members);
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(ground.connect().await?);
    }
    let began = Instant::now();
    let (from, until) = (began + sizes.warm_up, began + sizes.warm_up + sizes.measured);
    let mut payers = JoinSet::new();
    for mut connection in connections {
        let next = Arc::clone(&next);
        payers.spawn(async move {
            let mut done = 0usize;
            loop {
                let asked = Instant::now();
                if asked >= until {
                    return Ok::<_, sqlx::Error>(done);
                }
                let (_, giver, receiver) = pairs(next.fetch_add(1, Ordering::Relaxed), members);
                // In the guild without cooldown, so that nobody's hour of ours begins by it.
                bare_transfer(&mut connection, FREE, giver, receiver).await?;
                done += usize::from(asked >= from);
            }
        });
    }
    let mut done = 0;
    while let Some(payer) = payers.join_next().await {
        done += payer??;
    }
    Ok(per_second(done, sizes.measured))
}

async fn bare_transfer(
    connection: &mut PgConnection,
    guild: GuildId,
    giver: i64,
    receiver: i64,
) -> sqlx::Result<()> {
    // The two rows are locked in the order of their keys, or a pair that pays back and forth would deadlock.
    sqlx::query!(
        r#"WITH locked AS MATERIALIZED (
               SELECT user_id FROM economy.bytes_balances
                WHERE guild_id = $1 AND user_id IN ($2, $3) ORDER BY user_id FOR UPDATE
           ), moved AS (
               UPDATE economy.bytes_balances b
                  SET balance = balance + CASE b.user_id WHEN $2 THEN -1 ELSE 1 END,
                      total_sent = total_sent + CASE b.user_id WHEN $2 THEN 1 ELSE 0 END,
                      total_received = total_received + CASE b.user_id WHEN $2 THEN 0 ELSE 1 END,
                      last_transfer_at = CASE b.user_id WHEN $2 THEN greatest(last_transfer_at, now())
                                                        ELSE last_transfer_at END
                 FROM locked l WHERE b.guild_id = $1 AND b.user_id = l.user_id
           ), posted AS (
               INSERT INTO economy.bytes_transactions (guild_id, giver_id, giver_username, receiver_id, receiver_username,
                      amount, kind, reason)
               VALUES ($1, $2, 'giver', $3, 'receiver', 1, 'transfer', 'thanks for the help')
               RETURNING id
           )
           INSERT INTO jobs.outbox (guild_id, event_type, subject, user_id, payload)
           SELECT $1, 'bytes.transferred', 'transactions/' || id, $3,
                  jsonb_build_object('transaction_id', id, 'giver_id', $2::text, 'receiver_id', $3::text, 'amount', 1,
                                     'reason', 'thanks for the help')
             FROM posted"#,
        guild.get(),
        giver,
        receiver,
    )
    .execute(connection)
    .await?;
    Ok(())
}
