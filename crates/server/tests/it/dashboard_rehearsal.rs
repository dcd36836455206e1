//! A campaign is gone through on paper before it is published.

use access::Role;
use axum::http::StatusCode;
use serde_json::json;

use crate::dashboard::Browser;
use crate::guilds::{Guild, rows_of};
use crate::house::House;
use crate::streams::GUILD;

#[tokio::test]
async fn a_draft_is_gone_through_on_paper() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    let api = format!("/api/v1/guilds/{GUILD}");
    let script = "import json\nprint(json.dumps({'input': 'x', 'result': 'y'}))\n";
    let challenge = |slug: &str, title: &str| json!({ "slug": slug, "title": title, "description": "…", "generation_script": script });
    let bundle = json!({
        "campaign": { "name": "Winter", "campaign_type": "player", "duration_hours": 2, "release_delay_minutes": 90,
            "rewards": [{ "from": 2, "to": 3, "bytes": 5 }] },
        "challenges": [challenge("one", "The <first>"), challenge("two", "The second"), challenge("three", "The third")],
    });
    let made = house.made(&format!("{api}/campaigns/import?unchecked=true"), &guild.key, &bundle).await;
    let id = made["id"].as_str().unwrap();
    let before = rows_of(&house, GUILD).await;
    let told = house.get(&format!("{api}/campaigns/{id}/rehearsal"), &guild.key).await.json();
    let kinds: Vec<&str> =
        told["moments"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["start", "release", "release", "close", "rewards_open", "reminder", "expire"],
        "{told}"
    );
    let mut staff = Browser::signed_in(&house, GUILD, 31, Role::Owner).await;
    let page = staff.page(&format!("/g/{GUILD}/staff/campaigns/{id}/rehearsal")).await;
    for part in [
        "as if it started now",
        "“The &lt;first&gt;” can be solved.",
        "“The third” is never released",
        "Rank 1 gets nothing, while rank 2 does.",
        "1 of 3 challenges, and live standings, by parts solved and time.",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let after = rows_of(&house, GUILD).await;
    for (table, rows) in
        before.iter().filter(|(table, _)| table.starts_with("campaigns.") || table.starts_with("challenges."))
    {
        assert_eq!(after.get(table), Some(rows), "{table}");
    }
    // It is for who may edit it.
    let mut member = Browser::signed_in(&house, GUILD, 32, Role::Member).await;
    let refused = member.get(&format!("/g/{GUILD}/staff/campaigns/{id}/rehearsal")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let nowhere = format!("{api}/campaigns/00000000-0000-0000-0000-000000000000/rehearsal");
    assert_eq!(house.get(&nowhere, &guild.key).await.status, StatusCode::NOT_FOUND);
}
