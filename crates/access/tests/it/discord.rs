//! Signing in by Discord, of whom a stand-in plays the part: as it should, and as it should not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use access::sessions::cookie::Cookie;
use access::sign_in::{Discord, discord_leaves_clean, discord_leaves_reseal};
use access::{HttpSettings, Vault};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, body::Body};
use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::house::{Answer, GUILD, House, OTHER_GUILD};

const USER: i64 = 80_351_110_224_678_912;
const MODERATORS: i64 = 41_771_983_423_143_936;

/// How the stand-in behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    Silent,
    Broken,
    Garbage,
    Flood,
    Redirecting,
    Busy,
}

#[derive(Clone)]
struct StandIn(Arc<Mutex<Scene>>);

struct Scene {
    mood: Mood,
    /// Challenges by code; a code is used once.
    codes: HashMap<String, String>,
    guilds: Value,
    roles: Vec<String>,
    /// The access token that is good.
    access: String,
    /// The refresh token that is good, once.
    refresh: String,
    /// How often somebody asked who they are.
    asked: usize,
}

impl Scene {
    fn granted(&self) -> Value {
        json!({
            "access_token": self.access, "refresh_token": self.refresh, "token_type": "Bearer", "expires_in": 604_800,
        })
    }
}

impl StandIn {
    async fn start() -> (Self, String) {
        let scene = Scene {
            mood: Mood::Good,
            codes: HashMap::new(),
            guilds: json!([
                {"id": GUILD.to_string(), "name": "Ours", "owner": false, "permissions": "32"},
                {"id": OTHER_GUILD.to_string(), "name": "Theirs", "owner": false, "permissions": "0"},
                {"id": "5", "name": "Not here", "owner": true, "permissions": "2147483647"},
            ]),
            roles: Vec::new(),
            access: "leave-1".to_owned(),
            refresh: "renewal-1".to_owned(),
            asked: 0,
        };
        let stand_in = Self(Arc::new(Mutex::new(scene)));
        let router = Router::new()
            .route("/api/v10/oauth2/token", post(token))
            .route("/api/v10/users/@me", get(me))
            .route("/api/v10/users/@me/guilds", get(guilds))
            .route("/api/v10/users/@me/guilds/{guild}/member", get(member))
            .with_state(stand_in.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stand_in, url)
    }

    fn change(&self, change: impl FnOnce(&mut Scene)) {
        change(&mut self.0.lock().unwrap());
    }

    /// What the mood answers instead of what was asked.
    async fn disturbed(&self) -> Option<Response> {
        let mood = self.0.lock().unwrap().mood;
        match mood {
            Mood::Good => None,
            Mood::Silent => std::future::pending().await,
            Mood::Broken => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
            Mood::Garbage => Some("<html>\u{fffd}{{".into_response()),
            Mood::Flood => Some(vec![b' '; 2 * 1024 * 1024].into_response()),
            Mood::Redirecting => {
                Some((StatusCode::FOUND, [(header::LOCATION, "http://169.254.169.254/")]).into_response())
            }
            Mood::Busy => Some(StatusCode::TOO_MANY_REQUESTS.into_response()),
        }
    }
}

async fn token(State(stand_in): State<StandIn>, headers: HeaderMap, body: String) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    if let Some(response) = stand_in.disturbed().await {
        return response;
    }
    let basic = base64::engine::general_purpose::STANDARD.encode("our-app:our-secret");
    assert_eq!(headers["authorization"], format!("Basic {basic}"));
    if form["grant_type"] == "refresh_token" {
        let mut scene = stand_in.0.lock().unwrap();
        if form["refresh_token"] != scene.refresh {
            return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
        }
        let number: u32 = scene.refresh.split_once('-').unwrap().1.parse::<u32>().unwrap() + 1;
        scene.access = format!("leave-{number}");
        scene.refresh = format!("renewal-{number}");
        return Json(scene.granted()).into_response();
    }
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["redirect_uri"], "http://localhost:8080/api/v1/auth/callback/discord");
    let challenge = stand_in.0.lock().unwrap().codes.remove(&form["code"]);
    let proof =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if challenge == Some(proof) {
        Json(stand_in.0.lock().unwrap().granted()).into_response()
    } else {
        (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response()
    }
}

async fn me(State(stand_in): State<StandIn>, headers: HeaderMap) -> Response {
    if let Some(response) = stand_in.disturbed().await {
        return response;
    }
    let mut scene = stand_in.0.lock().unwrap();
    scene.asked += 1;
    if headers["authorization"] != format!("Bearer {}", scene.access) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(json!({"id": USER.to_string(), "username": "nelly"})).into_response()
}

async fn guilds(State(stand_in): State<StandIn>) -> Response {
    Json(stand_in.0.lock().unwrap().guilds.clone()).into_response()
}

async fn member(State(stand_in): State<StandIn>, Path(guild): Path<String>) -> Response {
    assert_eq!(guild, OTHER_GUILD.to_string());
    Json(json!({"roles": stand_in.0.lock().unwrap().roles})).into_response()
}

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

/// As if so many minutes had passed since Discord was asked about the user.
async fn later(house: &House, minutes: i32) {
    sqlx::query(
        "UPDATE access.discord_leaves
            SET read_at = now() - make_interval(mins => $1), tried_at = now() - make_interval(mins => $1)",
    )
    .bind(minutes)
    .execute(house.database.pool())
    .await
    .unwrap();
    // What the process has in mind of sessions is asked about anew, and Discord's silence forgotten.
    house.clock.advance(chrono::TimeDelta::minutes(1));
}

/// The user is an admin of the other guild, by a Discord role, and looks at what admins may see.
async fn moderator(house: &House, stand_in: &StandIn) -> String {
    let (_, key) = house.key(None, None, &["*"]).await;
    let path = format!("/guilds/{OTHER_GUILD}/role-mappings/{MODERATORS}/admin");
    let request = Request::put(path).header("authorization", format!("Bearer {key}"));
    assert_eq!(house.send(request.body(Body::empty()).unwrap()).await.status, 204);
    stand_in.change(|scene| scene.roles = vec![MODERATORS.to_string()]);
    let cookie = session_cookie(house, &sign_in(house, stand_in, "").await);
    assert_eq!(looks(house, &cookie).await, 200);
    cookie
}

async fn looks(house: &House, cookie: &str) -> StatusCode {
    with_cookie(house, cookie, &format!("/guilds/{OTHER_GUILD}/settings")).await.status
}

/// Looks again and again until what the background finds shows; the process may keep what it knows for a moment.
async fn looks_until(house: &House, cookie: &str, status: u16) {
    for _ in 0..10_000 {
        if looks(house, cookie).await == status {
            return;
        }
        house.clock.advance(access::keys::cache::STALE);
        tokio::task::yield_now().await;
    }
    panic!("never {status}");
}

#[tokio::test]
async fn a_role_that_discord_takes_away_ends_while_they_stay_signed_in() {
    let (house, stand_in) = set_up().await;
    let cookie = moderator(&house, &stand_in).await;
    stand_in.change(|scene| scene.roles.clear());
    let asked = || stand_in.0.lock().unwrap().asked;
    // Not before it is time to ask again.
    later(&house, 9).await;
    assert_eq!(looks(&house, &cookie).await, 200);
    assert_eq!(asked(), 1);
    // Then in the background: nobody waits, and soon it shows.
    later(&house, 11).await;
    looks_until(&house, &cookie, 403).await;
    assert_eq!(asked(), 2);
    // They are members still, signed in still; and get it back as it was taken.
    let me = with_cookie(&house, &cookie, "/auth/me").await;
    assert_eq!(me.body["guilds"][1]["roles"], json!(["member"]));
    stand_in.change(|scene| scene.roles = vec![MODERATORS.to_string()]);
    later(&house, 11).await;
    looks_until(&house, &cookie, 200).await;
    let logged: Vec<String> = sqlx::query_scalar(
        "SELECT action_type FROM access.admin_log
          WHERE target_table = 'access.role_grants' AND target_id LIKE '%:admin' AND guild_id = $1 ORDER BY id",
    )
    .bind(OTHER_GUILD)
    .fetch_all(house.database.pool())
    .await
    .unwrap();
    assert_eq!(logged, ["CREATE", "DELETE", "CREATE"]);
}

#[tokio::test]
async fn whoever_was_away_for_long_waits_for_what_discord_says_now() {
    let (house, stand_in) = set_up().await;
    let cookie = moderator(&house, &stand_in).await;
    // The access token has run out meanwhile: it is renewed, twice, each renewal good once.
    for number in 2..=3 {
        sqlx::query("UPDATE access.discord_leaves SET access_until = now()")
            .execute(house.database.pool())
            .await
            .unwrap();
        later(&house, 600).await;
        assert_eq!(looks(&house, &cookie).await, 200);
        assert_eq!(stand_in.0.lock().unwrap().refresh, format!("renewal-{number}"));
    }
    // Discord has forgotten the access token before its time.
    stand_in.change(|scene| scene.access = "another".to_owned());
    later(&house, 600).await;
    assert_eq!(looks(&house, &cookie).await, 200);
    assert_eq!(stand_in.0.lock().unwrap().refresh, "renewal-4");
    // A page sends many requests at once: one asks, and all of them wait for the answer.
    later(&house, 600).await;
    let before = stand_in.0.lock().unwrap().asked;
    let page = (0..8).map(|_| looks(&house, &cookie));
    assert!(futures::future::join_all(page).await.into_iter().all(|status| status == 200));
    assert_eq!(stand_in.0.lock().unwrap().asked, before + 1);
    // What they had is gone.
    stand_in.change(|scene| scene.roles.clear());
    later(&house, 600).await;
    assert_eq!(looks(&house, &cookie).await, 403);
}

#[tokio::test]
async fn while_discord_is_away_roles_count_for_the_grace_and_then_no_more() {
    let (house, stand_in) = set_up().await;
    crate::people::grant(&house, GUILD, USER, access::Role::Author).await;
    let cookie = moderator(&house, &stand_in).await;
    for mood in [Mood::Broken, Mood::Garbage, Mood::Busy] {
        stand_in.change(|scene| scene.mood = mood);
        later(&house, 39).await;
        assert_eq!(looks(&house, &cookie).await, 200, "{mood:?}");
        later(&house, 41).await;
        assert_eq!(looks(&house, &cookie).await, 403, "{mood:?}");
        // Members they remain, and what was granted by hand does not hang on Discord.
        let me = with_cookie(&house, &cookie, "/auth/me").await;
        let roles = |n: usize| me.body["guilds"][n]["roles"].clone();
        assert_eq!((roles(0), roles(1)), (json!(["author", "member"]), json!(["member"])), "{mood:?}");
    }
    // It is back: so are they, without signing in.
    stand_in.change(|scene| scene.mood = Mood::Good);
    later(&house, 41).await;
    assert_eq!(looks(&house, &cookie).await, 200);
}

#[tokio::test]
async fn whoever_takes_the_leave_back_loses_what_follows_discord() {
    let (house, stand_in) = set_up().await;
    crate::people::grant(&house, GUILD, USER, access::Role::Author).await;
    let cookie = moderator(&house, &stand_in).await;
    stand_in.change(|scene| {
        scene.access = "revoked".to_owned();
        scene.refresh = "revoked-0".to_owned();
    });
    later(&house, 41).await;
    assert_eq!(looks(&house, &cookie).await, 404);
    let me = with_cookie(&house, &cookie, "/auth/me").await;
    assert_eq!(me.body["guilds"].as_array().unwrap().len(), 1);
    let ours = (&me.body["guilds"][0]["guild_id"], &me.body["guilds"][0]["roles"]);
    assert_eq!(ours, (&json!(GUILD.to_string()), &json!(["author"])));
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM access.discord_leaves")
        .fetch_one(house.database.pool())
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn tokens_are_sealed_and_go_with_the_last_session() {
    let (house, stand_in) = set_up().await;
    let cookie = moderator(&house, &stand_in).await;
    let plain: bool = sqlx::query_scalar(
        "SELECT bool_or(position('leave-1'::bytea IN sealed) > 0 OR position('renewal-1'::bytea IN sealed) > 0)
           FROM access.discord_leaves",
    )
    .fetch_one(house.database.pool())
    .await
    .unwrap();
    assert!(!plain);
    let pool = house.database.pool();
    let stranger = Vault::parse("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=").unwrap();
    let mut conn = pool.acquire().await.unwrap();
    let ours = &house.app.http().vault;
    assert_eq!(discord_leaves_reseal(&mut conn, ours).await.unwrap(), (0, 0));
    let clean = async || {
        let mut conn = pool.acquire().await.unwrap();
        discord_leaves_clean(&mut conn, 100).await.unwrap()
    };
    // The trigger would say that it was touched now.
    sqlx::raw_sql(
        "ALTER TABLE access.discord_leaves DISABLE TRIGGER tg_discord_leaves_touch;
         UPDATE access.discord_leaves SET updated_at = now() - interval '2 hours'",
    )
    .execute(pool)
    .await
    .unwrap();
    assert_eq!(clean().await, 0);
    let me = with_cookie(&house, &cookie, "/auth/me").await;
    let csrf = me.body["csrf_token"].as_str().unwrap();
    let out = Request::delete("/auth/sessions").header("cookie", &cookie).header("x-csrf-token", csrf);
    assert!(house.send(out.body(Body::empty()).unwrap()).await.status.is_success());
    assert_eq!(clean().await, 1);
    assert_eq!(discord_leaves_reseal(&mut conn, &stranger).await.unwrap(), (0, 0));
    // What does not open is of no use, and goes.
    moderator(&house, &stand_in).await;
    assert_eq!(discord_leaves_reseal(&mut conn, &stranger).await.unwrap(), (0, 1));
    assert_eq!(discord_leaves_reseal(&mut conn, &stranger).await.unwrap(), (0, 0));
}

#[tokio::test]
async fn without_an_application_nobody_signs_in_by_discord() {
    let house = House::new().await;
    let answer = house.send(Request::get("/auth/login/discord").body(Body::empty()).unwrap()).await;
    insta::assert_snapshot!(answer.problem(), @"503 unavailable: Nobody can sign in by Discord here: whoever runs this server has set up no application for it.");
}
