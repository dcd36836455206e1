//! Discord roles that follow the rules: several causes, stale confirmations, what Discord really has.

use db::testing::TestDatabase;
use futures::future::join_all;
use kernel::{GuildId, PageQuery, RoleId, UserId};
use people::roles::{self, RoleOutcome, RoleReport, RoleReportTaken, RoleWish};
use sqlx::PgPool;

const GUILD: GuildId = GuildId::new(1);
const ADA: UserId = UserId::new(7);
const RED: RoleId = RoleId::new(70);

async fn set(pool: &PgPool, cause: &str, wanted: bool) -> u64 {
    db::retry(|| async {
        let mut tx = pool.begin().await?;
        let wish = RoleWish { user_id: ADA, role_id: RED, wanted };
        let changed = roles::roles_set(&mut tx, GUILD, cause, &[wish]).await?;
        tx.commit().await?;
        Ok::<_, sqlx::Error>(changed)
    })
    .await
    .unwrap()
}

async fn pending(pool: &PgPool) -> Vec<roles::MemberRole> {
    roles::list(pool, GUILD, true, &PageQuery::default()).await.unwrap().items
}

async fn report(pool: &PgPool, version: i64, error: Option<&str>) -> RoleReportTaken {
    let outcome = RoleOutcome { user_id: ADA, role_id: RED, version, error: error.map(Into::into) };
    roles::report(pool, GUILD, &RoleReport { outcomes: vec![outcome] }).await.unwrap()
}

async fn announced(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM jobs.outbox WHERE event_type = 'member.role'")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_role_stays_while_one_cause_is_left() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    assert_eq!(set(pool, "squad", false).await, 0, "nobody had it");
    assert_eq!(set(pool, "squad", true).await, 1);
    assert_eq!(set(pool, "squad", true).await, 0, "said again, it changes nothing");
    assert_eq!(set(pool, "economy", true).await, 0, "they have it already");
    assert_eq!(set(pool, "squad", false).await, 0, "the other cause is left");
    let role = &pending(pool).await[0];
    assert_eq!((role.wanted, role.causes.as_slice()), (true, ["economy".to_owned()].as_slice()));
    assert_eq!(set(pool, "economy", false).await, 1);
    let role = &pending(pool).await[0];
    assert_eq!((role.wanted, role.causes.len()), (false, 0));
    assert_eq!(announced(pool).await, 2);
}

#[tokio::test]
async fn causes_that_come_at_once_are_all_kept() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let causes: Vec<String> = (0..8).map(|n| format!("cause {n}")).collect();
    let changed: u64 = join_all(causes.iter().map(|cause| set(pool, cause, true))).await.into_iter().sum();
    assert_eq!(changed, 1, "the first gives it, the others find it given");
    assert_eq!(pending(pool).await[0].causes.len(), 8);
    let changed: u64 = join_all(causes.iter().map(|cause| set(pool, cause, false))).await.into_iter().sum();
    assert_eq!(changed, 1, "the last takes it away");
}

#[tokio::test]
async fn only_the_last_version_can_be_confirmed() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    set(pool, "squad", true).await;
    let first = pending(pool).await[0].version;
    set(pool, "squad", false).await;
    assert_eq!(report(pool, first, None).await, RoleReportTaken { confirmed: 0, failed: 0, outdated: 1 });
    let last = pending(pool).await[0].version;
    assert_eq!(report(pool, last, Some("Missing Permissions")).await.failed, 1);
    assert_eq!(pending(pool).await[0].last_error.as_deref(), Some("Missing Permissions"));
    assert_eq!(report(pool, last, None).await.confirmed, 1);
    assert_eq!(report(pool, last, None).await.outdated, 1, "repeated");
    assert!(pending(pool).await.is_empty());
    let other = RoleOutcome { user_id: ADA, role_id: RED, version: last, error: None };
    let taken = roles::report(pool, GuildId::new(2), &RoleReport { outcomes: vec![other] }).await.unwrap();
    assert_eq!(taken.outdated, 1, "another guild's are not to be reported");
}

#[tokio::test]
async fn what_is_not_confirmed_is_announced_ever_more_seldom() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    set(pool, "squad", true).await;
    let run = async || {
        let mut tx = pool.begin().await.unwrap();
        let result = roles::announce_again(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        result["announced"].as_i64().unwrap()
    };
    assert_eq!(run().await, 0, "the first minute is not over");
    for attempt in 1..=12 {
        sqlx::query("UPDATE people.member_roles SET next_attempt_at = now()").execute(pool).await.unwrap();
        assert_eq!(run().await, 1);
        let (attempts, minutes): (i32, f64) = sqlx::query_as(
            "SELECT attempts, (extract(epoch FROM next_attempt_at - updated_at) / 60)::float8
               FROM people.member_roles",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        assert_eq!(attempts, attempt);
        let expected = 2f64.powi(attempt).min(1440.0);
        assert!((minutes - expected).abs() < 0.5, "{minutes} minutes after attempt {attempt}");
    }
    let version = pending(pool).await[0].version;
    report(pool, version, None).await;
    sqlx::query("UPDATE people.member_roles SET next_attempt_at = now()").execute(pool).await.unwrap();
    assert_eq!(run().await, 0, "confirmed");
}

#[tokio::test]
async fn what_discord_really_has_reopens_what_came_apart() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    set(pool, "squad", true).await;
    let blue = RoleId::new(71);
    let hand_made = RoleId::new(72);
    let observe = async |held: &[RoleId]| {
        let mut tx = pool.begin().await.unwrap();
        let changed = roles::observe(&mut tx, GUILD, ADA, held, &[RED, blue]).await.unwrap();
        tx.commit().await.unwrap();
        changed
    };
    assert_eq!(observe(&[RED, hand_made]).await, 0, "as it ought to be: that confirms it");
    assert!(pending(pool).await.is_empty());
    assert_eq!(observe(&[hand_made]).await, 1, "somebody took it away by hand");
    assert_eq!(pending(pool).await[0].role_id, RED);
    assert_eq!(observe(&[RED, blue]).await, 1, "somebody gave the other squad's role by hand");
    let open = pending(pool).await;
    assert_eq!((open.len(), open[0].role_id, open[0].wanted), (1, blue, false));
    assert_eq!(observe(&[RED]).await, 0);
    assert!(pending(pool).await.is_empty());
}
