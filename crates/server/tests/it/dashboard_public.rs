//! What the world may see of a guild: nothing, unless the guild opens it; and then nothing of what members do not see either.

use access::settings::settings_change;
use access::{By, Origin};
use axum::http::StatusCode;
use kernel::{GuildId, UserId};
use serde_json::{Map, Value, json};

use crate::dashboard::Browser;
use crate::guilds::Guild;
use crate::house::{Answer, House};

const GUILD: i64 = 175_928_847_299_117_063;
const USER: i64 = 11;

async fn open(house: &House, campaigns: bool, leaderboards: bool) {
    let values: Map<String, Value> = Map::from_iter([
        ("public.campaigns".to_owned(), json!(campaigns)),
        ("public.leaderboards".to_owned(), json!(leaderboards)),
    ]);
    let mut tx = house.database.pool().begin().await.unwrap();
    let registry = server::settings_registry();
    let guild = Some(GuildId::new(GUILD));
    settings_change(&mut tx, &registry, By::Cli, &Origin::default(), guild, &values).await.unwrap();
    tx.commit().await.unwrap();
}

async fn world(house: &House, path: &str) -> Answer {
    Browser::new(house).get(path).await
}

/// A page that everybody finds, the same for all.
async fn seen(house: &House, path: &str) -> String {
    let answer = world(house, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    assert!(answer.header("cache-control").starts_with("public"), "{path}: {answer:?}");
    assert!(!answer.header("vary").to_lowercase().contains("cookie"), "{path}: {answer:?}");
    for secret in ["json.dumps", "Look closer.", "sesame", "generation_script", "_csrf"] {
        assert!(!answer.text.contains(secret), "{path} tells {secret}");
    }
    answer.text
}

#[tokio::test]
async fn nothing_is_shown_that_the_guild_has_not_opened() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let home = format!("/p/{GUILD}");
    let campaign = format!("{home}/campaigns/{}", guild.ids["campaign_id"]);
    let leaders = format!("{home}/leaderboard");
    let nowhere = world(&house, "/p/7").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    for path in [&home, &campaign, &leaders] {
        let answer = world(&house, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("There is nothing here"), "{path}: {answer:?}");
    }
    open(&house, true, false).await;
    assert!(seen(&house, &home).await.contains(&format!("campaign {GUILD}")));
    assert!(seen(&house, &campaign).await.contains("member 11"));
    assert_eq!(world(&house, &leaders).await.status, StatusCode::NOT_FOUND);
    open(&house, false, true).await;
    assert!(!seen(&house, &home).await.contains(&format!("campaign {GUILD}")));
    assert_eq!(world(&house, &campaign).await.status, StatusCode::NOT_FOUND);
    seen(&house, &leaders).await;
}

/// Copies of it are shared, so whoever asks gets the same.
#[tokio::test]
async fn a_public_page_is_the_same_whatever_theme_somebody_chose() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    open(&house, true, true).await;
    let home = format!("/p/{GUILD}");
    for path in
        [&home, &format!("{home}/leaderboard"), &format!("{home}/campaigns/{}", guild.ids["campaign_id"])]
    {
        let plain = seen(&house, path).await;
        let mut dark = Browser::new(&house);
        dark.cookies.insert("__Host-questhall-theme".to_owned(), "dark".to_owned());
        let theme = |page: &str| {
            page.split("data-theme=\"").nth(1).map(|rest| rest.chars().take(5).collect::<String>())
        };
        assert_eq!(theme(&dark.get(path).await.text), theme(&plain), "{path}");
    }
}

#[tokio::test]
async fn links_have_a_preview() {
    let mut settings = server::Settings::default();
    settings.http.public_url = Some("https://hall.example/".to_owned());
    let house = House::with(settings).await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    open(&house, true, true).await;
    let path = format!("/p/{GUILD}/campaigns/{}", guild.ids["campaign_id"]);
    let page = seen(&house, &path).await;
    let title = format!("<meta property=\"og:title\" content=\"campaign {GUILD}\">");
    assert!(page.contains(&title) && page.contains("og:description"), "{page}");
    for path in [path, format!("/p/{GUILD}"), format!("/p/{GUILD}/leaderboard")] {
        let page = seen(&house, &path).await;
        let image =
            format!("<meta property=\"og:image\" content=\"https://hall.example{path}/preview.png\">");
        assert!(page.contains(&image), "{path}: {page}");
        assert!(page.contains("name=\"twitter:card\" content=\"summary_large_image\""), "{path}");
        let answer = world(&house, &format!("{path}/preview.png")).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/png"), "{path}");
        assert!(answer.header("cache-control").starts_with("public"), "{path}");
        assert!(!answer.header("vary").to_lowercase().contains("cookie"), "{path}");
    }
    // Where nobody knows how the world reaches the server, no address is made up.
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    open(&house, true, true).await;
    let page = seen(&house, &format!("/p/{GUILD}")).await;
    assert!(!page.contains("og:image") && page.contains("content=\"summary\""), "{page}");
}

/// The tag of a picture, looked at anew.
async fn tag(house: &House, path: &str) -> String {
    let answer = picture(house, path, &[("cache-control", "no-cache")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {:?}", answer.headers);
    answer.header("etag").to_owned()
}

async fn picture(house: &House, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = axum::extract::Request::get(format!("{path}/preview.png"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    house.send(request.body(axum::body::Body::empty()).unwrap()).await
}

#[tokio::test]
async fn pictures_say_what_pages_say_and_no_more() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let home = format!("/p/{GUILD}");
    let campaign = format!("{home}/campaigns/{}", guild.ids["campaign_id"]);
    let leaders = format!("{home}/leaderboard");
    for path in [&home, &campaign, &leaders, &"/p/7".to_owned()] {
        assert_eq!(picture(&house, path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    open(&house, true, true).await;
    let first = tag(&house, &campaign).await;
    // Who has it already is told so, and gets no other.
    let known = picture(&house, &campaign, &[("if-none-match", &format!("\"x\", W/{first}"))]).await;
    assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(known.header("etag"), first);
    assert_eq!(picture(&house, &campaign, &[("if-none-match", "\"x\"")]).await.status, StatusCode::OK);
    // What is frozen stands still in the picture, too.
    let freeze = async |minutes: i32| {
        sqlx::query("UPDATE campaigns.campaigns SET freeze_minutes = $1")
            .bind(minutes)
            .execute(house.database.pool())
            .await
            .unwrap();
    };
    freeze(60 * 24 + 1).await;
    let frozen = tag(&house, &campaign).await;
    assert_ne!(frozen, first, "it says that it is frozen");
    crate::streams::solve(&house, &guild, USER).await;
    assert_eq!(tag(&house, &campaign).await, frozen, "somebody solved something");
    freeze(0).await;
    let thawed = tag(&house, &campaign).await;
    assert!(thawed != frozen && thawed != first, "points are shown");
    // Who left is in none.
    let gone = async |path: &String| {
        let before = tag(&house, path).await;
        sqlx::query("UPDATE people.members SET left_at = now() WHERE guild_id = $1 AND user_id = $2")
            .bind(GUILD)
            .bind(USER)
            .execute(house.database.pool())
            .await
            .unwrap();
        assert_ne!(tag(&house, path).await, before, "{path} shows who left");
        sqlx::query("UPDATE people.members SET left_at = NULL").execute(house.database.pool()).await.unwrap();
        assert_eq!(tag(&house, path).await, before, "{path}");
    };
    let award = json!({ "user_ids": [USER.to_string(), (USER + 1).to_string()], "xp": 500, "reason": "For the roof." });
    house.made(&format!("/api/v1/guilds/{GUILD}/awards"), &guild.key, &award).await;
    gone(&campaign).await;
    gone(&leaders).await;
    open(&house, false, false).await;
    for path in [&home, &campaign, &leaders] {
        let answer = picture(&house, path, &[("cache-control", "no-cache")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_credential_that_is_shown_to_others_has_a_preview() {
    let mut settings = server::Settings::default();
    settings.http.public_url = Some("https://hall.example".to_owned());
    let house = House::with(settings).await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let api = format!("/api/v1/guilds/{GUILD}");
    let achievement: i64 = guild.ids["achievement_id"].parse().unwrap();
    let grant = json!({ "user_id": USER.to_string() });
    house.made(&format!("{api}/achievements/{achievement}/grants"), &guild.key, &grant).await;
    let badge =
        json!({ "achievement_id": achievement, "name": "Herald", "description": "d", "criteria": "c" });
    let badge = house.made(&format!("{api}/credentials/badges"), &guild.key, &badge).await;
    let issue = json!({ "badge_id": badge["id"], "user_id": USER.to_string() });
    let issued = house.made(&format!("{api}/credentials"), &guild.key, &issue).await;
    let path = format!("/g/{GUILD}/verification/{}", issued["id"].as_str().unwrap());
    let page = world(&house, &path).await.text;
    for part in [
        "<meta property=\"og:title\" content=\"Herald\">",
        "content=\"Held by member 11. This credential was issued here, and it is valid.\"",
        &format!("<meta property=\"og:image\" content=\"https://hall.example{path}/preview.png\">"),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let valid = tag(&house, &path).await;
    let revocation = format!("{api}/credentials/{}/revocation", issued["id"].as_str().unwrap());
    house.made(&revocation, &guild.key, &json!({ "reason": "It was another." })).await;
    assert_ne!(tag(&house, &path).await, valid, "it is revoked");
    let unknown = format!("/g/{GUILD}/verification/00000000-0000-0000-0000-000000000000");
    assert_eq!(picture(&house, &unknown, &[]).await.status, StatusCode::NOT_FOUND);
    assert!(!world(&house, &unknown).await.text.contains("og:image"));
}

#[tokio::test]
async fn who_left_or_was_forgotten_and_drafts_are_on_no_public_page() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    open(&house, true, true).await;
    let api = format!("/api/v1/guilds/{GUILD}");
    let award = json!({ "user_ids": [USER.to_string(), (USER + 1).to_string()], "xp": 500, "reason": "For the roof." });
    house.made(&format!("{api}/awards"), &guild.key, &award).await;
    let campaign = format!("/p/{GUILD}/campaigns/{}", guild.ids["campaign_id"]);
    let leaders = format!("/p/{GUILD}/leaderboard");
    for path in [&campaign, &leaders] {
        assert!(seen(&house, path).await.contains("member 11"), "{path}");
    }
    sqlx::query("UPDATE people.members SET left_at = now() WHERE guild_id = $1 AND user_id = $2")
        .bind(GUILD)
        .bind(UserId::new(USER).get())
        .execute(house.database.pool())
        .await
        .unwrap();
    for path in [&campaign, &leaders, &format!("/p/{GUILD}")] {
        assert!(!seen(&house, path).await.contains("member 11"), "{path} shows who left");
    }
    assert!(seen(&house, &leaders).await.contains("member 12"));
    // A draft is nowhere.
    let draft = json!({ "name": "Secret plans", "campaign_type": "player", "duration_hours": 24 });
    let draft = house.made(&format!("{api}/campaigns"), &guild.key, &draft).await;
    assert!(!seen(&house, &format!("/p/{GUILD}")).await.contains("Secret plans"));
    let path = format!("/p/{GUILD}/campaigns/{}", draft["id"].as_str().unwrap());
    assert_eq!(world(&house, &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_frozen_scoreboard_stays_frozen_for_the_world() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    open(&house, true, false).await;
    let campaign = guild.ids["campaign_id"].clone();
    // Its last hours have begun an hour ago.
    sqlx::query(
        "UPDATE campaigns.campaigns SET start_time = now() - interval '20 hours', freeze_minutes = 300
          WHERE guild_id = $1 AND id = $2::uuid",
    )
    .bind(GUILD)
    .bind(&campaign)
    .execute(house.database.pool())
    .await
    .unwrap();
    let page = seen(&house, &format!("/p/{GUILD}/campaigns/{campaign}")).await;
    assert!(page.contains("The scoreboard is frozen"), "{page}");
}

#[tokio::test]
async fn the_status_is_told_by_words() {
    let house = House::new().await;
    let answer = world(&house, "/status").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for word in ["Everything works", "As of", "Database", "Works", "Not set up"] {
        assert!(answer.text.contains(word), "{word}: {}", answer.text);
    }
    let late = House::new().await;
    sqlx::query(
        "INSERT INTO jobs.timers (kind, scheduled_at) VALUES ('test.late', now() - interval '1 hour')",
    )
    .execute(late.database.pool())
    .await
    .unwrap();
    let answer = world(&late, "/status").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(
        answer.text.contains("Something does not work") && answer.text.contains("60 minutes"),
        "{}",
        answer.text
    );
}
