//! Transfers in batches against a real database: storms, hot accounts, cut connections, other guilds.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use access::{By, Origin};
use db::testing::TestDatabase;
use economy::model::{ConfigEdit, TransferRequest};
use economy::transfers::{Transfer, TransferWriter};
use economy::{Error, LedgerError, ops};
use futures::future::join_all;
use jobs::Wake;
use kernel::{Bytes, GuildId, UserId};
use people::members_ensure;
use sqlx::PgPool;

const GUILD: GuildId = GuildId::new(1);
const OTHER: GuildId = GuildId::new(2);

/// Two guilds without cooldown, in each so many members from 1 on.
async fn guilds(members: i64) -> TestDatabase {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let named: Vec<_> = (1..=members).map(|user| (UserId::new(user), None)).collect();
    for guild in [GUILD, OTHER] {
        members_ensure(&mut pool.acquire().await.unwrap(), guild, &named).await.unwrap();
        configure(pool, guild, ConfigEdit { cooldown_hours: Some(0), ..ConfigEdit::default() }).await;
    }
    database
}

async fn configure(pool: &PgPool, guild: GuildId, edit: ConfigEdit) {
    ops::config_put(pool, guild, &edit, By::Cli, &Origin::default()).await.unwrap();
}

fn writers(pool: &PgPool) -> Vec<TransferWriter> {
    // Two nodes.
    (0..2).map(|_| TransferWriter::start(pool, &Wake::new(), 2)).collect()
}

async fn pay(
    writer: &TransferWriter,
    guild: GuildId,
    giver: i64,
    receiver: i64,
    amount: i64,
) -> Result<i64, Error> {
    let request =
        TransferRequest { receiver_id: UserId::new(receiver), amount: Bytes::new(amount), reason: None };
    let receipt = writer.transfer(Transfer::new(guild, UserId::new(giver), &request)?).await?;
    assert_eq!(
        (receipt.transaction.giver_id.get(), receipt.transaction.receiver_id.get()),
        (giver, receiver)
    );
    Ok(receipt.balance.get())
}

async fn number(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// Every guild's balances add up to zero, nobody but the house is below zero, and all is as the ledger has it.
async fn assert_sound(pool: &PgPool) {
    let unequal = "SELECT count(*) FROM (SELECT FROM economy.bytes_balances GROUP BY guild_id HAVING sum(balance) <> 0) g";
    assert_eq!(number(pool, unequal).await, 0);
    let below = "SELECT count(*) FROM economy.bytes_balances WHERE balance < 0 AND user_id <> 0";
    assert_eq!(number(pool, below).await, 0);
    assert_eq!(economy::audit::drift(&mut pool.acquire().await.unwrap(), None).await.unwrap(), []);
}

const TRANSFERS: &str = "SELECT count(*) FROM economy.bytes_transactions WHERE kind = 'transfer'";

#[tokio::test]
async fn refusals_of_a_batch_are_each_their_own() {
    let database = guilds(4).await;
    let pool = database.pool();
    sqlx::query("UPDATE people.members SET is_bot = true WHERE user_id = 4").execute(pool).await.unwrap();
    let writer = TransferWriter::start(pool, &Wake::new(), 1);
    let told = join_all([
        pay(&writer, GUILD, 1, 2, 60),
        pay(&writer, GUILD, 1, 2, 60),
        pay(&writer, GUILD, 2, 3, 150),
        pay(&writer, GUILD, 1, 1, 5),
        pay(&writer, GUILD, 1, 4, 5),
        pay(&writer, GUILD, 1, 0, 5),
        pay(&writer, GUILD, 99, 1, 5),
        pay(&writer, GUILD, 1, 2, 0),
        pay(&writer, GUILD, 1, 2, -7),
        pay(&writer, GUILD, 1, 2, i64::MAX),
        pay(&writer, GUILD, 1, 2, 1001),
        pay(&writer, GUILD, 1, 2, 40),
    ])
    .await;
    let told: Vec<String> = told
        .into_iter()
        .map(|told| told.map_or_else(|error| error.to_string(), |left| left.to_string()))
        .collect();
    assert_eq!(
        told,
        [
            "40",
            "this takes 60 bytes, and member 1 has 40",
            "10",
            "nobody can pay themselves",
            "bots neither pay nor are paid",
            "there is no member 0 in this guild",
            "there is no member 99 in this guild",
            "`amount` must be at least 1",
            "`amount` must be at least 1",
            "a transfer moves at most 1000 bytes",
            "a transfer moves at most 1000 bytes",
            "0",
        ]
    );
    assert_eq!(number(pool, TRANSFERS).await, 3);
    assert_sound(pool).await;
}

#[tokio::test]
async fn a_transfer_that_would_overflow_is_refused_alone() {
    let database = guilds(3).await;
    let pool = database.pool();
    let writer = TransferWriter::start(pool, &Wake::new(), 1);
    assert_eq!(pay(&writer, GUILD, 1, 2, 1).await.unwrap(), 99);
    // As much as can be counted, by the ledger too, so that it stays sound.
    sqlx::query(
        "WITH given AS (
             INSERT INTO economy.bytes_transactions (guild_id, giver_id, giver_username, receiver_id, receiver_username, amount, kind)
             SELECT 1, 0, 'house', 2, '2', 9007199254740991 - 101 - 5, 'award'
             RETURNING amount)
         UPDATE economy.bytes_balances b
            SET balance = b.balance + CASE user_id WHEN 0 THEN -amount ELSE amount END,
                total_sent = b.total_sent + CASE user_id WHEN 0 THEN amount ELSE 0 END,
                total_received = b.total_received + CASE user_id WHEN 0 THEN 0 ELSE amount END
           FROM given WHERE guild_id = 1 AND user_id IN (0, 2)",
    )
    .execute(pool)
    .await
    .unwrap();
    let told = join_all([
        pay(&writer, GUILD, 1, 2, 6),
        pay(&writer, GUILD, 1, 3, 6),
        pay(&writer, GUILD, 1, 2, 5),
        pay(&writer, GUILD, 1, 2, 1),
    ])
    .await;
    let full = |told: &Result<i64, Error>| matches!(told, Err(Error::Ledger(LedgerError::Overflow { user })) if user.get() == 2);
    assert!(full(&told[0]) && full(&told[3]), "{told:?}");
    assert_eq!((told[1].as_ref().unwrap(), told[2].as_ref().unwrap()), (&93, &88));
    assert_sound(pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_pair_and_a_hot_receiver_deadlock_nobody() {
    let database = guilds(40).await;
    let pool = database.pool();
    configure(pool, GUILD, ConfigEdit { starting_balance: Some(10_000), ..ConfigEdit::default() }).await;
    let writers = writers(pool);
    let mut asked = Vec::new();
    for n in 0..600i64 {
        let writer = &writers[usize::try_from(n % 2).unwrap()];
        // Back and forth between two; and everybody to one.
        let (giver, receiver) = match n % 4 {
            0 => (1, 2),
            1 => (2, 1),
            _ => (3 + n % 37, 40),
        };
        if giver != receiver {
            asked.push(pay(writer, GUILD, giver, receiver, 1));
        }
    }
    let number_asked = i64::try_from(asked.len()).unwrap();
    for told in join_all(asked).await {
        told.unwrap();
    }
    assert_eq!(number(pool, TRANSFERS).await, number_asked);
    assert_sound(pool).await;
}

#[tokio::test]
async fn what_is_paid_in_one_guild_is_nothing_in_another() {
    let database = guilds(3).await;
    let pool = database.pool();
    let writer = TransferWriter::start(pool, &Wake::new(), 1);
    let only_here = UserId::new(50);
    members_ensure(&mut pool.acquire().await.unwrap(), GUILD, &[(only_here, None)]).await.unwrap();
    let told = join_all([
        pay(&writer, GUILD, 1, 2, 100),
        pay(&writer, OTHER, 1, 2, 100),
        pay(&writer, OTHER, 1, 2, 1),
        pay(&writer, OTHER, 2, 50, 1),
        pay(&writer, GUILD, 2, 50, 1),
    ])
    .await;
    assert!(told[0].is_ok() && told[1].is_ok() && told[4].is_ok());
    assert!(matches!(told[2], Err(Error::Ledger(LedgerError::InsufficientFunds { .. }))));
    assert!(matches!(told[3], Err(Error::UnknownMember(user)) if user == only_here));
    assert_sound(pool).await;
}

#[tokio::test]
async fn when_somebody_last_gave_is_kept_checked_and_mended() {
    let database = guilds(3).await;
    let pool = database.pool();
    configure(pool, GUILD, ConfigEdit { cooldown_hours: Some(1), ..ConfigEdit::default() }).await;
    let writer = TransferWriter::start(pool, &Wake::new(), 1);
    pay(&writer, GUILD, 1, 2, 5).await.unwrap();
    // Neither what somebody received nor what they gave elsewhere begins a cooldown.
    pay(&writer, OTHER, 2, 1, 5).await.unwrap();
    pay(&writer, GUILD, 2, 3, 5).await.unwrap();
    for giver in [1, 2] {
        let told = pay(&writer, GUILD, giver, 3, 5).await;
        assert!(matches!(told, Err(Error::Cooldown(wait)) if wait.as_secs() >= 3_300), "{giver}: {told:?}");
    }
    assert_sound(pool).await;
    let drift = async || economy::audit::drift(&mut pool.acquire().await.unwrap(), None).await.unwrap();
    for sql in [
        "UPDATE economy.bytes_balances SET last_transfer_at = NULL WHERE guild_id = 1 AND user_id = 1",
        "UPDATE economy.bytes_balances SET last_transfer_at = now() - interval '1 day' WHERE guild_id = 1 AND user_id = 2",
        "UPDATE economy.bytes_balances SET last_transfer_at = now() WHERE guild_id = 1 AND user_id = 3",
    ] {
        sqlx::query(sql).execute(pool).await.unwrap();
    }
    let found: Vec<_> =
        drift().await.into_iter().map(|drift| (drift.user_id.get(), drift.figure.to_string())).collect();
    assert_eq!(found, [1, 2, 3].map(|user| (user, "last_transfer_at".to_owned())));
    economy::audit::repair(pool, Some(GUILD), By::Cli, &Origin::default()).await.unwrap();
    assert_sound(pool).await;
    assert!(matches!(pay(&writer, GUILD, 1, 3, 5).await, Err(Error::Cooldown(_))));
    assert_eq!(pay(&writer, GUILD, 3, 1, 5).await.unwrap(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_with_cut_connections_leaves_the_ledger_sound() {
    let database = guilds(32).await;
    let pool = database.pool();
    let writers = writers(pool);
    // A connection of its own, which cuts all others and is cut by none.
    let apart = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect_with(database.options().clone())
        .await
        .unwrap();
    let (over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let cut = async {
        let (mut cuts, mut next) = (0i64, 5);
        while !over.load(Ordering::Relaxed) {
            // There is progress between two cuts.
            if answered.load(Ordering::Relaxed) < next {
                tokio::task::yield_now().await;
                continue;
            }
            next = answered.load(Ordering::Relaxed) + 5;
            cuts += number(
                &apart,
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'",
            )
            .await;
        }
        cuts
    };
    let storm = async {
        let payers = (0..32i64).map(|payer| {
            let (writers, answered) = (&writers, &answered);
            async move {
                let (mut paid, mut lost) = (0i64, 0i64);
                for n in 0..40i64 {
                    let receiver = 1 + (payer + 1 + n * 7) % 32;
                    let writer = &writers[usize::try_from(n % 2).unwrap()];
                    match pay(writer, GUILD, payer + 1, receiver, 1 + n % 9).await {
                        Ok(_) => {
                            paid += 1;
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(Error::Ledger(
                            LedgerError::InsufficientFunds { .. } | LedgerError::SelfPayment,
                        )) => {}
                        Err(_) => lost += 1,
                    }
                }
                (paid, lost)
            }
        });
        let told = join_all(payers).await;
        over.store(true, Ordering::Relaxed);
        told.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    let ((paid, lost), cuts) = tokio::join!(storm, cut);
    let posted = number(&apart, TRANSFERS).await;
    // Who was told that it was paid was paid; who lost the connection may have been.
    assert!((paid..=paid + lost).contains(&posted), "{paid} paid, {lost} lost, {posted} posted, {cuts} cuts");
    assert!(paid > 0 && cuts > 0, "{paid} paid, {cuts} cuts");
    assert_sound(&apart).await;
    apart.close().await;
}
