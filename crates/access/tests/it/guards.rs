//! Who may call what.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::Request;

use crate::house::{GUILD, House, OTHER_GUILD, post_json};

const CAMPAIGN: &str = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f";

#[tokio::test]
async fn without_a_good_key_nobody_is_let_in() {
    let house = House::new().await;
    let mut told = String::new();
    let made_up = format!("Bearer qh_{}", "a".repeat(43));
    for header in [
        None,
        Some(""),
        Some("qh_x"),
        Some("Basic abc"),
        Some("Bearer "),
        Some("Bearer qh_x"),
        Some(&made_up),
    ] {
        let mut request = Request::get("/whoami");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = house.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        writeln!(told, "{header:?}: {}", answer.problem()).unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    None: 401 unauthenticated: Send an API key with the request: `Authorization: Bearer qh_…`.
    Some(""): 401 unauthenticated: Send an API key with the request: `Authorization: Bearer qh_…`.
    Some("qh_x"): 401 unauthenticated: Send an API key with the request: `Authorization: Bearer qh_…`.
    Some("Basic abc"): 401 unauthenticated: Send an API key with the request: `Authorization: Bearer qh_…`.
    Some("Bearer "): 401 unauthenticated: This API key is unknown, expired or revoked.
    Some("Bearer qh_x"): 401 unauthenticated: This API key is unknown, expired or revoked.
    Some("Bearer qh_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"): 401 unauthenticated: This API key is unknown, expired or revoked.
    "#);
}

#[tokio::test]
async fn another_guild_does_not_exist_for_a_guilds_key() {
    let house = House::new().await;
    for scopes in [&["*"][..], &["squads:read"]] {
        let (_, key) = house.key(Some(GUILD), None, scopes).await;
        // Also where the scope lacks, where the rest of the path is wrong, and where no such guild can be.
        for path in [
            format!("/guilds/{OTHER_GUILD}/campaigns/{CAMPAIGN}"),
            format!("/guilds/{OTHER_GUILD}/campaigns/nonsense"),
            format!("/guilds/1/campaigns/{CAMPAIGN}"),
        ] {
            let answer = house.get(&path, &key).await;
            assert_eq!(answer.problem(), "404 not-found: There is no such guild here.", "{path}");
        }
        for path in ["campaigns", "play"] {
            let answer = house.post(&format!("/guilds/{OTHER_GUILD}/{path}"), &key, "").await;
            assert_eq!(answer.problem(), "404 not-found: There is no such guild here.", "{path}");
        }
    }
}

#[tokio::test]
async fn within_its_guild_a_key_does_what_its_scopes_say() {
    let house = House::new().await;
    let (id, key) = house.key(Some(GUILD), None, &["campaigns:read"]).await;
    let answer = house.get(&format!("/guilds/{GUILD}/campaigns/{CAMPAIGN}"), &key).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["guild"], GUILD.to_string());
    assert_eq!(answer.body["by"], format!("key:{id}"));

    let answer = house.post(&format!("/guilds/{GUILD}/campaigns"), &key, "").await;
    insta::assert_snapshot!(answer.problem(), @"403 forbidden: This takes a key with the scope `campaigns:write`.");

    let (_, everything) = house.key(None, None, &["*"]).await;
    for guild in [GUILD, OTHER_GUILD] {
        let answer = house.post(&format!("/guilds/{guild}/campaigns"), &everything, "").await;
        assert_eq!(answer.body["guild"], guild.to_string());
    }
}

#[tokio::test]
async fn a_key_without_a_member_says_for_whom_it_acts() {
    let house = House::new().await;
    let (_, bot) = house.key(Some(GUILD), None, &["campaigns:play"]).await;
    let (_, bound) = house.key(Some(GUILD), Some(42), &["campaigns:play"]).await;
    let mut told = String::new();
    for (who, key, member) in [
        ("bot", &bot, Some("7")),
        ("bot", &bot, None),
        ("bot", &bot, Some("")),
        ("bot", &bot, Some("@me")),
        ("bot", &bot, Some("0")),
        ("bound to 42", &bound, None),
        ("bound to 42", &bound, Some("42")),
        ("bound to 42", &bound, Some("7")),
    ] {
        let mut request = post_json(&format!("/guilds/{GUILD}/play"), key);
        if let Some(member) = member {
            request = request.header("Questhall-User", member);
        }
        let answer = house.send(request.body(Body::empty()).unwrap()).await;
        let line = if answer.status.is_success() { answer.body.to_string() } else { answer.problem() };
        writeln!(told, "{who}, Questhall-User {member:?}\n    {line}").unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    bot, Questhall-User Some("7")
        {"user":"7"}
    bot, Questhall-User None
        400 invalid-request: `Questhall-User` is missing: this key is bound to no member, so say for whom it acts, by Discord id
    bot, Questhall-User Some("")
        400 invalid-request: `Questhall-User` must be a Discord id: a string of 1 to 19 decimal digits, such as "175928847299117063"
    bot, Questhall-User Some("@me")
        400 invalid-request: `Questhall-User` must be a Discord id: a string of 1 to 19 decimal digits, such as "175928847299117063"
    bot, Questhall-User Some("0")
        400 invalid-request: `Questhall-User` must be a Discord id: a string of 1 to 19 decimal digits, such as "175928847299117063"
    bound to 42, Questhall-User None
        {"user":"42"}
    bound to 42, Questhall-User Some("42")
        {"user":"42"}
    bound to 42, Questhall-User Some("7")
        403 forbidden: This key is bound to another member than `Questhall-User` names; leave the header out.
    "#);
}

#[tokio::test]
async fn the_installation_is_for_keys_of_no_guild() {
    let house = House::new().await;
    let (_, global) = house.key(None, None, &["operations:read"]).await;
    assert_eq!(house.get("/operations", &global).await.status, 200);
    let (_, confined) = house.key(Some(GUILD), None, &["*"]).await;
    insta::assert_snapshot!(house.get("/operations", &confined).await.problem(), @"403 forbidden: This concerns the whole installation; it takes an operator, or a key that is confined to no guild.");
    let (_, lacking) = house.key(None, None, &["operations:write"]).await;
    insta::assert_snapshot!(house.get("/operations", &lacking).await.problem(), @"403 forbidden: This takes a key with the scope `operations:read`.");
}
