//! What it costs to find out who sends a request: a cached key, and a whole request with it beside the same without.

use std::hint::black_box;
use std::time::Instant;

use access::scope::CampaignsRead;
use access::sessions::cookie::Cookie;
use access::sessions::session_start;
use access::{App, By, HttpSettings, InGuild, Origin, Person, Role};
use anyhow::{Result, ensure};
use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::get;
use axum::{Router, middleware};
use kernel::{GuildId, UserId};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::{contest, progress};

const SECTION: &str = "auth";
const GUILD: i64 = 175_928_847_299_117_063;
const USER: i64 = 80_351_110_224_678_912;

pub(crate) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let _spinner = progress::spinner("authenticating");
    let (rounds, each) = if quick { (3, 20) } else { (300, 500) };
    let bearer = contest::key(ground.pool()).await?;
    // Limits that count, and are not reached.
    contest::limit_requests(ground.pool(), 10_000_000.into(), 1_000_000).await?;
    let key = bearer.trim_start_matches("Bearer ").to_owned();
    let app = App::new(ground.pool().clone(), jobs::Wake::new(), HttpSettings::default());
    let cookie = session(ground, &app).await?;
    let router = Router::new()
        .route(
            "/api/guilds/{guild_id}/closed",
            get(|guild: InGuild<CampaignsRead>| async move { black_box(guild.guild_id).to_string() }),
        )
        .layer(middleware::from_fn_with_state(app.clone(), access::web::rate_limits))
        .with_state(app.clone());
    let open =
        Router::new().route("/api/guilds/{guild_id}/open", get(|| async { black_box(GUILD).to_string() }));

    let cached = rounds_of(rounds, each, async || {
        ensure!(app.keys().authenticate(&key).await?.is_some(), "the key is not known");
        Ok(())
    })
    .await?;
    let by_key = rounds_of(rounds, each, async || {
        ask(&router, "closed", Some((header::AUTHORIZATION, &bearer))).await
    })
    .await?;
    let by_cookie =
        rounds_of(rounds, each, async || ask(&router, "closed", Some((header::COOKIE, &cookie))).await)
            .await?;
    let without = rounds_of(rounds, each, async || ask(&open, "open", None).await).await?;
    let hashing = rounds_of(rounds, each, async || {
        black_box(Sha256::digest(black_box(&key)));
        Ok(())
    })
    .await?;
    let figure = |name: &str, value: f64| {
        Figure::new(SECTION, name, value, Unit::Microseconds).target(Target::AtMost(50.0))
    };
    Ok(vec![
        figure("a cached key, p50", cached.0).limit(hashing.0, "its SHA-256 alone"),
        Figure::new(SECTION, "a cached key, p99 of rounds", cached.1, Unit::Microseconds)
            .limit(hashing.1, "its SHA-256 alone"),
        figure("a request by key: who, guild, scope, rate limit", by_key.0 - without.0)
            .limit(without.0, "the whole request without"),
        figure("a request by session: who, role, rate limit", by_cookie.0 - without.0)
            .limit(without.0, "the whole request without"),
    ])
}

/// A member who is signed in, as a `Cookie` header.
async fn session(ground: &Ground, app: &App) -> Result<String> {
    let (guild, user) = (GuildId::new(GUILD), UserId::new(USER));
    let mut tx = db::begin(ground.pool()).await?;
    access::roles::grant_put(&mut tx, By::Cli, &Origin::default(), guild, user, Role::Member, None).await?;
    let new = session_start(&mut tx, &Person::User(user), &Origin::default(), None).await?;
    tx.commit().await?;
    Ok(format!("{}={}", Cookie::Session.name(app.http()), new.token))
}

async fn ask(router: &Router, route: &str, credential: Option<(header::HeaderName, &String)>) -> Result<()> {
    let mut request = Request::get(format!("/api/guilds/{GUILD}/{route}"));
    if let Some((name, value)) = credential {
        request = request.header(name, value);
    }
    let response = router.clone().oneshot(request.body(Body::empty())?).await?;
    ensure!(response.status() == 200, "answered {}", response.status());
    Ok(())
}

/// Microseconds that one turn takes: the 50th and the 99th percentile of the rounds' means.
async fn rounds_of(rounds: u32, each: u32, turn: impl AsyncFn() -> Result<()>) -> Result<(f64, f64)> {
    let mut means = crate::sample::Samples::default();
    // The first asks the database.
    turn().await?;
    for _ in 0..rounds {
        let began = Instant::now();
        for _ in 0..each {
            turn().await?;
        }
        means.push(began.elapsed());
    }
    let (p50, p99) = means.p50_p99();
    let to_micros = |millis: f64| millis * 1e3 / f64::from(each);
    Ok((to_micros(p50), to_micros(p99)))
}
