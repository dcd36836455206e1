//! While a scoreboard is frozen, pages stand still for members: of what others solve they show nothing, wherever it could be seen.

use access::Role;

use crate::dashboard::Browser;
use crate::guilds::Guild;
use crate::house::House;
use crate::streams::{GUILD, solve};

/// What somebody reads on a page: without its tags, in which tokens and times change from one request to the next.
fn read(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<') {
        let (tag, rest) = part.split_once('>').unwrap_or(("", part));
        if !["script", "style", "time", "title"].iter().any(|name| tag.starts_with(name)) {
            text.push_str(rest);
            text.push(' ');
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn pages_of_a_frozen_campaign_stand_still_for_members() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    solve(&house, &guild, 11).await;
    sqlx::query("UPDATE campaigns.campaigns SET freeze_minutes = 60 * 24 + 1")
        .execute(house.database.pool())
        .await
        .unwrap();
    let campaign = format!("/g/{GUILD}/campaigns/{}", guild.ids["campaign_id"]);
    let challenge = format!("{campaign}/challenges/{}", guild.ids["challenge_id"]);
    let pages = [
        format!("/g/{GUILD}"),
        format!("/g/{GUILD}/campaigns"),
        campaign.clone(),
        format!("{campaign}/standings"),
        challenge.clone(),
        format!("{challenge}/solvers"),
    ];
    let mut member = Browser::signed_in(&house, GUILD, 31, Role::Member).await;
    let mut before = Vec::new();
    for page in &pages {
        before.push(read(&member.get(page).await.text));
    }
    // It was frozen before anybody solved anything.
    assert!(before[3].contains("The scoreboard is frozen"), "{}", before[3]);
    solve(&house, &guild, 12).await;
    for (page, before) in pages.iter().zip(before) {
        let answer = member.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert_eq!(read(&answer.text), before, "{page}");
    }
    // Who runs the campaign sees on.
    let mut author = Browser::signed_in(&house, GUILD, 32, Role::Author).await;
    let shown = read(&author.get(&format!("{campaign}/standings")).await.text);
    assert!(shown.contains("99"), "{shown}");
}
