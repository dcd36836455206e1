//! Grants: each cause once, each level paid once.

use db::testing::TestDatabase;
use futures::future::join_all;
use kernel::{Gold, GuildId, UserId, Xp};
use people::{member_get, members_ensure};
use progress::Error;
use progress::figures::{Figure, Holding};
use progress::{Event, Grant, Granted, grant};
use serde_json::json;
use sqlx::PgPool;

const GUILD: GuildId = GuildId::new(1);
const ADA: UserId = UserId::new(7);

fn xp(user: UserId, cause: &str, amount: i64) -> Grant {
    Grant {
        guild_id: GUILD,
        user_id: user,
        xp: Xp::new(amount),
        gold: Gold::ZERO,
        stars: 0,
        event_type: Event::CampaignReward,
        source_system: "campaigns".into(),
        source_event_id: cause.into(),
        metadata: json!({}),
    }
}

async fn commit(pool: &PgPool, grants: &[Grant]) -> Result<Granted, Error> {
    db::retry(|| async {
        let mut tx = pool.begin().await?;
        let granted = grant(&mut tx, grants).await?;
        tx.commit().await?;
        Ok(granted)
    })
    .await
}

/// XP, level and gold of a member.
async fn figures(pool: &PgPool, user: UserId) -> (i64, i32, i64) {
    let member = member_get(&mut pool.acquire().await.unwrap(), GUILD, user).await.unwrap().unwrap();
    (member.xp.get(), member.level, member.gold.get())
}

async fn with_members(users: &[UserId]) -> TestDatabase {
    let database = TestDatabase::new().await;
    let named: Vec<_> = users.iter().map(|user| (*user, None)).collect();
    members_ensure(&mut database.pool().acquire().await.unwrap(), GUILD, &named).await.unwrap();
    database
}

async fn assert_sound(pool: &PgPool) {
    assert_eq!(progress::audit::drift(&mut pool.acquire().await.unwrap()).await.unwrap(), []);
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_level_up_pays_once_however_often_it_is_reached() {
    let database = with_members(&[ADA]).await;
    let pool = database.pool();
    let up = commit(pool, &[xp(ADA, "a", 157)]).await.unwrap();
    assert_eq!((up.level_ups[0].level, up.level_ups[0].gold.get()), (2, 50));
    assert_eq!(figures(pool, ADA).await, (157, 2, 50));

    // Taken back and earned again.
    assert!(commit(pool, &[xp(ADA, "b", -100)]).await.unwrap().level_ups.is_empty());
    assert_eq!(figures(pool, ADA).await, (57, 1, 50));
    assert!(commit(pool, &[xp(ADA, "c", 100)]).await.unwrap().level_ups.is_empty());
    assert_eq!(figures(pool, ADA).await, (157, 2, 50));

    // Several levels at once: one announcement, each paid and journaled.
    let up = commit(pool, &[xp(ADA, "d", 800)]).await.unwrap();
    assert_eq!((up.level_ups.len(), up.level_ups[0].level, up.level_ups[0].gold.get()), (1, 10, 400));
    assert_eq!(figures(pool, ADA).await, (957, 10, 450));
    let levels =
        "SELECT count(*) FROM progress.activity_log WHERE event_type = 'LEVEL_UP' AND gold_delta = 50";
    assert_eq!(count(pool, levels).await, 9);
    let told = "SELECT count(*) FROM jobs.outbox WHERE event_type = 'member.levelled_up'";
    assert_eq!(count(pool, told).await, 2);
    assert_sound(pool).await;
}

#[tokio::test]
async fn a_cause_counts_once_however_many_report_it() {
    let database = with_members(&[ADA]).await;
    let pool = database.pool();
    let races = join_all((0..16).map(|_| async { commit(pool, &[xp(ADA, "a", 200)]).await.unwrap() })).await;
    assert_eq!(races.iter().filter(|granted| granted.fresh == [true]).count(), 1);
    assert_eq!(races.iter().flat_map(|granted| &granted.level_ups).count(), 1);
    let batch = commit(pool, &[xp(ADA, "b", 1), xp(ADA, "a", 1), xp(ADA, "b", 1)]).await.unwrap();
    assert_eq!(batch.fresh, [true, false, false]);
    assert_eq!(figures(pool, ADA).await, (201, 3, 100));
    assert_sound(pool).await;
}

#[tokio::test]
async fn racing_batches_over_the_same_members_lose_nothing() {
    let members: Vec<UserId> = (1..=20).map(UserId::new).collect();
    let database = with_members(&members).await;
    let pool = database.pool();
    let races = (0..24usize).map(|n| {
        // Each in another order, so that only our own ordering keeps them from a deadlock.
        let mut batch: Vec<Grant> =
            members.iter().map(|user| xp(*user, &format!("{n}:{user}"), 10)).collect();
        batch.rotate_left(n % 20);
        if n % 2 == 0 {
            batch.reverse();
        }
        async move {
            let mut tx = pool.begin().await.unwrap();
            let granted = grant(&mut tx, &batch).await.unwrap();
            tx.commit().await.unwrap();
            assert!(granted.fresh.iter().all(|fresh| *fresh));
        }
    });
    join_all(races).await;
    for user in members {
        assert_eq!(figures(pool, user).await, (240, 3, 100));
    }
    assert_sound(pool).await;
}

#[tokio::test]
async fn gold_is_not_overspent_and_strangers_get_nothing() {
    let database = with_members(&[ADA]).await;
    let pool = database.pool();
    let mut purchase = xp(ADA, "a", 0);
    purchase.gold = Gold::new(-1);
    let refused = commit(pool, &[purchase]).await.unwrap_err();
    assert!(matches!(refused, Error::OutOfRange("gold")), "{refused}");
    let refused = commit(pool, &[xp(ADA, "a", -1)]).await.unwrap_err();
    assert!(matches!(refused, Error::OutOfRange("XP")), "{refused}");
    let refused = commit(pool, &[xp(UserId::new(8), "b", 1)]).await.unwrap_err();
    assert!(matches!(refused, Error::GrantToStranger(_)), "{refused}");
    let refused = commit(pool, &[xp(ADA, "c", i64::MAX)]).await.unwrap_err();
    assert!(matches!(refused, Error::OutOfRange("XP")), "{refused}");
    // The causes were rolled back with it: they still count once.
    assert_eq!(commit(pool, &[xp(ADA, "a", 5)]).await.unwrap().fresh, [true]);
    assert_sound(pool).await;
}

#[tokio::test]
async fn the_rank_is_exact_before_and_after_the_histogram_is_folded() {
    let members: Vec<UserId> = (1..=30).map(UserId::new).collect();
    let database = with_members(&members).await;
    let pool = database.pool();
    let grants: Vec<Grant> =
        members.iter().map(|u| xp(*u, &u.to_string(), (u.get() / 2) * 1000 + 500)).collect();
    commit(pool, &grants).await.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    for folded in [false, true] {
        if folded {
            sqlx::query("SELECT progress.xp_histogram_fold()").execute(&mut *conn).await.unwrap();
        }
        for user in &members {
            let (own, ..) = figures(pool, *user).await;
            let better = grants.iter().filter(|g| g.xp.get() > own).count();
            let rank = progress::profile::xp_rank(&mut conn, GUILD, own).await.unwrap();
            assert_eq!(rank, i64::try_from(better).unwrap() + 1, "{user}, folded: {folded}");
        }
    }
}

#[tokio::test]
async fn the_audit_finds_a_member_that_somebody_touched() {
    let database = with_members(&[ADA]).await;
    let pool = database.pool();
    commit(pool, &[xp(ADA, "a", 10)]).await.unwrap();
    sqlx::query("UPDATE people.members SET xp = 200, gold = 3").execute(pool).await.unwrap();
    let drift = progress::audit::drift(&mut pool.acquire().await.unwrap()).await.unwrap();
    let found: Vec<_> = drift.iter().map(|d| (d.figure, d.stored, d.derived)).collect();
    let held = Figure::Held;
    assert_eq!(found, [(held(Holding::Xp), 200, 10), (held(Holding::Gold), 3, 0)]);
}
