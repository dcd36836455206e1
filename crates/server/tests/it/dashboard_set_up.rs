//! Setting an installation up by the link that `up` prints; operators; looking around in the demo.

use std::net::SocketAddr;

use access::operators::{operator_add, operator_list, operator_remove};
use access::sign_in::{Purpose, link_make, links_withdraw};
use access::{By, Role};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use kernel::UserId;
use server::Settings;

use crate::dashboard::Browser;
use crate::house::{Answer, House};

const GUILD: i64 = 175_928_847_299_117_063;
const ME: i64 = 4_200;

async fn link(house: &House, user: Option<i64>) -> String {
    let mut conn = house.database.pool().acquire().await.unwrap();
    link_make(&mut conn, user.map(UserId::new), 60).await.unwrap()
}

/// What somebody is answered who asks which nodes run.
async fn nodes(house: &House, browser: &Browser<'_>) -> StatusCode {
    let cookie = format!("__Host-questhall={}", browser.cookies["__Host-questhall"]);
    let request = Request::get("/api/v1/operations/nodes").header("host", "here").header("cookie", cookie);
    house.send(request.body(Body::empty()).unwrap()).await.status
}

/// Everything done from the link to a guild with an owner, a preset, a campaign and a public page.
#[tokio::test]
async fn a_newcomer_sets_a_guild_up_by_the_link_alone() {
    let house = House::new().await;
    let secret = link(&house, None).await;
    let mut me = Browser::new(&house);
    assert_eq!(me.get("/set-up").await.status, StatusCode::SEE_OTHER, "who has no link signs in");
    assert_eq!(me.get("/set-up?link=qhl_wrong").await.status, StatusCode::NOT_FOUND);
    let page = me.get(&format!("/set-up?link={secret}")).await;
    assert_eq!((page.status, page.header("cache-control")), (StatusCode::OK, "no-store"), "{page:?}");
    let wrong = me.submit(&page.text, "/set-up/begin", &[("user_id", "somebody")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    let begun = me.submit(&page.text, "/set-up/begin", &[("user_id", &ME.to_string())]).await;
    assert_eq!((begun.status, begun.header("location")), (StatusCode::SEE_OTHER, "/set-up"), "{begun:?}");
    // It works once.
    let again = Browser::new(&house).submit(&page.text, "/set-up/begin", &[("user_id", "666")]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "{again:?}");
    let operators = operator_list(&mut house.database.pool().acquire().await.unwrap()).await.unwrap();
    assert_eq!(operators.iter().map(|one| one.user_id.get()).collect::<Vec<_>>(), [ME]);

    let overview = me.page("/set-up").await;
    assert!(overview.contains("an operator of this installation"), "{overview}");
    let named = [("guild_id", GUILD.to_string()), ("name", "The Copper Hall".to_owned())];
    let named: Vec<(&str, &str)> = named.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let steps = format!("/set-up/guilds/{GUILD}");
    let made = me.submit(&overview, "/set-up/guilds", &named).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::SEE_OTHER, steps.as_str()), "{made:?}");
    let page = me.page(&steps).await;
    assert!(page.contains("The Copper Hall") && page.contains("Owner"), "{page}");
    for (step, filled) in [
        ("/staff", vec![("user_id", "77"), ("role", "moderator")]),
        ("/preset", vec![("preset", "deeds")]),
        ("/campaign", vec![]),
        ("/public", vec![("campaigns:bool", "true")]),
    ] {
        let page = me.page(&steps).await;
        let done = me.submit(&page, &format!("{steps}{step}"), &filled).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{step}: {done:?}");
    }
    let page = me.page(&steps).await;
    assert!(page.contains("Look at the campaigns") && page.contains("/p/"), "{page}");
    let chosen = page.split("<input type=\"radio\"").find(|input| input.contains("checked")).unwrap();
    assert!(chosen.contains("deeds"), "{page}");
    // What cannot be is said at the form, and changes nothing.
    let refused = me.submit(&page, &format!("{steps}/preset"), &[("preset", "riches")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    // They are the guild's owner, and find the draft among its campaigns.
    let owners: Vec<i64> =
        sqlx::query_scalar("SELECT user_id FROM access.role_grants WHERE guild_id = $1 AND role = 'owner'")
            .bind(GUILD)
            .fetch_all(house.database.pool())
            .await
            .unwrap();
    assert_eq!(owners, [ME]);
    // And somebody in it, who can be given to and can grade.
    let known =
        "SELECT EXISTS (SELECT FROM people.members WHERE guild_id = $1 AND user_id = $2 AND left_at IS NULL)";
    let known: bool =
        sqlx::query_scalar(known).bind(GUILD).bind(ME).fetch_one(house.database.pool()).await.unwrap();
    assert!(known);
    let mut owner = Browser::signed_in(&house, GUILD, ME, Role::Member).await;
    // Nobody knows what they are called until they sign in with Discord.
    let profile = owner.page(&format!("/g/{GUILD}/members/{ME}")).await;
    assert!(profile.contains("<bdi>Owner (by the set-up link)</bdi>"), "{profile}");
    assert!(owner.page(&format!("/g/{GUILD}/staff/campaigns")).await.contains("Advent of Bytes"));
}

#[tokio::test]
async fn an_operator_runs_the_installation_and_no_guild_by_that_alone() {
    let house = House::new().await;
    crate::guilds::Guild::furnish(&house, GUILD, 11).await;
    let mut member = Browser::signed_in(&house, GUILD, ME, Role::Member).await;
    assert_eq!(member.get("/set-up").await.status, StatusCode::FORBIDDEN);
    assert_eq!(nodes(&house, &member).await, StatusCode::FORBIDDEN);
    let mut conn = house.database.pool().acquire().await.unwrap();
    assert!(operator_add(&mut conn, By::Cli, UserId::new(ME)).await.unwrap());
    assert!(!operator_add(&mut conn, By::Cli, UserId::new(ME)).await.unwrap());
    let mut operator = Browser::signed_in(&house, GUILD, ME, Role::Member).await;
    assert!(operator.page("/set-up").await.contains("an operator"));
    assert_eq!(nodes(&house, &operator).await, StatusCode::OK);
    assert_eq!(operator.get(&format!("/g/{GUILD}/staff/settings")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(operator.get("/set-up/guilds/7").await.status, StatusCode::NOT_FOUND);
    assert!(operator_remove(&mut conn, By::Cli, UserId::new(ME)).await.unwrap());
    assert!(!operator_remove(&mut conn, By::Cli, UserId::new(ME)).await.unwrap());
    let mut nobody = Browser::signed_in(&house, GUILD, ME, Role::Member).await;
    assert_eq!(nobody.get("/set-up").await.status, StatusCode::FORBIDDEN);
    let told: Vec<String> = sqlx::query_scalar(
        "SELECT action_type FROM access.admin_log WHERE target_table = 'access.operators' ORDER BY id",
    )
    .fetch_all(house.database.pool())
    .await
    .unwrap();
    assert_eq!(told, ["CREATE", "DELETE"]);
}

/// Opens a link of the demo from this address.
async fn look_around(house: &House, secret: &str, from: &str, more: &[(&str, &str)]) -> Answer {
    let mut request =
        Request::get(format!("/demo?link={secret}")).header("host", "here").header("accept", "text/html");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(from.parse::<SocketAddr>().unwrap()));
    house.send(request).await
}

#[tokio::test]
async fn a_link_of_the_demo_works_on_this_machine_in_development_and_nowhere_else() {
    let mut settings = Settings::default();
    settings.auth.development = true;
    let house = House::with(settings).await;
    crate::guilds::Guild::furnish(&house, GUILD, 11).await;
    let secret = link(&house, Some(11)).await;
    let (here, there) = ("127.0.0.1:5000", "192.0.2.7:5000");
    // Twice: somebody may close the window.
    for _ in 0..2 {
        let answer = look_around(&house, &secret, here, &[]).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"), "{answer:?}");
        assert!(answer.headers.get_all("set-cookie").iter().count() > 0, "{answer:?}");
    }
    for (from, more) in [
        (there, &[][..]),
        (here, &[("sec-purpose", "prefetch")][..]),
        (here, &[("sec-fetch-site", "cross-site")][..]),
    ] {
        let answer = look_around(&house, &secret, from, more).await;
        assert!(answer.status.is_client_error(), "{from} {more:?}: {answer:?}");
        assert_eq!(answer.headers.get("set-cookie"), None, "{answer:?}");
    }
    assert_eq!(look_around(&house, "qhl_wrong", here, &[]).await.status, StatusCode::NOT_FOUND);
    // The one for setting up signs nobody in this way, nor the other way round.
    let set_up = link(&house, None).await;
    assert_eq!(look_around(&house, &set_up, here, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        Browser::new(&house).get(&format!("/set-up?link={secret}")).await.status,
        StatusCode::NOT_FOUND
    );
    let mut conn = house.database.pool().acquire().await.unwrap();
    assert_eq!(links_withdraw(&mut conn, Purpose::Demo).await.unwrap(), 1);
    assert_eq!(look_around(&house, &secret, here, &[]).await.status, StatusCode::NOT_FOUND);
    // In service there is no such thing.
    let service = House::new().await;
    let secret = link(&service, Some(11)).await;
    assert_eq!(look_around(&service, &secret, here, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn links_expire_and_are_kept_as_hashes() {
    let house = House::new().await;
    let secret = link(&house, None).await;
    let hashes: Vec<String> = sqlx::query_scalar("SELECT token_hash FROM access.sign_in_links")
        .fetch_all(house.database.pool())
        .await
        .unwrap();
    assert!(hashes.iter().all(|hash| !secret.contains(hash.as_str())) && hashes.len() == 1);
    sqlx::query("UPDATE access.sign_in_links SET created_at = now() - interval '2 h', expires_at = now() - interval '1 h'")
        .execute(house.database.pool())
        .await
        .unwrap();
    let answer = Browser::new(&house).get(&format!("/set-up?link={secret}")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    let mut conn = house.database.pool().acquire().await.unwrap();
    assert_eq!(access::sign_in::sign_in_links_clean(&mut conn, 10).await.unwrap(), 1);
}
