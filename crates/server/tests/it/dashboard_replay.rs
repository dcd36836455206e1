//! A leaderboard is gone through instant by instant, and what a frozen one hides is hidden at each.

use access::Role;
use axum::http::StatusCode;

use crate::dashboard::Browser;
use crate::guilds::Guild;
use crate::house::House;
use crate::streams::{GUILD, solve};

/// When somebody solved something, as addresses have it.
async fn solved_at(house: &House, user: i64) -> String {
    sqlx::query_scalar(
        r#"SELECT to_char(max(submission_timestamp) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
             FROM challenges.challenge_submissions WHERE participant_id = $1"#,
    )
    .bind(user.to_string())
    .fetch_one(house.database.pool())
    .await
    .unwrap()
}

/// Names in the order of a page's rows.
fn order(page: &str) -> Vec<(String, String)> {
    let attribute = |row: &str, name: &str| {
        row.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    page.split("<tr ")
        .skip(1)
        .filter(|row| row.starts_with("data-participant"))
        .map(|row| (attribute(row, "data-rank"), attribute(row, "data-name")))
        .collect()
}

fn of(rows: [(&str, &str); 2]) -> Vec<(String, String)> {
    rows.map(|(rank, name)| (rank.to_owned(), name.to_owned())).into()
}

#[tokio::test]
async fn a_leaderboard_is_replayed_instant_by_instant() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    solve(&house, &guild, 12).await;
    solve(&house, &guild, 11).await;
    // The second part of the story: who was first bought a hint that cost them their place.
    sqlx::query(
        "INSERT INTO challenges.hint_unlocks (guild_id, hint_id, campaign_id, participant_id, unlocked_by, cost_bytes, penalty)
         SELECT guild_id, id, $2::uuid, '12', 12, 0, 50 FROM challenges.challenge_hints WHERE guild_id = $1 LIMIT 1",
    )
    .bind(GUILD)
    .bind(&guild.ids["campaign_id"])
    .execute(house.database.pool())
    .await
    .unwrap();
    let replay = format!("/g/{GUILD}/campaigns/{}/replay", guild.ids["campaign_id"]);
    let mut member = Browser::signed_in(&house, GUILD, 31, Role::Member).await;
    let whole = member.page(&replay).await;
    for told in ["member 12 enters as 1st", "member 11 enters as 2nd", "member 12 falls to 2nd"] {
        assert!(whole.contains(told), "{told}: {whole}");
    }
    assert_eq!(whole.matches("aria-current=\"true\"").count(), 1, "{whole}");
    assert_eq!(order(&whole), of([("1", "member 11"), ("2", "member 12")]));
    let (first, second) = (solved_at(&house, 12).await, solved_at(&house, 11).await);
    let rows = async |member: &mut Browser<'_>, at: &str| {
        let page = order(&member.page(&format!("{replay}?at={at}")).await);
        let alone = member.get(&format!("{replay}/rows?at={at}")).await;
        assert_eq!((alone.status, order(&alone.text)), (StatusCode::OK, page.clone()), "{at}");
        page
    };
    assert_eq!(rows(&mut member, "2000-01-01T00:00:00Z").await, of([("1", "member 11"), ("1", "member 12")]));
    assert_eq!(rows(&mut member, &first).await, of([("1", "member 12"), ("2", "member 11")]));
    assert_eq!(rows(&mut member, &second).await, of([("1", "member 12"), ("2", "member 11")]));
    assert_eq!(member.get(&format!("{replay}?at=yesterday")).await.status, StatusCode::BAD_REQUEST);
    // The links are of the moments.
    assert!(whole.contains(&format!("?at={first}")) && whole.contains(&format!("?at={second}")), "{whole}");
    let api = format!("/api/v1/guilds/{GUILD}/campaigns/{}/leaderboard/race", guild.ids["campaign_id"]);
    let race = house.get(&api, &guild.key).await.json();
    let lines = race["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["display_name"] == "member 12").unwrap();
    assert_eq!(
        (line["moments"][0]["points"].as_i64(), line["moments"][1]["points"].as_i64()),
        (Some(100), Some(50)),
        "{race}"
    );
    let one = house.get(&format!("{api}?limit=1"), &guild.key).await.json();
    assert_eq!(one["lines"].as_array().unwrap().len(), 1);
    for limit in ["0", "21", "x"] {
        assert_eq!(
            house.get(&format!("{api}?limit={limit}"), &guild.key).await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn a_replay_tells_nothing_that_a_frozen_scoreboard_hides() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    sqlx::query("UPDATE campaigns.campaigns SET freeze_minutes = 60 * 24 + 1")
        .execute(house.database.pool())
        .await
        .unwrap();
    solve(&house, &guild, 12).await;
    let replay = format!("/g/{GUILD}/campaigns/{}/replay", guild.ids["campaign_id"]);
    let mut member = Browser::signed_in(&house, GUILD, 31, Role::Member).await;
    let page = member.page(&replay).await;
    assert!(page.contains("The scoreboard is frozen") && page.contains("nothing to replay"), "{page}");
    let at = solved_at(&house, 12).await;
    let rows = member.get(&format!("{replay}/rows?at={at}")).await;
    assert_eq!(order(&rows.text), of([("1", "member 11"), ("1", "member 12")]), "{rows:?}");
    let mut author = Browser::signed_in(&house, GUILD, 32, Role::Author).await;
    assert!(author.page(&replay).await.contains("member 12 enters as 1st"));
}
