//! The daily report and the export against a real database.

use std::time::Duration;

use access::testing::means;
use chrono::NaiveDate;
use db::testing::TestDatabase;
use economy::export::{Filter, HEADER, csv};
use economy::{Error, Kind, reports};
use futures::TryStreamExt as _;
use jobs::{Node, Wake};
use kernel::{GuildId, PageQuery, UserId};
use sqlx::PgPool;

const GUILD: GuildId = GuildId::new(1);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Writes a ledger of the past, and the balances that it adds up to.
async fn past(pool: &PgPool, guild: i64, rows: &[(&str, &str, i64, i64, i64)]) {
    for (at, kind, giver, receiver, amount) in rows {
        sqlx::query(
            "INSERT INTO economy.bytes_transactions (guild_id, giver_id, giver_username, receiver_id, receiver_username,
                 amount, kind, created_at, reason)
             VALUES ($1, $2, '=giver', $3, 'receiver', $4, $5, $6::timestamptz, 'a, \"b\"')",
        )
        .bind(guild)
        .bind(giver)
        .bind(receiver)
        .bind(amount)
        .bind(kind)
        .bind(at)
        .execute(pool)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO economy.bytes_balances AS b (guild_id, user_id, balance, created_at)
             SELECT $1, u, 0, '2026-01-01' FROM unnest(ARRAY[$2, $3]) u ON CONFLICT DO NOTHING",
        )
        .bind(guild)
        .bind(giver)
        .bind(receiver)
        .execute(pool)
        .await
        .unwrap();
        sqlx::query(
            "UPDATE economy.bytes_balances
                SET balance = balance + CASE user_id WHEN $2 THEN -$4 ELSE $4 END
              WHERE guild_id = $1 AND user_id IN ($2, $3)",
        )
        .bind(guild)
        .bind(giver)
        .bind(receiver)
        .bind(amount)
        .execute(pool)
        .await
        .unwrap();
    }
}

async fn three_days(pool: &PgPool) {
    past(
        pool,
        1,
        &[
            ("2026-03-01T00:00:00Z", "award", 0, 1, 100),
            ("2026-03-01T23:59:59.999Z", "award", 0, 2, 300),
            ("2026-03-02T00:00:00Z", "transfer", 2, 3, 100),
            ("2026-03-02T12:00:00Z", "fee", 2, 0, 50),
            ("2026-03-03T00:00:00Z", "transfer", 1, 2, 100),
        ],
    )
    .await;
    past(pool, 2, &[("2026-03-02T10:00:00Z", "award", 0, 1, 7)]).await;
}

#[tokio::test]
async fn a_day_is_reported_as_it_was_whenever_it_is_asked() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    three_days(pool).await;
    let report = reports::report_make(pool, GUILD, day("2026-03-02")).await.unwrap();
    assert_eq!((report.transaction_count, report.active_users, report.holders), (2, 2, 3));
    assert_eq!((report.issued.get(), report.returned.get(), report.transferred.get()), (0, 50, 100));
    // 100, 150 and 100 at the day's end; the next day's transfer is not in it.
    assert_eq!(report.in_circulation.get(), 350);
    assert_eq!(report.by_kind, [("transfer".to_owned(), 100), ("fee".to_owned(), 50)].into());
    assert!((report.velocity - 150.0 / 350.0).abs() < 1e-12);
    assert!((report.top10_share - 1.0).abs() < 1e-12);
    // 2 (1·100 + 2·100 + 3·150) / (3 · 350) − 4 / 3.
    assert!((report.gini - (1500.0 / 1050.0 - 4.0 / 3.0)).abs() < 1e-9, "{}", report.gini);
    assert_eq!(reports::report_make(pool, GUILD, day("2026-03-02")).await.unwrap(), report);
    assert_eq!(reports::report_get(pool, GUILD, day("2026-03-02")).await.unwrap(), report);

    let first = reports::report_make(pool, GUILD, day("2026-03-01")).await.unwrap();
    assert_eq!((first.issued.get(), first.in_circulation.get(), first.active_users), (400, 400, 2));
    assert!((first.gini - 0.25).abs() < 1e-9, "100 and 300: {}", first.gini);
    let quiet = reports::report_make(pool, GUILD, day("2026-03-09")).await.unwrap();
    assert_eq!((quiet.transaction_count, quiet.in_circulation.get(), quiet.holders), (0, 350, 2));
    assert!(quiet.by_kind.is_empty());

    let query = PageQuery { limit: Some(2), cursor: None };
    let page = reports::report_list(pool, GUILD, &query).await.unwrap();
    assert_eq!(page.items.iter().map(|r| r.day).collect::<Vec<_>>(), [day("2026-03-09"), day("2026-03-02")]);
    let query = PageQuery { limit: Some(2), cursor: page.next };
    let page = reports::report_list(pool, GUILD, &query).await.unwrap();
    assert_eq!(page.items.iter().map(|r| r.day).collect::<Vec<_>>(), [day("2026-03-01")]);

    let before = reports::report_make(pool, GUILD, day("2025-12-01")).await.unwrap_err();
    assert!(matches!(before, Error::NoReport(_)), "there was no economy yet");
    assert!(matches!(
        reports::report_make(pool, GUILD, day("9999-01-01")).await,
        Err(Error::Field("day", _))
    ));
}

#[tokio::test]
async fn concentration_is_what_the_ten_richest_hold() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let rows: Vec<_> = (1..=20).map(|user| ("2026-03-01T10:00:00Z", "award", 0, user, 10)).collect();
    past(pool, 1, &rows).await;
    let report = reports::report_make(pool, GUILD, day("2026-03-01")).await.unwrap();
    assert!((report.top10_share - 0.5).abs() < 1e-12);
    assert!(report.gini.abs() < 1e-12, "all hold the same");
}

/// The turn of the job that reports has come.
async fn clock(pool: &PgPool) {
    let job = economy::SLICE.jobs(&means(pool)).into_iter().find(|job| job.name == "economy.daily_reports");
    let wake = Wake::new();
    let node = Node::start(pool.clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
    jobs::schedule::spawn(pool.clone(), job.into_iter().collect(), &node.handle(), &wake).unwrap();
    let ran = "SELECT count(*) FROM jobs.schedules WHERE name = 'economy.daily_reports' AND last_run_at IS NOT NULL";
    while sqlx::query_scalar::<_, i64>(ran).fetch_one(pool).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(Duration::from_mins(2)).await.unwrap());
}

#[tokio::test]
async fn the_clock_reports_on_every_guild_and_makes_up_for_missed_days() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    three_days(pool).await;
    let mut conn = pool.acquire().await.unwrap();
    let days = reports::due(&mut conn).await.unwrap();
    assert_eq!(days.len(), 7);
    // A guild at a time, so that no statement takes longer the more guilds there are.
    sqlx::raw_sql(
        "CREATE TABLE public.written (guilds bigint);
         CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO public.written SELECT count(DISTINCT guild_id) FROM made; RETURN NULL; END $$;
         CREATE TRIGGER tg_note AFTER INSERT ON economy.daily_reports REFERENCING NEW TABLE AS made
             FOR EACH STATEMENT EXECUTE FUNCTION public.note()",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    clock(pool).await;
    let made: (i64, i64) = sqlx::query_as("SELECT sum(guilds)::bigint, max(guilds) FROM public.written")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(made, (14, 1));
    assert_eq!(reports::due(&mut conn).await.unwrap(), days[6..], "yesterday again, for who committed late");
}

#[tokio::test]
async fn the_export_is_the_ledger_in_order_and_no_formula() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    three_days(pool).await;
    sqlx::query(
        "INSERT INTO economy.bytes_transactions (guild_id, giver_id, giver_username, receiver_id, receiver_username, amount,
             kind, created_at)
         SELECT 1, 0, 'house', 4, 'x', 1, 'award', timestamptz '2026-02-01' + (n % 7) * interval '1 day'
           FROM generate_series(1, 2500) n",
    )
    .execute(pool)
    .await
    .unwrap();
    let read = async |filter: Filter| {
        let chunks: Vec<String> = csv(pool.clone(), GUILD, filter).try_collect().await.unwrap();
        chunks.concat()
    };
    let all = read(Filter::default()).await;
    let lines: Vec<&str> = all.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 1 + 2500 + 5, "a header, and the guild's rows, of no other guild");
    assert_eq!(lines[0], HEADER.trim_end());
    let mut ids: Vec<&str> = lines[1..].iter().map(|line| line.split(',').next().unwrap()).collect();
    let times: Vec<&str> = lines[1..].iter().map(|line| line.split(',').nth(1).unwrap()).collect();
    assert!(times.is_sorted());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2505, "none twice");
    assert!(lines.last().unwrap().ends_with(r#",transfer,100,1,"'=giver",2,receiver,"a, ""b""",,"#));

    let bobs = Filter { user: Some(UserId::new(2)), kind: Some(Kind::Transfer), ..Filter::default() };
    assert_eq!(read(bobs).await.lines().count(), 3);
    let until = Filter { until: Some("2026-03-02T00:00:00Z".parse().unwrap()), ..Filter::default() };
    assert_eq!(read(until).await.lines().count(), 1 + 2500 + 2);
    let from = Filter { from: Some("2026-03-02T00:00:00Z".parse().unwrap()), ..Filter::default() };
    assert_eq!(read(from).await.lines().count(), 1 + 3);
}
