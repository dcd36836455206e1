//! People with browsers: signed in by a local name, or by a session made for the test.

use access::keys::cache::STALE;
use access::sessions::cookie::Cookie;
use access::sessions::{NewSession, session_start};
use access::sign_in::{admin_user_activate, admin_user_create, admin_user_password};
use access::{By, HttpSettings, Origin, Person, Role};
use axum::body::Body;
use axum::http::{Method, Request};
use chrono::TimeDelta;
use kernel::{GuildId, UserId};
use serde_json::json;

use crate::house::{Answer, GUILD, House, OTHER_GUILD};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) fn development() -> HttpSettings {
    HttpSettings { development: true, ..HttpSettings::default() }
}

/// Somebody's browser.
pub(crate) struct Browser<'a> {
    pub(crate) house: &'a House,
    pub(crate) token: String,
    pub(crate) csrf: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn of(house: &'a House, new: &NewSession) -> Self {
        Self { house, token: new.token.clone(), csrf: new.csrf_token.clone() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let name = Cookie::Session.name(self.house.app.http());
        Request::builder().method(method).uri(path).header("cookie", format!("{name}={}", self.token))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.house.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = self
            .request(method, path)
            .header("x-csrf-token", &self.csrf)
            .header("content-type", "application/json");
        self.house.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

/// A session of a Discord user, as if they had just signed in.
pub(crate) async fn signed_in(house: &House, user: i64) -> Browser<'_> {
    let mut conn = house.database.pool().acquire().await.unwrap();
    let person = Person::User(UserId::new(user));
    let new = session_start(&mut conn, &person, &Origin::default(), Some("a browser")).await.unwrap();
    Browser::of(house, &new)
}

pub(crate) async fn grant(house: &House, guild: i64, user: i64, role: Role) {
    let mut conn = house.database.pool().acquire().await.unwrap();
    let (guild, user) = (GuildId::new(guild), UserId::new(user));
    access::roles::grant_put(&mut conn, By::Cli, &Origin::default(), guild, user, role, None).await.unwrap();
}

async fn log_in(house: &House, username: &str, password: &str) -> Answer {
    let body = json!({ "username": username, "password": password }).to_string();
    let request = Request::post("/auth/login/local").header("content-type", "application/json");
    house.send(request.body(Body::from(body)).unwrap()).await
}

fn cookie(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_developer_signs_in_does_everything_and_signs_out() {
    let house = House::with_settings(development()).await;
    let mut conn = house.database.pool().acquire().await.unwrap();
    admin_user_create(&mut conn, By::Cli, "ada", PASSWORD).await.unwrap();
    for (name, password) in
        [("ada", "wrong horse battery"), ("bob", PASSWORD), ("Ada", PASSWORD), ("ada", "")]
    {
        let refused = log_in(&house, name, password).await;
        assert_eq!(
            refused.problem(),
            "400 sign-in-failed: There is no such name, or it has another password."
        );
    }
    let answer = log_in(&house, "ada", PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && !set.contains("Secure"), "{set}");
    let browser = Browser {
        house: &house,
        token: cookie(&answer),
        csrf: answer.body["csrf_token"].as_str().unwrap().to_owned(),
    };
    let me = browser.get("/auth/me").await;
    assert_eq!(me.body["person"], json!({"kind": "admin", "username": "ada"}));
    assert_eq!(me.body["csrf_token"], browser.csrf);
    let made = browser.send(Method::POST, "/keys", r#"{"name": "bot", "scopes": ["*"]}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.body["key"]["created_by"].as_str().unwrap().starts_with("admin:"));

    // Signing in again is another session, and ends the one that the browser had.
    let again = browser
        .house
        .send(
            browser
                .request(Method::POST, "/auth/login/local")
                .header("content-type", "application/json")
                .body(Body::from(json!({"username": "ada", "password": PASSWORD}).to_string()))
                .unwrap(),
        )
        .await;
    assert_ne!(cookie(&again), browser.token);
    assert_eq!(
        browser.get("/auth/me").await.problem(),
        "401 unauthenticated: You are not signed in any more; sign in again."
    );
    let browser = Browser {
        house: &house,
        token: cookie(&again),
        csrf: again.body["csrf_token"].as_str().unwrap().to_owned(),
    };
    let out = browser.send(Method::POST, "/auth/logout", "").await;
    assert_eq!(out.status, 204, "{out:?}");
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(browser.get("/auth/me").await.status, 401);
}

#[tokio::test]
async fn outside_of_development_no_password_signs_in() {
    let house = House::new().await;
    let mut conn = house.database.pool().acquire().await.unwrap();
    let admin = admin_user_create(&mut conn, By::Cli, "ada", PASSWORD).await.unwrap();
    let refused = log_in(&house, "ada", PASSWORD).await;
    insta::assert_snapshot!(refused.problem(), @"403 forbidden: Signing in with a local name and password is for development; this server runs without `auth.development = true`. Sign in by Discord at /api/v1/auth/login/discord.");
    // Nor does a session from a time when it was one.
    let person = Person::Admin { id: admin.id, username: "ada".into() };
    let new = session_start(&mut conn, &person, &Origin::default(), None).await.unwrap();
    assert_eq!(Browser::of(&house, &new).get("/auth/me").await.status, 401);
}

#[tokio::test]
async fn a_disabled_administrator_and_one_with_a_new_password_are_out_within_a_second() {
    let house = House::with_settings(development()).await;
    let mut conn = house.database.pool().acquire().await.unwrap();
    let admin = admin_user_create(&mut conn, By::Cli, "ada", PASSWORD).await.unwrap();
    let person = Person::Admin { id: admin.id, username: "ada".into() };
    let new = session_start(&mut conn, &person, &Origin::default(), None).await.unwrap();
    let browser = Browser::of(&house, &new);
    assert_eq!(browser.get("/auth/me").await.status, 200);
    admin_user_activate(&mut conn, By::Cli, "ada", false).await.unwrap();
    house.clock.advance(STALE);
    assert_eq!(browser.get("/auth/me").await.status, 401);
    assert_eq!(log_in(&house, "ada", PASSWORD).await.status, 400);
    admin_user_activate(&mut conn, By::Cli, "ada", true).await.unwrap();
    let new = session_start(&mut conn, &person, &Origin::default(), None).await.unwrap();
    let browser = Browser::of(&house, &new);
    assert_eq!(browser.get("/auth/me").await.status, 200);
    admin_user_password(&mut conn, By::Cli, "ada", "another horse battery").await.unwrap();
    house.clock.advance(STALE);
    assert_eq!(browser.get("/auth/me").await.status, 401);
    assert_eq!(log_in(&house, "ada", "another horse battery").await.status, 200);
}

#[tokio::test]
async fn what_a_person_may_do_follows_from_their_role_in_the_guild() {
    let house = House::new().await;
    grant(&house, GUILD, 5, Role::Member).await;
    let browser = signed_in(&house, 5).await;
    let campaigns = format!("/guilds/{GUILD}/campaigns");
    let refused = browser.send(Method::POST, &campaigns, "").await;
    assert_eq!(refused.problem(), "403 forbidden: This takes a key with the scope `campaigns:write`.");
    // As themselves, and as nobody else.
    let play = format!("/guilds/{GUILD}/play");
    assert_eq!(browser.send(Method::POST, &play, "").await.body["user"], "5");
    let request = browser.request(Method::POST, &play).header("x-csrf-token", &browser.csrf);
    let other = house.send(request.header("questhall-user", "6").body(Body::empty()).unwrap()).await;
    assert_eq!(other.status, 403, "{other:?}");

    grant(&house, GUILD, 5, Role::Author).await;
    house.clock.advance(STALE);
    let made = browser.send(Method::POST, &campaigns, "").await;
    assert!(made.status.is_success(), "{made:?}");
    let me = browser.get("/auth/me").await;
    assert_eq!(me.body["person"], json!({"kind": "user", "user_id": "5"}));
    assert_eq!(me.body["guilds"][0]["roles"], json!(["author", "member"]));
    assert_eq!(browser.get("/whoami").await.body["key_id"], json!(null));
}

#[tokio::test]
async fn an_admins_cookie_opens_nothing_in_another_guild() {
    let house = House::new().await;
    grant(&house, OTHER_GUILD, 5, Role::Owner).await;
    let browser = signed_in(&house, 5).await;
    assert_eq!(browser.get(&format!("/guilds/{OTHER_GUILD}/settings")).await.status, 200);
    let (theirs, _) = house.key(Some(GUILD), None, &["*"]).await;
    for path in ["settings", "roles", "role-mappings", "audit-log", "campaigns/nonsense", "settings/api_keys"]
    {
        let answer = browser.get(&format!("/guilds/{GUILD}/{path}")).await;
        assert_eq!(answer.problem(), "404 not-found: There is no such guild here.", "{path}");
    }
    let patch = browser.send(Method::PATCH, &format!("/guilds/{GUILD}/settings"), "{}").await;
    assert_eq!(patch.status, 404);
    let put = browser.send(Method::PUT, &format!("/guilds/{GUILD}/roles/5/owner"), "").await;
    assert_eq!(put.status, 404);
    // Nor what is of no guild, nor what is of theirs without saying so.
    for path in ["/settings", "/audit-log", "/keys", "/operations"] {
        assert_eq!(browser.get(path).await.status, 403, "{path}");
    }
    let in_guild = |guild: i64, path: &str| {
        let request = browser.request(Method::GET, path).header("questhall-guild", guild.to_string());
        house.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(in_guild(OTHER_GUILD, "/keys").await.body["items"], json!([]));
    assert_eq!(in_guild(OTHER_GUILD, &format!("/keys/{theirs}")).await.status, 404);
    assert_eq!(in_guild(GUILD, "/keys").await.status, 404);
    assert_eq!(in_guild(OTHER_GUILD, "/settings").await.status, 403);
}

#[tokio::test]
async fn other_sites_cannot_use_the_cookie() {
    let house = House::new().await;
    grant(&house, GUILD, 5, Role::Owner).await;
    let (browser, another) = (signed_in(&house, 5).await, signed_in(&house, 5).await);
    let path = format!("/guilds/{GUILD}/campaigns");
    let try_with = |headers: &[(&'static str, &str)]| {
        let mut request = browser.request(Method::POST, &path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        house.send(request.body(Body::empty()).unwrap())
    };
    let good = ("x-csrf-token", browser.csrf.as_str());
    for headers in [
        &[][..],
        &[("x-csrf-token", "")],
        &[("x-csrf-token", another.csrf.as_str())],
        &[("x-csrf-token", browser.token.as_str())],
        &[good, ("origin", "https://evil.example")],
        &[good, ("origin", "null")],
        &[good, ("sec-fetch-site", "cross-site")],
        &[good, ("sec-fetch-site", "same-site")],
    ] {
        let answer = try_with(headers).await;
        assert!(answer.problem().starts_with("403 foreign-request"), "{headers:?}: {answer:?}");
    }
    assert!(try_with(&[good]).await.status.is_success());
    assert!(try_with(&[good, ("sec-fetch-site", "same-origin")]).await.status.is_success());
    // The cookie's token is no key, and a key is no cookie's token.
    assert_eq!(house.get("/whoami", &browser.token).await.status, 401);
    let (_, key) = house.key(None, None, &["*"]).await;
    let as_cookie = Browser { house: &house, token: key, csrf: String::new() };
    assert_eq!(as_cookie.get("/whoami").await.status, 401);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_and_all_at_once() {
    let house = House::new().await;
    let (one, other, stranger) =
        (signed_in(&house, 5).await, signed_in(&house, 5).await, signed_in(&house, 6).await);
    let listed = one.get("/auth/sessions?limit=1").await;
    assert_eq!(listed.body["items"][0]["current"], false);
    assert_eq!(listed.body["items"][0]["user_agent"], "a browser");
    let next = listed.body["next"].as_str().unwrap();
    let rest = one.get(&format!("/auth/sessions?cursor={next}")).await;
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest.body["items"][0]["current"], true);

    let id = |answer: &Answer| answer.body["session_id"].as_str().unwrap().to_owned();
    let theirs = id(&stranger.get("/auth/me").await);
    let refused = one.send(Method::DELETE, &format!("/auth/sessions/{theirs}"), "").await;
    assert_eq!(refused.problem(), "404 not-found: There is no such session here.");
    let others = id(&other.get("/auth/me").await);
    assert_eq!(one.send(Method::DELETE, &format!("/auth/sessions/{others}"), "").await.status, 204);
    house.clock.advance(STALE);
    assert!(STALE < TimeDelta::seconds(1));
    assert_eq!(other.get("/auth/me").await.status, 401);

    let third = signed_in(&house, 5).await;
    assert_eq!(third.get("/auth/me").await.status, 200);
    assert_eq!(one.send(Method::DELETE, "/auth/sessions", "").await.status, 204);
    assert_eq!(one.get("/auth/me").await.status, 401);
    house.clock.advance(STALE);
    assert_eq!(third.get("/auth/me").await.status, 401);
    assert_eq!(stranger.get("/auth/me").await.status, 200);
    // A key has no sessions.
    let (_, key) = house.key(None, None, &["*"]).await;
    assert_eq!(house.get("/auth/sessions", &key).await.status, 403);
}

#[tokio::test]
async fn a_session_ends_by_age_and_by_idling() {
    let house = House::new().await;
    for change in [
        "created_at = now() - interval '15 days', expires_at = now() - interval '1 second'",
        "created_at = now() - interval '3 days', last_seen_at = now() - interval '49 hours'",
    ] {
        let browser = signed_in(&house, 5).await;
        assert_eq!(browser.get("/auth/me").await.status, 200);
        let changed = sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE access.sessions SET {change} WHERE revoked_at IS NULL"
        )))
        .execute(house.database.pool())
        .await
        .unwrap();
        assert!(changed.rows_affected() > 0);
        house.clock.advance(STALE);
        assert_eq!(browser.get("/auth/me").await.status, 401, "{change}");
    }
    // Using a session writes when, once a minute, and not in the request.
    let browser = signed_in(&house, 7).await;
    sqlx::query("UPDATE access.sessions SET last_seen_at = now() - interval '1 hour' WHERE user_id = 7")
        .execute(house.database.pool())
        .await
        .unwrap();
    assert_eq!(browser.get("/auth/me").await.status, 200);
    assert_eq!(house.app.keys().flush().await.unwrap(), 1);
    let seen: bool = sqlx::query_scalar(
        "SELECT last_seen_at > now() - interval '2 minutes' FROM access.sessions WHERE user_id = 7",
    )
    .fetch_one(house.database.pool())
    .await
    .unwrap();
    assert!(seen);
}
