//! The ledger against a real database: races, overdrafts, repeated causes.

use db::testing::TestDatabase;
use economy::{Kind, LedgerError, Posted, Posting, accounts_ensure, post};
use futures::future::join_all;
use kernel::{Bytes, GuildId, UserId};
use sqlx::PgPool;

const GUILD: GuildId = GuildId::new(1);

fn posting(kind: Kind, giver: i64, receiver: i64, amount: i64) -> Posting {
    Posting {
        guild_id: GUILD,
        giver: UserId::new(giver),
        receiver: UserId::new(receiver),
        amount: Bytes::new(amount),
        kind,
        reason: None,
        reference: None,
        dedupe_key: None,
    }
}

fn once(mut posting: Posting, cause: &str) -> Posting {
    posting.dedupe_key = Some(cause.into());
    posting
}

/// Posts in a transaction of its own.
async fn commit(pool: &PgPool, postings: &[Posting]) -> Result<Vec<Posted>, LedgerError> {
    db::retry(|| async {
        let mut tx = pool.begin().await?;
        let posted = post(&mut tx, postings).await?;
        tx.commit().await?;
        Ok(posted)
    })
    .await
}

/// Opens accounts in a transaction of its own.
async fn open(pool: &PgPool, users: &[UserId]) -> Result<(), LedgerError> {
    let mut tx = pool.begin().await?;
    accounts_ensure(&mut tx, GUILD, users).await?;
    Ok(tx.commit().await?)
}

async fn balance(pool: &PgPool, user: i64) -> Option<i64> {
    sqlx::query_scalar("SELECT balance FROM economy.bytes_balances WHERE guild_id = $1 AND user_id = $2")
        .bind(GUILD.get())
        .bind(user)
        .fetch_optional(pool)
        .await
        .unwrap()
}

/// Balances add up to zero, and are what the journal says.
async fn assert_sound(pool: &PgPool) {
    let sum: i64 = sqlx::query_scalar("SELECT coalesce(sum(balance), 0)::bigint FROM economy.bytes_balances")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(sum, 0, "balances, house included, add up to zero");
    let drift = economy::audit::drift(&mut pool.acquire().await.unwrap(), None).await.unwrap();
    assert_eq!(drift, []);
}

#[tokio::test]
async fn a_newcomer_starts_with_the_starting_balance_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let races = (0..16).map(|_| async { open(pool, &[UserId::new(7), UserId::new(8)]).await });
    for result in join_all(races).await {
        result.unwrap();
    }
    assert_eq!(balance(pool, 7).await, Some(100));
    assert_eq!(balance(pool, 8).await, Some(100));
    assert_eq!(balance(pool, 0).await, Some(-200));
    assert_sound(pool).await;
}

#[tokio::test]
async fn a_guild_chooses_what_newcomers_start_with() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("INSERT INTO economy.bytes_configs (guild_id, starting_balance) VALUES ($1, 0)")
        .bind(GUILD.get())
        .execute(pool)
        .await
        .unwrap();
    commit(pool, &[posting(Kind::Award, 0, 7, 5)]).await.unwrap();
    assert_eq!(balance(pool, 7).await, Some(5));
    assert_sound(pool).await;
}

#[tokio::test]
async fn racing_transfers_lose_nothing_and_overdraw_nobody() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    // Ten members with 100 each pay each other 30 in a ring and across it, 200 times at once: many must be refused.
    let payments = (0..200i64).map(|n| {
        let (giver, receiver) = (1 + n % 10, 1 + (n * 7 + 3) % 10);
        async move {
            if giver == receiver {
                return Ok(Vec::new());
            }
            commit(pool, &[posting(Kind::Transfer, giver, receiver, 30)]).await
        }
    });
    let mut paid = 0i64;
    for result in join_all(payments).await {
        match result {
            Ok(posted) => paid += i64::try_from(posted.len()).unwrap(),
            Err(LedgerError::InsufficientFunds { balance, needed, .. }) => assert!(balance < needed),
            Err(other) => panic!("{other}"),
        }
    }
    let posted: i64 =
        sqlx::query_scalar("SELECT count(*) FROM economy.bytes_transactions WHERE kind = 'transfer'")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(posted, paid);
    assert!(paid > 0);
    assert_sound(pool).await;
}

#[tokio::test]
async fn a_balance_is_spent_once_however_many_spend_it() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let payments = (0..32).map(|_| commit_one(pool, posting(Kind::Fee, 7, 0, 40)));
    let paid = join_all(payments).await.iter().filter(|result| result.is_ok()).count();
    assert_eq!(paid, 2, "100 bytes pay a fee of 40 twice");
    assert_eq!(balance(pool, 7).await, Some(20));
    assert_sound(pool).await;
}

async fn commit_one(pool: &PgPool, posting: Posting) -> Result<Vec<Posted>, LedgerError> {
    commit(pool, &[posting]).await
}

#[tokio::test]
async fn a_cause_is_posted_once_and_told_so_the_second_time() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let reward = once(posting(Kind::Reward, 0, 7, 50), "reward:a:7");
    let races = join_all((0..16).map(|_| commit_one(pool, reward.clone()))).await;
    let posted: Vec<Posted> = races.into_iter().map(|result| result.unwrap()[0]).collect();
    assert_eq!(posted.iter().filter(|p| p.is_new()).count(), 1);
    assert!(posted.iter().all(|p| p.id() == posted[0].id()));
    assert_eq!(balance(pool, 7).await, Some(150));

    // The same cause twice in one batch, beside another.
    let other = once(posting(Kind::Reward, 0, 7, 1), "reward:b:7");
    let batch = commit(pool, &[other.clone(), reward.clone(), other.clone()]).await.unwrap();
    assert_eq!(batch.iter().map(|p| p.is_new()).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(batch[0].id(), batch[2].id());
    assert_eq!(balance(pool, 7).await, Some(151));
    assert_sound(pool).await;
}

#[tokio::test]
async fn a_fee_paid_before_is_not_refused_for_lack_of_funds_now() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let fee = once(posting(Kind::Fee, 7, 0, 90), "fee:c:7");
    let first = commit(pool, std::slice::from_ref(&fee)).await.unwrap();
    let again = commit(pool, std::slice::from_ref(&fee)).await.unwrap();
    assert_eq!(again, [Posted::AlreadyPosted(first[0].id())]);
    assert_eq!(balance(pool, 7).await, Some(10));
    assert_sound(pool).await;
}

#[tokio::test]
async fn a_refused_batch_leaves_no_trace_and_the_transaction_whole() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    commit(pool, &[posting(Kind::Award, 0, 7, 1)]).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let batch = [posting(Kind::Transfer, 7, 8, 60), posting(Kind::Transfer, 7, 9, 60)];
    let refused = post(&mut tx, &batch).await.unwrap_err();
    assert_eq!(refused.to_string(), "this takes 60 bytes, and member 7 has 41");
    post(&mut tx, &batch[..1]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(balance(pool, 7).await, Some(41));
    assert_eq!(balance(pool, 8).await, Some(160));
    assert_sound(pool).await;
}

#[tokio::test]
async fn totals_count_all_but_refunds() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let batch = [
        posting(Kind::Fee, 7, 0, 30),
        posting(Kind::Refund, 0, 7, 30),
        posting(Kind::Transfer, 7, 8, 10),
        posting(Kind::Reward, 0, 7, 5),
    ];
    commit(pool, &batch).await.unwrap();
    let (received, sent): (i64, i64) =
        sqlx::query_as("SELECT total_received, total_sent FROM economy.bytes_balances WHERE user_id = 7")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!((received, sent), (105, 40));
    assert_sound(pool).await;
}

#[tokio::test]
async fn bots_start_with_nothing() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut conn = pool.acquire().await.unwrap();
    for guild in [GUILD, GuildId::new(GUILD.get() + 1)] {
        people::member_ensure(&mut conn, guild, UserId::new(9), Some("beep")).await.unwrap();
    }
    // What another guild takes for a bot is none here, and the other way round.
    sqlx::query("UPDATE people.members SET is_bot = true WHERE guild_id = $1")
        .bind(GUILD.get())
        .execute(&mut *conn)
        .await
        .unwrap();
    open(pool, &[UserId::new(9)]).await.unwrap();
    assert_eq!(balance(pool, 9).await, Some(0));
}

#[tokio::test]
async fn the_audit_finds_a_balance_that_somebody_touched() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    commit(pool, &[posting(Kind::Award, 0, 7, 1)]).await.unwrap();
    sqlx::query("UPDATE economy.bytes_balances SET balance = balance + 5 WHERE user_id = 7")
        .execute(pool)
        .await
        .unwrap();
    let drift = economy::audit::drift(&mut pool.acquire().await.unwrap(), None).await.unwrap();
    assert_eq!(drift.len(), 1);
    assert_eq!((drift[0].figure.as_str(), drift[0].stored, drift[0].derived), ("balance", 106, 101));
}
