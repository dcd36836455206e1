//! Signing in by Discord, of whom a stand-in plays the part: as it should, and as it should not.

mod following;
mod stand_in;

use access::HttpSettings;
use access::sessions::cookie::Cookie;
use access::sign_in::Discord;
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use self::stand_in::{Mood, StandIn};
use crate::house::{Answer, GUILD, House, OTHER_GUILD};

const USER: i64 = 80_351_110_224_678_912;
const MODERATORS: i64 = 41_771_983_423_143_936;

async fn set_up() -> (House, StandIn) {
    let (stand_in, base_url) = StandIn::start().await;
    let settings = HttpSettings {
        development: true,
        public_url: Some("http://localhost:8080".to_owned()),
        discord: Some(Discord {
            client_id: "our-app".to_owned(),
            client_secret: "our-secret".to_owned(),
            base_url,
        }),
        ..HttpSettings::default()
    };
    (House::with_settings(settings).await, stand_in)
}

/// A sign-in under way.
struct UnderWay {
    state: String,
    challenge: String,
    cookie: String,
}

fn parameter(location: &str, name: &str) -> String {
    let query = location.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes()).find(|(given, _)| given == name).unwrap().1.into_owned()
}

async fn begin(house: &House, query: &str) -> UnderWay {
    let request = Request::get(format!("/auth/login/discord{query}")).body(Body::empty()).unwrap();
    let answer = house.send(request).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let location = answer.headers["location"].to_str().unwrap();
    assert_eq!(parameter(location, "code_challenge_method"), "S256");
    assert_eq!(parameter(location, "client_id"), "our-app");
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(set.contains("HttpOnly"), "{set}");
    UnderWay {
        state: parameter(location, "state"),
        challenge: parameter(location, "code_challenge"),
        cookie: set.split(';').next().unwrap().to_owned(),
    }
}

async fn come_back(house: &House, cookie: &str, query: &str) -> Answer {
    let request = Request::get(format!("/auth/callback/discord?{query}")).header("cookie", cookie);
    house.send(request.body(Body::empty()).unwrap()).await
}

/// Discord lets the user through, and the browser comes back.
async fn sign_in(house: &House, stand_in: &StandIn, redirect_to: &str) -> Answer {
    let under_way = begin(house, redirect_to).await;
    stand_in.change(|scene| drop(scene.codes.insert("a-code".into(), under_way.challenge.clone())));
    come_back(house, &under_way.cookie, &format!("state={}&code=a-code", under_way.state)).await
}

fn session_cookie(house: &House, answer: &Answer) -> String {
    let name = Cookie::Session.name(house.app.http());
    let mut set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let cookie = set.find(|value| value.starts_with(&format!("{name}="))).unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn with_cookie(house: &House, cookie: &str, path: &str) -> Answer {
    house.send(Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn who_manages_the_server_is_an_admin_and_others_are_members() {
    let (house, stand_in) = set_up().await;
    let answer = sign_in(&house, &stand_in, "?redirect_to=/dashboard").await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(answer.headers["location"], "/dashboard");
    let cookie = session_cookie(&house, &answer);
    let me = with_cookie(&house, &cookie, "/auth/me").await;
    assert_eq!(me.body["person"]["user_id"], USER.to_string());
    let guilds = me.body["guilds"].as_array().unwrap();
    // The guild that is not here is nobody's business.
    assert_eq!(guilds.len(), 2, "{me:?}");
    assert_eq!((&guilds[0]["guild_id"], &guilds[0]["roles"]), (&json!(GUILD.to_string()), &json!(["admin"])));
    assert_eq!(guilds[1]["roles"], json!(["member"]));
    assert_eq!(with_cookie(&house, &cookie, &format!("/guilds/{GUILD}/settings")).await.status, 200);
    assert_eq!(with_cookie(&house, &cookie, &format!("/guilds/{OTHER_GUILD}/settings")).await.status, 403);
}

#[tokio::test]
async fn what_people_say_of_themselves_is_shown_where_they_are_members() {
    let (house, stand_in) = set_up().await;
    let pool = house.database.pool();
    sqlx::raw_sql(
        "INSERT INTO people.guilds (guild_id, name) VALUES (1001, 'Here'), (1002, 'Left'), (1003, 'Named');
         INSERT INTO people.users (id) VALUES (80351110224678912);
         INSERT INTO people.members (guild_id, user_id, left_at, display_name)
         VALUES (1001, 80351110224678912, NULL, NULL), (1002, 80351110224678912, now(), NULL),
                (1003, 80351110224678912, NULL, 'Nell of this guild')",
    )
    .execute(pool)
    .await
    .unwrap();
    assert_eq!(sign_in(&house, &stand_in, "").await.status, 303);
    let shown: Vec<String> = sqlx::query_scalar(
        "SELECT concat_ws(' ', name, avatar_hash) FROM people.known_as WHERE user_id = $1 ORDER BY guild_id",
    )
    .bind(USER)
    .fetch_all(pool)
    .await
    .unwrap();
    // Without the character that turns the line around, and nowhere but where they are.
    assert_eq!(shown, ["Nelly face_1", "80351110224678912", "Nell of this guild face_1"]);
}

#[tokio::test]
async fn who_came_back_unseen_is_back_once_they_sign_in() {
    let (house, stand_in) = set_up().await;
    let pool = house.database.pool();
    sqlx::query(
        "WITH a AS (INSERT INTO people.guilds (guild_id, name) VALUES ($1, 'Here'), (1002, 'Elsewhere') ON CONFLICT DO NOTHING),
              b AS (INSERT INTO people.users (id) VALUES ($2) ON CONFLICT DO NOTHING)
         INSERT INTO people.members (guild_id, user_id, left_at) VALUES ($1, $2, now()), (1002, $2, now())",
    )
    .bind(GUILD)
    .bind(USER)
    .execute(pool)
    .await
    .unwrap();
    assert_eq!(sign_in(&house, &stand_in, "").await.status, 303);
    let gone: Vec<i64> =
        sqlx::query_scalar("SELECT guild_id FROM people.members WHERE user_id = $1 AND left_at IS NOT NULL")
            .bind(USER)
            .fetch_all(pool)
            .await
            .unwrap();
    assert_eq!(gone, [1002], "Discord says of one guild that they are there");
}

#[tokio::test]
async fn roles_follow_discord_at_every_sign_in_and_grants_by_hand_stay() {
    let (house, stand_in) = set_up().await;
    crate::people::grant(&house, GUILD, USER, access::Role::Author).await;
    let (_, key) = house.key(None, None, &["*"]).await;
    let path = format!("/guilds/{OTHER_GUILD}/role-mappings/{MODERATORS}/moderator");
    let request = Request::put(path).header("authorization", format!("Bearer {key}"));
    assert_eq!(house.send(request.body(Body::empty()).unwrap()).await.status, 204);

    let roles = async || -> Vec<String> {
        sqlx::query_scalar(
            "SELECT (CASE guild_id WHEN $1 THEN 'ours' ELSE 'theirs' END) || ' ' || role || ' ' || source
             FROM access.role_grants WHERE user_id = $2 ORDER BY 1",
        )
        .bind(GUILD)
        .bind(USER)
        .fetch_all(house.database.pool())
        .await
        .unwrap()
    };
    stand_in.change(|scene| scene.roles = vec![MODERATORS.to_string(), "7".to_owned()]);
    assert_eq!(sign_in(&house, &stand_in, "").await.status, 303);
    assert_eq!(
        roles().await,
        ["ours admin discord", "ours author manual", "theirs member discord", "theirs moderator discord"]
    );
    // They lose what they had on Discord.
    stand_in.change(|scene| {
        scene.roles.clear();
        scene.guilds = json!([{"id": OTHER_GUILD.to_string(), "owner": true, "permissions": "0"}]);
    });
    assert_eq!(sign_in(&house, &stand_in, "").await.status, 303);
    assert_eq!(roles().await, ["ours author manual", "theirs owner discord"]);
    let logged: Vec<String> = sqlx::query_scalar(
        "SELECT action_type || ' ' || split_part(target_id, ':', 2) FROM access.admin_log
         WHERE target_table = 'access.role_grants' AND actor_kind = 'system' ORDER BY id",
    )
    .fetch_all(house.database.pool())
    .await
    .unwrap();
    assert_eq!(
        logged,
        ["CREATE admin", "CREATE moderator", "DELETE admin", "DELETE moderator", "CREATE owner"]
    );
}

#[tokio::test]
async fn forged_and_replayed_answers_sign_nobody_in() {
    let (house, stand_in) = set_up().await;
    let under_way = begin(&house, "").await;
    let other = begin(&house, "").await;
    stand_in.change(|scene| drop(scene.codes.insert("a-code".into(), under_way.challenge.clone())));
    let good = format!("state={}&code=a-code", under_way.state);
    let made_up = "0123456789012345678901234567890123456789012";

    let mut told = Vec::new();
    for (cookie, query) in [
        // A state nobody began with.
        (&under_way.cookie, format!("state={made_up}&code=a-code")),
        // Nothing, or less than it takes.
        (&under_way.cookie, String::new()),
        (&under_way.cookie, "code=a-code".to_owned()),
        (&under_way.cookie, format!("error=access_denied&state={made_up}")),
        // Another browser's state: the attacker's own sign-in, planted in the victim's browser.
        (&under_way.cookie, format!("state={}&code=a-code", other.state)),
    ] {
        let answer = come_back(&house, cookie, &query).await;
        assert!(answer.headers.get("set-cookie").is_none(), "{answer:?}");
        told.push(answer.problem());
    }
    insta::assert_debug_snapshot!(told, @r#"
    [
        "400 sign-in-failed: This sign-in was not begun here, was finished before, or took too long; begin again.",
        "400 sign-in-failed: Discord sent your browser back without signing you in; begin again.",
        "400 sign-in-failed: Discord sent your browser back without signing you in; begin again.",
        "400 sign-in-failed: You did not let Discord tell us who you are, so nobody is signed in.",
        "400 sign-in-failed: This sign-in was begun in another browser; begin again in this one.",
    ]
    "#);
    assert_eq!(come_back(&house, &under_way.cookie, &good).await.status, 303);
    // The same answer again; and the used code with a state of its own.
    let replayed = come_back(&house, &under_way.cookie, &good).await;
    assert_eq!(replayed.status, 400, "{replayed:?}");
    let third = begin(&house, "").await;
    let reused = come_back(&house, &third.cookie, &format!("state={}&code=a-code", third.state)).await;
    insta::assert_snapshot!(reused.problem(), @"400 sign-in-failed: Discord did not accept the code that your browser brought; sign in again.");
    // A code that was meant for another sign-in: PKCE tells.
    let fourth = begin(&house, "").await;
    stand_in.change(|scene| drop(scene.codes.insert("b-code".into(), other.challenge.clone())));
    let injected = come_back(&house, &fourth.cookie, &format!("state={}&code=b-code", fourth.state)).await;
    assert_eq!(injected.status, 400, "{injected:?}");
    // Too late.
    let late = begin(&house, "").await;
    stand_in.change(|scene| drop(scene.codes.insert("c-code".into(), late.challenge.clone())));
    sqlx::query("UPDATE access.oauth_states SET expires_at = now() - interval '1 second'")
        .execute(house.database.pool())
        .await
        .unwrap();
    assert_eq!(
        come_back(&house, &late.cookie, &format!("state={}&code=c-code", late.state)).await.status,
        400
    );
    let sessions: i64 = sqlx::query_scalar("SELECT count(*) FROM access.sessions")
        .fetch_one(house.database.pool())
        .await
        .unwrap();
    assert_eq!(sessions, 1);
}

#[tokio::test]
async fn whatever_is_wrong_with_discord_is_answered_and_changes_nothing() {
    let (house, stand_in) = set_up().await;
    for mood in [Mood::Broken, Mood::Garbage, Mood::Flood, Mood::Redirecting, Mood::Busy, Mood::Silent] {
        stand_in.change(|scene| scene.mood = mood);
        let answer = sign_in(&house, &stand_in, "").await;
        assert!(answer.problem().starts_with("503 sign-in-unavailable"), "{mood:?}: {answer:?}");
        assert_eq!(answer.headers["retry-after"], "5");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    stand_in.change(|scene| {
        scene.mood = Mood::Good;
        scene.guilds = json!([{"id": "-5"}]);
    });
    assert_eq!(sign_in(&house, &stand_in, "").await.status, 503);
    let left: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM access.sessions), (SELECT count(*) FROM access.role_grants)",
    )
    .fetch_one(house.database.pool())
    .await
    .unwrap();
    assert_eq!(left, (0, 0));
}

#[tokio::test]
async fn a_discord_that_is_down_is_answered_at_once() {
    let settings = HttpSettings {
        development: true,
        public_url: Some("http://localhost:8080".to_owned()),
        // Port 1 is nobody's.
        discord: Some(Discord {
            client_id: "our-app".to_owned(),
            client_secret: "our-secret".to_owned(),
            base_url: "http://127.0.0.1:1".to_owned(),
        }),
        ..HttpSettings::default()
    };
    let house = House::with_settings(settings).await;
    let under_way = begin(&house, "").await;
    let answer = come_back(&house, &under_way.cookie, &format!("state={}&code=x", under_way.state)).await;
    insta::assert_snapshot!(answer.problem(), @"503 sign-in-unavailable: Discord does not answer; try again in a moment.");
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_afterwards() {
    let (house, _stand_in) = set_up().await;
    for to in ["https://evil.example", "//evil.example", "/%5Cevil.example", "/%09/evil.example", "evil", ""]
    {
        let request =
            Request::get(format!("/auth/login/discord?redirect_to={to}")).body(Body::empty()).unwrap();
        let answer = house.send(request).await;
        assert_eq!(
            answer.problem(),
            "400 invalid-request: `redirect_to` must be a path on this server, such as `/dashboard`",
            "{to}"
        );
    }
}

#[tokio::test]
async fn signing_in_ends_the_session_that_the_browser_had() {
    let (house, stand_in) = set_up().await;
    let first = session_cookie(&house, &sign_in(&house, &stand_in, "").await);
    assert_eq!(with_cookie(&house, &first, "/auth/me").await.status, 200);
    let under_way = begin(&house, "").await;
    stand_in.change(|scene| drop(scene.codes.insert("d-code".into(), under_way.challenge.clone())));
    let cookies = format!("{}; {first}", under_way.cookie);
    let answer = come_back(&house, &cookies, &format!("state={}&code=d-code", under_way.state)).await;
    let second = session_cookie(&house, &answer);
    assert_ne!(first, second);
    assert_eq!(with_cookie(&house, &first, "/auth/me").await.status, 401);
    assert_eq!(with_cookie(&house, &second, "/auth/me").await.status, 200);
}

#[tokio::test]
async fn without_an_application_nobody_signs_in_by_discord() {
    let house = House::new().await;
    let answer = house.send(Request::get("/auth/login/discord").body(Body::empty()).unwrap()).await;
    insta::assert_snapshot!(answer.problem(), @"404 not-found: Nobody can sign in by Discord here: whoever runs this server has set up no application for it.");
}
