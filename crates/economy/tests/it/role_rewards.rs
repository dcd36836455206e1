//! Role rewards against a real database: thresholds crossed, rules changed, grants made up for.

use access::{By, Origin};
use db::testing::TestDatabase;
use economy::model::{AwardKind, AwardRequest, ConfigEdit};
use economy::{ops, role_rewards};
use futures::future::join_all;
use kernel::{Bytes, GuildId, PageQuery, RoleId, UserId};
use people::roles::Span;
use people::{members_ensure, roles};
use sqlx::PgPool;

const GUILD: GuildId = GuildId::new(1);

async fn guild() -> TestDatabase {
    let database = TestDatabase::new().await;
    let named: Vec<_> = (7..=9).map(|user| (UserId::new(user), None)).collect();
    members_ensure(&mut database.pool().acquire().await.unwrap(), GUILD, &named).await.unwrap();
    database
}

async fn rewards(pool: &PgPool, rewards: &[(i64, i64)]) {
    let rewards = rewards.iter().map(|(role, threshold)| (RoleId::new(*role), *threshold)).collect();
    let edit = ConfigEdit { role_rewards: Some(rewards), ..ConfigEdit::default() };
    ops::config_put(pool, GUILD, &edit, By::Cli, &Origin::default()).await.unwrap();
}

async fn award(pool: &PgPool, user: i64, amount: i64) {
    let request = AwardRequest {
        user_id: UserId::new(user),
        amount: Bytes::new(amount),
        kind: AwardKind::Award,
        reason: None,
    };
    ops::award(pool, GUILD, &request, By::Cli, &Origin::default()).await.unwrap();
}

/// Who is to have which role, by what Discord is to be told.
async fn wanted(pool: &PgPool) -> Vec<(i64, i64)> {
    let page = roles::list(pool, GUILD, true, &PageQuery::default()).await.unwrap();
    page.items
        .iter()
        .filter(|role| role.wanted)
        .map(|role| (role.user_id.get(), role.role_id.get()))
        .collect()
}

async fn events(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM jobs.outbox WHERE event_type = 'role_reward.granted'")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn whoever_crosses_a_threshold_is_granted_the_role_once() {
    let database = guild().await;
    let pool = database.pool();
    rewards(pool, &[(70, 150), (71, 1000), (72, 100)]).await;
    award(pool, 7, 49).await;
    assert_eq!(wanted(pool).await, [(7, 72)], "the starting balance brings the first; 149 are not 150");
    let races = join_all((0..8).map(|_| award(pool, 7, 1))).await;
    assert_eq!(races.len(), 8);
    assert_eq!(wanted(pool).await, [(7, 70), (7, 72)]);
    assert_eq!(events(pool).await, 2);
    award(pool, 7, 2000).await;
    assert_eq!(wanted(pool).await, [(7, 70), (7, 71), (7, 72)]);
    let (grants, wishes) =
        role_rewards::reconcile(&mut pool.acquire().await.unwrap(), &Span::of(None)).await.unwrap();
    assert_eq!((grants, wishes), (0, 0), "nothing is left to make up for");
}

#[tokio::test]
async fn changed_rules_give_what_is_due_and_take_nothing() {
    let database = guild().await;
    let pool = database.pool();
    award(pool, 7, 200).await;
    award(pool, 8, 5).await;
    rewards(pool, &[(70, 300)]).await;
    assert_eq!(wanted(pool).await, [(7, 70)], "received before there was a reward");
    rewards(pool, &[(70, 5000), (71, 105)]).await;
    assert_eq!(wanted(pool).await, [(7, 70), (7, 71), (8, 71)]);
    rewards(pool, &[]).await;
    assert_eq!(wanted(pool).await.len(), 3, "what was granted stays");
    assert_eq!(events(pool).await, 3);
}

#[tokio::test]
async fn a_wish_that_went_missing_comes_back_and_other_guilds_are_left_alone() {
    let database = guild().await;
    let pool = database.pool();
    rewards(pool, &[(70, 100)]).await;
    award(pool, 7, 1).await;
    sqlx::query("DELETE FROM people.member_roles").execute(pool).await.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(role_rewards::reconcile(&mut conn, &Span::of(Some(GuildId::new(2)))).await.unwrap(), (0, 0));
    assert_eq!(role_rewards::reconcile(&mut conn, &Span::of(Some(GUILD))).await.unwrap(), (0, 1));
    drop(conn);
    assert_eq!(wanted(pool).await, [(7, 70)]);
    assert_eq!(events(pool).await, 1, "told once");
}

/// What the job would do, run by run: it remembers how far it has come.
#[tokio::test]
async fn members_are_gone_over_a_part_at_a_time() {
    let database = guild().await;
    let pool = database.pool();
    rewards(pool, &[(70, 100)]).await;
    sqlx::raw_sql(
        "INSERT INTO people.users (id) SELECT n FROM generate_series(1001, 21000) n;
         INSERT INTO people.members (guild_id, user_id) SELECT 1, n FROM generate_series(1001, 21000) n;
         INSERT INTO jobs.schedules (name, cron, next_run_at) VALUES ('test.walk', '* * * * *', now())",
    )
    .execute(pool)
    .await
    .unwrap();
    let mut conn = pool.acquire().await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let span = Span::next(&mut conn, "test.walk").await.unwrap();
        seen.push((span.after.1, span.until.1));
        sqlx::query("UPDATE jobs.schedules SET last_result = jsonb_build_object('until', $1::text)")
            .bind(span.mark())
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    // Three members of the guild are there beside them.
    assert_eq!(seen, [(0, 10_997), (10_997, 20_997), (20_997, i64::MAX), (0, 10_997)]);
    sqlx::query("UPDATE economy.bytes_configs SET role_rewards = '{\"71\": 1}'")
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO economy.bytes_balances (guild_id, user_id, total_received) SELECT 1, user_id, 5 FROM people.members
         ON CONFLICT DO NOTHING",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let part = Span { after: (1, 20_997), until: (i64::MAX, i64::MAX) };
    assert_eq!(
        role_rewards::reconcile(&mut conn, &part).await.unwrap(),
        (3, 0),
        "those three, and nobody else"
    );
}
