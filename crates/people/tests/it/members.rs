//! Members are made on first sight, once.

use db::testing::TestDatabase;
use futures::future::join_all;
use kernel::UserId;
use people::testing::{ADA, GUILD};
use people::{member_ensure, member_get, members_ensure};

#[tokio::test]
async fn somebody_seen_by_many_at_once_is_one_person_and_one_member() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let races = (0..16i64).map(|n| async move {
        let others = [(UserId::new(9 - n % 3), None), (ADA, Some("Ada"))];
        members_ensure(&mut pool.acquire().await.unwrap(), GUILD, &others).await
    });
    for result in join_all(races).await {
        result.unwrap();
    }
    let members: i64 =
        sqlx::query_scalar("SELECT count(*) FROM people.members").fetch_one(pool).await.unwrap();
    assert_eq!(members, 3);
    let ada = member_get(&mut pool.acquire().await.unwrap(), GUILD, ADA).await.unwrap().unwrap();
    assert_eq!((ada.name.as_str(), ada.level, ada.xp.get()), ("Ada", 1, 0));
}

#[tokio::test]
async fn a_name_replaces_the_placeholder_and_nothing_else() {
    let database = TestDatabase::new().await;
    let mut conn = database.pool().acquire().await.unwrap();
    for (given, shown) in [(None, "7"), (Some("Ada"), "Ada"), (Some("Eve"), "Ada"), (None, "Ada")] {
        member_ensure(&mut conn, GUILD, ADA, given).await.unwrap();
        let ada = member_get(&mut conn, GUILD, ADA).await.unwrap().unwrap();
        assert_eq!(ada.name, shown, "after {given:?}");
    }
}
