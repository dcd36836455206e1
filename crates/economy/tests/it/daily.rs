//! The daily claim against a real database: races, streaks, midnight.

use chrono::{DateTime, Utc};
use db::testing::TestDatabase;
use economy::model::{DailyReceipt, Occasion};
use economy::{Error, ops};
use futures::future::join_all;
use kernel::{GuildId, UserId};
use people::members_ensure;
use sqlx::PgPool;

const GUILD: GuildId = GuildId::new(1);
const ADA: UserId = UserId::new(7);

async fn with_ada() -> TestDatabase {
    let database = TestDatabase::new().await;
    let mut conn = database.pool().acquire().await.unwrap();
    members_ensure(&mut conn, GUILD, &[(ADA, Some("Ada"))]).await.unwrap();
    drop(conn);
    database
}

async fn claim(pool: &PgPool, at: &str, occasion: Occasion) -> Result<DailyReceipt, Error> {
    let at: DateTime<Utc> = at.parse().unwrap();
    let mut tx = pool.begin().await?;
    let receipt = ops::daily_claim_at(&mut tx, GUILD, ADA, occasion, at).await?;
    tx.commit().await?;
    Ok(receipt)
}

async fn assert_sound(pool: &PgPool) {
    assert_eq!(economy::audit::drift(&mut pool.acquire().await.unwrap(), None).await.unwrap(), []);
}

#[tokio::test]
async fn one_of_many_claims_in_the_same_instant_is_paid() {
    let database = with_ada().await;
    let pool = database.pool();
    let at = "2026-12-31T23:59:59Z";
    let races = join_all((0..32).map(|_| claim(pool, at, Occasion::Command))).await;
    assert_eq!(races.iter().filter(|result| result.is_ok()).count(), 1);
    for refused in races.into_iter().filter_map(Result::err) {
        match refused {
            Error::DailyClaimed { wait, .. } => assert_eq!(wait.as_secs(), 1),
            other => panic!("{other}"),
        }
    }
    assert_sound(pool).await;
}

#[tokio::test]
async fn midnight_parts_two_claims_to_the_instant() {
    let database = with_ada().await;
    let pool = database.pool();
    // Many at once on either side of it: one of each is paid, whoever comes first, and the streak is two days.
    let instants = ["2026-12-31T23:59:59.999999Z", "2027-01-01T00:00:00Z"];
    let before = join_all((0..16).map(|_| claim(pool, instants[0], Occasion::Command))).await;
    assert_eq!(before.iter().filter(|result| result.is_ok()).count(), 1);
    for refused in before.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, Error::DailyClaimed { .. }), "{refused}");
    }
    let after = join_all((0..16).map(|_| claim(pool, instants[1], Occasion::Command))).await;
    let paid: Vec<_> = after.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(paid.len(), 1);
    assert_eq!((paid[0].streak, paid[0].date), (2, "2027-01-01".parse().unwrap()));
    for refused in after.iter().filter_map(|result| result.as_ref().err()) {
        match refused {
            Error::DailyClaimed { wait, .. } => assert_eq!(wait.as_secs(), 86_400),
            other => panic!("{other}"),
        }
    }
    // A clock that lags behind does not claim yesterday again.
    let late = claim(pool, instants[0], Occasion::Command).await.unwrap_err();
    assert!(matches!(late, Error::DailyClaimed { .. }), "{late}");
    assert_sound(pool).await;
}

#[tokio::test]
async fn both_sides_of_midnight_at_once_pay_each_day_at_most_once() {
    let database = with_ada().await;
    let pool = database.pool();
    let instants = ["2026-12-31T23:59:59.999999Z", "2027-01-01T00:00:00Z"];
    let told = join_all((0..32).map(|n| claim(pool, instants[n % 2], Occasion::Command))).await;
    let mut paid: Vec<_> = told
        .iter()
        .filter_map(|result| result.as_ref().ok())
        .map(|receipt| receipt.date.to_string())
        .collect();
    paid.sort_unstable();
    // Yesterday is lost to who comes after somebody was paid for today.
    assert!(paid == ["2027-01-01"] || paid == ["2026-12-31", "2027-01-01"], "{paid:?}");
    assert_sound(pool).await;
}

#[tokio::test]
async fn a_streak_grows_by_the_day_and_ends_with_a_day_missed() {
    let database = with_ada().await;
    let pool = database.pool();
    let mut last = None;
    for day in 25..=31 {
        last = Some(claim(pool, &format!("2026-12-{day}T23:59:59Z"), Occasion::Command).await.unwrap());
    }
    assert_eq!(last.map(|receipt| (receipt.streak, receipt.amount.get())), Some((7, 10)));
    let eighth = claim(pool, "2027-01-01T00:00:00Z", Occasion::Message).await.unwrap();
    assert_eq!((eighth.streak, eighth.multiplier, eighth.amount.get()), (8, 2, 20));
    // A clock that goes back pays nothing twice.
    let refused = claim(pool, "2026-12-31T23:59:59Z", Occasion::Command).await.unwrap_err();
    assert!(matches!(refused, Error::DailyClaimed { .. }));
    assert_sound(pool).await;
    let again = claim(pool, "2027-01-03T12:00:00Z", Occasion::Command).await.unwrap();
    assert_eq!((again.streak, again.amount.get(), again.balance.get()), (1, 10, 200));
    assert_sound(pool).await;

    sqlx::query("UPDATE economy.bytes_balances SET streak_count = 9 WHERE user_id = 7")
        .execute(pool)
        .await
        .unwrap();
    let drift = economy::audit::drift(&mut pool.acquire().await.unwrap(), None).await.unwrap();
    assert_eq!(drift.len(), 1);
    assert_eq!((drift[0].figure.as_str(), drift[0].stored, drift[0].derived), ("streak_count", 9, 1));
}

#[tokio::test]
async fn a_guild_may_want_claims_by_command_only_or_none() {
    let database = with_ada().await;
    let pool = database.pool();
    let set = async |daily_amount: i32| {
        sqlx::query(
            "INSERT INTO economy.bytes_configs (guild_id, daily_by_message, daily_amount) VALUES (1, false, $1)
             ON CONFLICT (guild_id) DO UPDATE SET daily_amount = excluded.daily_amount",
        )
        .bind(daily_amount)
        .execute(pool)
        .await
        .unwrap();
    };
    set(5).await;
    let at = "2026-12-01T00:00:00Z";
    assert!(matches!(claim(pool, at, Occasion::Message).await, Err(Error::NoDaily)));
    assert_eq!(claim(pool, at, Occasion::Command).await.unwrap().amount.get(), 5);
    set(0).await;
    let tomorrow = "2026-12-02T00:00:00Z";
    assert!(matches!(claim(pool, tomorrow, Occasion::Command).await, Err(Error::NoDaily)));
}

#[tokio::test]
async fn messages_of_many_claim_at_once_and_once() {
    let database = with_ada().await;
    let pool = database.pool();
    let mut conn = pool.acquire().await.unwrap();
    let users: Vec<UserId> = (7..40).map(UserId::new).collect();
    let named: Vec<_> = users.iter().map(|user| (*user, None)).collect();
    members_ensure(&mut conn, GUILD, &named).await.unwrap();
    sqlx::query("UPDATE people.members SET is_bot = true WHERE user_id = 8")
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::query("UPDATE people.members SET left_at = now() WHERE user_id = 9")
        .execute(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    let date = "2026-12-24".parse().unwrap();
    // A stranger among them, one who is named twice, and eight batches at once.
    let mut asked = users.clone();
    asked.extend([UserId::new(99), UserId::new(10)]);
    let batches = join_all((0..8).map(|_| {
        db::retry(|| async {
            let mut tx = pool.begin().await?;
            let paid = ops::daily_claim_many(&mut tx, GUILD, &asked, date).await?;
            tx.commit().await?;
            Ok::<_, Error>(paid)
        })
    }))
    .await;
    let paid: Vec<_> = batches.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(paid.len(), users.len() - 2, "all but the bot and who left, once");
    assert!(paid.iter().all(|(user, amount)| amount.get() == 10 && ![8, 9, 99].contains(&user.get())));
    assert_sound(pool).await;
    let refused = claim(pool, "2026-12-24T23:00:00Z", Occasion::Command).await.unwrap_err();
    assert!(matches!(refused, Error::DailyClaimed { .. }));
}

#[tokio::test]
async fn a_repair_brings_back_what_the_ledger_says_and_writes_it_down() {
    let database = with_ada().await;
    let pool = database.pool();
    for day in 1..=3 {
        claim(pool, &format!("2026-12-0{day}T10:00:00Z"), Occasion::Command).await.unwrap();
    }
    let sound =
        economy::audit::repair(pool, None, access::By::Cli, &access::Origin::default()).await.unwrap();
    assert_eq!(sound, []);
    sqlx::query(
        "UPDATE economy.bytes_balances SET balance = 999, total_received = 0, streak_count = 50, last_daily = NULL
          WHERE user_id = 7",
    )
    .execute(pool)
    .await
    .unwrap();
    // Somebody whose row is gone, and somebody whose row should not be.
    claim_starting(pool, 8).await;
    sqlx::query("DELETE FROM economy.bytes_balances WHERE user_id = 8").execute(pool).await.unwrap();
    sqlx::query("INSERT INTO economy.bytes_balances (guild_id, user_id, balance) VALUES (1, 9, 5)")
        .execute(pool)
        .await
        .unwrap();
    let elsewhere =
        economy::audit::repair(pool, Some(GuildId::new(2)), access::By::Cli, &access::Origin::default())
            .await;
    assert_eq!(elsewhere.unwrap(), [], "another guild is another guild");
    let repaired =
        economy::audit::repair(pool, Some(GUILD), access::By::Cli, &access::Origin::default()).await;
    assert_eq!(repaired.unwrap().len(), 4 + 2 + 1);
    assert_sound(pool).await;
    let (balance, streak, last): (i64, i32, Option<chrono::NaiveDate>) = sqlx::query_as(
        "SELECT balance, streak_count, last_daily FROM economy.bytes_balances WHERE user_id = 7",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!((balance, streak, last), (130, 3, "2026-12-03".parse().ok()));
    let audited: i64 =
        sqlx::query_scalar("SELECT count(*) FROM access.admin_log WHERE action_type = 'REPAIR'")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(audited, 1);
}

async fn claim_starting(pool: &PgPool, user: i64) {
    let mut tx = pool.begin().await.unwrap();
    economy::accounts_ensure(&mut tx, GUILD, &[UserId::new(user)]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_first_message_of_a_day_claims_once() {
    use economy::first_messages::DailyClaims;
    use lake::ingest::{Event, EventWriter};
    let database = with_ada().await;
    let pool = database.pool();
    let mut conn = pool.acquire().await.unwrap();
    // From the beginning, so that what comes is not missed.
    sqlx::query("INSERT INTO jobs.outbox_cursors (consumer, transaction_id, id) VALUES ('economy.daily_claims', '0'::xid8, 0)")
        .execute(&mut *conn)
        .await
        .unwrap();
    let now = db::now(&mut conn).await.unwrap();
    let writer = EventWriter::start(pool, &jobs::Wake::new(), 1);
    // Two of today, and one of an old day that is brought in later.
    let times = [now, now, now - chrono::TimeDelta::days(20)];
    let events: Vec<Event> = times
        .iter()
        .zip(["a", "b", "c"])
        .map(|(at, source)| {
            let json = serde_json::json!({
                "event_type": "message_create", "user_id": "7", "channel_id": "9", "source_id": source, "timestamp": at,
            });
            Event::parse(&json.to_string()).unwrap()
        })
        .collect();
    writer.submit(kernel::GuildId::new(1), events).await.unwrap();
    // What the claim itself tells comes along, and claims nothing.
    access::testing::deliver(pool, &DailyClaims).await;
    let claims: i64 =
        sqlx::query_scalar("SELECT count(*) FROM economy.bytes_transactions WHERE kind = 'daily'")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(claims, 1);
    assert_sound(pool).await;
}
