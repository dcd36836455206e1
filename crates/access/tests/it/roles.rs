//! Who has which role, and who may say so.

use std::fmt::Write as _;

use access::Role;
use access::keys::cache::STALE;
use axum::http::Method;
use serde_json::{Value, json};

use crate::house::{GUILD, House, OTHER_GUILD};
use crate::people::{grant, signed_in};

/// Action, target, before, after.
type Logged = (String, Option<String>, Option<Value>, Option<Value>);

#[tokio::test]
async fn roles_are_granted_listed_and_taken_away() {
    let house = House::new().await;
    grant(&house, GUILD, 1, Role::Admin).await;
    let admin = signed_in(&house, 1).await;
    let roles = format!("/guilds/{GUILD}/roles");
    let granted = admin
        .send(Method::PUT, &format!("{roles}/5/author"), r#"{"expires_at": "2999-01-01T00:00:00Z"}"#)
        .await;
    assert_eq!(granted.status, 200, "{granted:?}");
    assert_eq!((&granted.body["granted_by"], &granted.body["source"]), (&json!("1"), &json!("manual")));
    assert_eq!(admin.send(Method::PUT, &format!("{roles}/5/member"), "").await.status, 200);
    let listed = admin.get(&format!("{roles}?limit=2")).await;
    let pairs: Vec<_> = listed.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| format!("{} {}", grant["user_id"].as_str().unwrap(), grant["role"].as_str().unwrap()))
        .collect();
    assert_eq!(pairs, ["1 admin", "5 author"]);
    let rest = admin.get(&format!("{roles}?cursor={}", listed.body["next"].as_str().unwrap())).await;
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(admin.get(&format!("{roles}?role=author")).await.body["items"].as_array().unwrap().len(), 1);

    let author = signed_in(&house, 5).await;
    let campaigns = format!("/guilds/{GUILD}/campaigns");
    assert!(author.send(Method::POST, &campaigns, "").await.status.is_success());
    assert_eq!(admin.send(Method::DELETE, &format!("{roles}/5/author"), "").await.status, 204);
    assert_eq!(admin.send(Method::DELETE, &format!("{roles}/5/author"), "").await.status, 404);
    house.clock.advance(STALE);
    assert_eq!(author.send(Method::POST, &campaigns, "").await.status, 403);

    let logged: Vec<Logged> = sqlx::query_as(
        "SELECT action_type, target_id, before_snapshot, after_snapshot FROM access.admin_log
         WHERE guild_id = $1 AND actor_kind = 'user' AND actor_id = 1 AND target_id = '5:author' ORDER BY id",
    )
    .bind(GUILD)
    .fetch_all(house.database.pool())
    .await
    .unwrap();
    assert_eq!(logged.len(), 2);
    assert_eq!((logged[0].0.as_str(), logged[1].0.as_str()), ("CREATE", "DELETE"));
    assert!(logged[0].2.is_none() && logged[0].3 == logged[1].2 && logged[1].3.is_none());
}

#[tokio::test]
async fn nobody_grants_more_than_they_may_do() {
    let house = House::new().await;
    for (user, role) in [(1, Role::Owner), (2, Role::Admin), (3, Role::Moderator)] {
        grant(&house, GUILD, user, role).await;
    }
    let (owner, admin, moderator) =
        (signed_in(&house, 1).await, signed_in(&house, 2).await, signed_in(&house, 3).await);
    let mut told = String::new();
    for (who, name, path, body) in [
        (&admin, "admin", "roles/9/owner", ""),
        (&moderator, "moderator", "roles/9/member", ""),
        (&admin, "admin", "roles/9/king", ""),
        (&admin, "admin", "roles/nobody/member", ""),
        (&admin, "admin", "roles/9/member", r#"{"expires_at": "2001-01-01T00:00:00Z"}"#),
        (&admin, "admin", "roles/9/member", r#"{"until": "2001-01-01T00:00:00Z"}"#),
        (&owner, "owner", "role-mappings/77/owner", ""),
    ] {
        let answer = who.send(Method::PUT, &format!("/guilds/{GUILD}/{path}"), body).await;
        writeln!(told, "{name} {path} {body}\n    {}", answer.problem()).unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    admin roles/9/owner 
        403 forbidden: Nobody grants or takes away a role that may do more than they may themselves.
    moderator roles/9/member 
        403 forbidden: This takes a key with the scope `roles:write`.
    admin roles/9/king 
        400 invalid-request: `role` must be one of owner, admin, moderator, author, instructor, member
    admin roles/nobody/member 
        400 invalid-request: `user_id` must be a Discord id: a string of 1 to 19 decimal digits, such as "175928847299117063"
    admin roles/9/member {"expires_at": "2001-01-01T00:00:00Z"}
        400 invalid-request: `expires_at` must be in the future, before the year 10000
    admin roles/9/member {"until": "2001-01-01T00:00:00Z"}
        400 invalid-request: `until` is not known here; known are `expires_at`
    owner role-mappings/77/owner 
        400 invalid-request: `role` must not be `owner`: no Discord role makes an owner
    "#);
    assert_eq!(admin.send(Method::DELETE, &format!("/guilds/{GUILD}/roles/1/owner"), "").await.status, 403);
    assert_eq!(owner.send(Method::PUT, &format!("/guilds/{GUILD}/roles/9/owner"), "").await.status, 200);
    assert_eq!(admin.send(Method::PUT, &format!("/guilds/{GUILD}/roles/9/admin"), "").await.status, 200);
}

#[tokio::test]
async fn discord_roles_are_mapped_and_unmapped() {
    let house = House::new().await;
    let (_, key) = house.key(Some(GUILD), None, &["roles:read", "roles:write", "community:write"]).await;
    let mappings = format!("/guilds/{GUILD}/role-mappings");
    let put = |path: String| {
        let request = axum::http::Request::put(path).header("authorization", format!("Bearer {key}"));
        house.send(request.body(axum::body::Body::empty()).unwrap())
    };
    // The key itself may not do what members may.
    assert_eq!(put(format!("{mappings}/77/member")).await.status, 403);
    let (_, key) = house.key(Some(GUILD), None, &["*"]).await;
    let put = |path: String| {
        let request = axum::http::Request::put(path).header("authorization", format!("Bearer {key}"));
        house.send(request.body(axum::body::Body::empty()).unwrap())
    };
    assert_eq!(put(format!("{mappings}/77/moderator")).await.status, 204);
    assert_eq!(put(format!("{mappings}/77/moderator")).await.status, 204);
    let listed = house.get(&mappings, &key).await;
    assert_eq!(listed.body.as_array().unwrap().len(), 1, "{listed:?}");
    assert_eq!(listed.body[0]["discord_role_id"], "77");
    assert_eq!(house.get(&format!("/guilds/{OTHER_GUILD}/role-mappings"), &key).await.status, 404);
    assert_eq!(house.delete(&format!("{mappings}/77/moderator"), &key).await.status, 204);
    assert_eq!(house.delete(&format!("{mappings}/77/moderator"), &key).await.status, 404);
    let logged: Vec<String> = sqlx::query_scalar(
        "SELECT action_type FROM access.admin_log WHERE target_table = 'access.role_mappings' ORDER BY id",
    )
    .fetch_all(house.database.pool())
    .await
    .unwrap();
    assert_eq!(logged, ["CREATE", "DELETE"]);
}
