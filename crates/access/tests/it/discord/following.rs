//! Roles that follow Discord while people stay signed in.

use access::Vault;
use access::sign_in::{discord_leaves_clean, discord_leaves_reseal};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use super::stand_in::{Mood, StandIn};
use super::{MODERATORS, USER, session_cookie, set_up, sign_in, with_cookie};
use crate::house::{GUILD, House, OTHER_GUILD};

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
