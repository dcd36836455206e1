//! Members are made on first sight, once.

use access::{Author, By, Origin};
use db::testing::TestDatabase;
use futures::future::join_all;
use kernel::{GuildId, UserId};
use people::heading::guild_make;
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

/// `people.users` holds what people told of themselves. Whoever read it beside the guild's own words would show it where they are no
/// members; so names are asked of `people.known_as`.
#[test]
fn nobody_shows_a_name_past_the_one_place_that_knows_whose_it_is() {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    // Signing in writes it, forgetting takes it away.
    let allowed = ["access/src/sign_in/oauth.rs", "access/src/sign_in/links.rs", "people/src/privacy.rs"]
        .map(|path| crates.join(path));
    let (mut folders, mut past, mut read) = (Vec::new(), Vec::new(), 0);
    folders.extend(std::fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path().join("src")));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !allowed.contains(&path) {
                let text = std::fs::read_to_string(&path).unwrap();
                read += 1;
                if ["discord_name", "discord_avatar_hash"].iter().any(|column| text.contains(column)) {
                    past.push(path);
                }
            }
        }
    }
    assert!(read > 100, "{read} files");
    assert_eq!(past, Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn of_many_who_make_a_guild_known_at_once_one_does() {
    let database = TestDatabase::new().await;
    let (pool, guild) = (database.pool(), GuildId::new(77));
    let races = (0..8).map(|n| async move {
        guild_make(pool, guild, &format!("Hall {n}"), Author::new(By::System, &Origin::default())).await
    });
    let made = join_all(races).await.into_iter().flatten().count();
    let told: i64 = sqlx::query_scalar("SELECT count(*) FROM access.admin_log WHERE action_type = 'CREATE'")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!((made, told), (1, 1));
}
