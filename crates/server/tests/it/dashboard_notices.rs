//! What happened for a member is told to them, and counted until they have read it.

use access::Role;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use jobs::outbox::{Audience, event_type};
use serde_json::{Value, json};

use crate::dashboard::Browser;
use crate::guilds::Guild;
use crate::house::{House, ask};
use crate::streams::GUILD;

/// A name that a slice no longer declares would never be shown.
#[test]
fn all_that_is_told_is_declared_and_names_a_member() {
    assert!(!server::openapi().paths.paths.is_empty());
    for name in people::notices::TYPES {
        let declared = event_type(name).unwrap_or_else(|| panic!("{name} is not declared"));
        let names = declared.fields.iter().any(|field| field.name == "user_id");
        assert!(names || declared.audience == Audience::Member, "{name}");
        assert_ne!(declared.audience, Audience::Admins, "{name}");
    }
}

async fn notices(house: &House, guild: &Guild, user: i64, rest: &str) -> Value {
    let path = format!("/api/v1/guilds/{GUILD}/notifications{rest}");
    let request = ask(Method::GET, &path, &guild.key).header("questhall-user", user);
    let answer = house.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

async fn seen(house: &House, guild: &Guild, user: i64, up_to: &str) -> StatusCode {
    let path = format!("/api/v1/guilds/{GUILD}/notifications/seen");
    let request = ask(Method::POST, &path, &guild.key)
        .header("questhall-user", user)
        .header("content-type", "application/json");
    house.send(request.body(Body::from(json!({ "up_to": up_to }).to_string())).unwrap()).await.status
}

fn types(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["event_type"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_happened_for_a_member_is_told_and_counted_until_they_read_it() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    let award = json!({ "user_ids": ["12"], "xp": 500, "reason": "For the <roof>." });
    house.made(&format!("/api/v1/guilds/{GUILD}/awards"), &guild.key, &award).await;
    let all = notices(&house, &guild, 12, "").await;
    let told = types(&all);
    assert!(
        told.contains(&"member.awarded".to_owned()) && told.contains(&"member.levelled_up".to_owned()),
        "{all}"
    );
    // Whom others' are about, and what they did themselves, is not among them.
    assert!(
        !told.iter().any(|kind| kind.starts_with("moderation.") || kind == "learning.attempt_begun"),
        "{all}"
    );
    let unread = all["unread"].as_i64().unwrap();
    assert_eq!(unread, i64::try_from(told.len()).unwrap());
    let of_other = types(&notices(&house, &guild, 11, "").await);
    assert!(of_other.contains(&"moderation.sanctioned".to_owned()), "{of_other:?}");
    // Page by page it is the same.
    let mut paged = Vec::new();
    let mut next = String::new();
    loop {
        let page = notices(&house, &guild, 12, &format!("?limit=1{next}")).await;
        paged.extend(types(&page));
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(paged, told);
    let mut member = Browser::signed_in(&house, GUILD, 12, Role::Member).await;
    let path = format!("/g/{GUILD}/notifications");
    let page = member.page(&path).await;
    assert!(page.contains("You were awarded something: <q>For the &lt;roof&gt;.</q>"), "{page}");
    assert!(page.contains("+500 XP") && page.contains(&format!("Notifications, {unread} new")), "{page}");
    // What is read is counted no more, once nothing can come in between.
    let mut left = unread;
    for _ in 0..1_000 {
        let said = member.submit(&page, &format!("{path}/seen"), &[]).await;
        assert_eq!(said.status, StatusCode::SEE_OTHER, "{said:?}");
        let newest = all["items"][0]["id"].as_str().unwrap();
        assert_eq!(seen(&house, &guild, 12, newest).await, StatusCode::NO_CONTENT);
        left = notices(&house, &guild, 12, "").await["unread"].as_i64().unwrap();
        if left == 0 {
            break;
        }
    }
    assert_eq!(left, 0);
    let page = member.page(&path).await;
    assert!(!page.contains(">New<") && !page.contains(" new</span>"), "{page}");
    // It never goes back, and what is new is new.
    assert_eq!(seen(&house, &guild, 12, "0-0").await, StatusCode::NO_CONTENT);
    assert_eq!(notices(&house, &guild, 12, "").await["unread"], 0);
    let far = format!("{}-{}", u64::MAX, i64::MAX);
    assert_eq!(seen(&house, &guild, 12, &far).await, StatusCode::NO_CONTENT);
    let award = json!({ "user_ids": ["12"], "gold": 5, "reason": "For the door." });
    house.made(&format!("/api/v1/guilds/{GUILD}/awards"), &guild.key, &award).await;
    let after = notices(&house, &guild, 12, "").await;
    assert_eq!((after["unread"].as_i64(), &after["items"][0]["unread"]), (Some(1), &json!(true)), "{after}");
    for wrong in ["", "x", "1", "1-", "-1-1", "99999999999999999999999-1"] {
        assert_eq!(seen(&house, &guild, 12, wrong).await, StatusCode::BAD_REQUEST, "{wrong}");
    }
}
