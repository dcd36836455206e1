//! Pages of the dashboard over a guild of a hundred thousand members: how soon they are there while two hundred a second are asked
//! for, and how much travels.
//!
//! Each page is asked for as another member each time, so that nothing is found because it was asked for a moment ago.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access::{Author, By, Origin};
use anyhow::{Context as _, Result, bail};
use challenges::rules::Scoring;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use sqlx::PgPool;

use crate::contest::{self, FIRST_USER, GUILD};
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::load::{self, Call, Client};
use crate::process::Server;
use crate::progress;
use ::progress::SLICE as PROGRESS;

const SECTION: &str = "pages";
/// Requests a second.
const RATE: f64 = 200.0;
/// Connections of the load.
const CONNECTIONS: usize = 16;
/// What a page may weigh, compressed, in KiB.
const BUDGETS: [(&str, f64); 2] = [("css", 14.0), ("js", 12.0)];
const HTML_BUDGET: f64 = 10.0;

pub(crate) async fn measure(ground: &Ground, program: &Path, quick: bool) -> Result<Vec<Figure>> {
    let (members, duration) =
        if quick { (2_000, Duration::from_millis(200)) } else { (100_000, Duration::from_secs(6)) };
    let campaign = contest::campaign(ground.pool(), Scoring::PointBased).await?;
    contest::challenges(ground.pool(), campaign, 12).await?;
    contest::participants(ground.pool(), campaign, Scoring::PointBased, members, true).await?;
    settle(ground.pool(), members).await?;
    ground.settle().await?;
    let server = Server::start(program, &["serve", "--database-url", &ground.url()]).await?;
    let authorization: Arc<str> = contest::key(ground.pool()).await?.into();
    let mut figures = Vec::new();
    let of_campaign = |rest: &str| format!("/campaigns/{campaign}{rest}");
    let pages: [(&str, String); 10] = [
        ("home", String::new()),
        ("campaigns", "/campaigns".to_owned()),
        ("campaign", of_campaign("")),
        ("standings", of_campaign("/standings")),
        ("leaderboard", "/leaderboard".to_owned()),
        ("profile", "/me".to_owned()),
        ("wallet", "/wallet".to_owned()),
        ("squads", "/squads".to_owned()),
        ("board", "/board".to_owned()),
        ("learn", "/learn".to_owned()),
    ];
    let mut client = Client::connect(server.address).await?;
    let mut home = Bytes::new();
    for (name, path) in pages {
        let spinner = progress::spinner("asking for pages");
        let path = format!("/g/{GUILD}{path}");
        let (key, of) = (Arc::clone(&authorization), path.clone());
        let calls = Arc::new(move |n: usize| {
            let nth = i64::try_from(n * 7_919 % members).unwrap_or(0);
            call(&of, &key, FIRST_USER + nth, false)
        });
        // The first ones find caches empty, and plans not made.
        let (_, from) =
            load::open(server.address, CONNECTIONS, RATE, duration / 6, 0, Arc::clone(&calls)).await?;
        let (outcome, _) = load::open(server.address, CONNECTIONS, RATE, duration, from, calls).await?;
        outcome.flawless()?;
        let (p50, p99) = outcome.latencies.p50_p99();
        figures.push(Figure::new(SECTION, format!("{name} at 200/s, p50"), p50, Unit::Milliseconds));
        figures.push(
            Figure::new(SECTION, format!("{name} at 200/s, p99"), p99, Unit::Milliseconds)
                .target(Target::AtMost(15.0)),
        );
        let plain = client.get(call(&path, &authorization, FIRST_USER, false)).await?;
        let packed = client.get(call(&path, &authorization, FIRST_USER, true)).await?;
        figures.push(
            Figure::new(SECTION, format!("{name}, compressed"), kibibytes(&packed), Unit::Kibibytes)
                .target(Target::AtMost(HTML_BUDGET)),
        );
        if name == "home" {
            home = plain;
        }
        drop(spinner);
    }
    let home = String::from_utf8_lossy(&home).into_owned();
    for (kind, budget) in BUDGETS {
        let path = asset(&home, kind).with_context(|| format!("the page names no {kind}"))?;
        let packed = client.get(call(&path, &authorization, FIRST_USER, true)).await?;
        figures.push(
            Figure::new(SECTION, format!("{kind}, compressed"), kibibytes(&packed), Unit::Kibibytes)
                .target(Target::AtMost(budget)),
        );
    }
    server.stop().await?;
    Ok(figures)
}

/// The participants as members of their guild, who have talked before; a season that runs.
async fn settle(pool: &PgPool, members: usize) -> Result<()> {
    let _spinner = progress::spinner("making members");
    let (first, last) = (FIRST_USER, FIRST_USER + i64::try_from(members)? - 1);
    sqlx::query!(
        "INSERT INTO people.users (id) SELECT n FROM generate_series($1::bigint, $2::bigint) AS n ON CONFLICT DO NOTHING",
        first,
        last,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO people.members (guild_id, user_id, display_name)
         SELECT $1, n, 'Member ' || n FROM generate_series($2::bigint, $3::bigint) AS n ON CONFLICT DO NOTHING",
        GUILD.get(),
        first,
        last,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO progress.seasons (guild_id, name, starts_at, ends_at, active)
         SELECT $1, 'bench', now() - interval '60 days', now() + interval '60 days', true
          WHERE NOT EXISTS (SELECT FROM progress.seasons WHERE guild_id = $1)",
        GUILD.get(),
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "INSERT INTO progress.activity_log (guild_id, user_id, event_type, source_system, season_id, xp_delta, star_delta)
         SELECT $1, n, 'IMPORT', 'import', s.id, (100000 * power((hashint8(n) & 1048575) / 1048576.0, 4))::int, n % 1000
           FROM progress.seasons s CROSS JOIN generate_series($2::bigint, $3::bigint) AS n
          WHERE s.guild_id = $1 AND s.active",
        GUILD.get(),
        first,
        last,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    // Accounts that are open: they open one after the other, the first time that somebody looks.
    sqlx::query!(
        "INSERT INTO economy.bytes_balances (guild_id, user_id)
         SELECT $1, n FROM generate_series($2::bigint, $3::bigint) AS n ON CONFLICT DO NOTHING",
        GUILD.get(),
        first,
        last,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    // What is kept beside the journal, by the program's own hand: a server that found it missing would mend it under the load.
    if let Some(weekly) = PROGRESS.audit.and_then(|audit| audit.weekly) {
        let here = Origin::default();
        if let Err(error) = (weekly.repair)(pool, GUILD, Author::new(By::System, &here)).await {
            bail!("the members' figures cannot be derived from their journal: {error}");
        }
    }
    sqlx::query_scalar!(r#"SELECT progress.xp_histogram_fold() AS "folded!""#)
        .fetch_one(&mut *db::acquire(pool).await?)
        .await?;
    Ok(())
}

/// A page as a browser asks for it, for a member.
fn call(path: &str, authorization: &str, user: i64, packed: bool) -> Call {
    let mut request = Request::get(path)
        .header("host", "bench")
        .header("accept", "text/html")
        .header("authorization", authorization)
        .header("questhall-user", user);
    if packed {
        request = request.header("accept-encoding", "gzip");
    }
    // Made of our own texts only, so it is well-formed; were it not, the server says so.
    request.body(Full::new(Bytes::new())).unwrap_or_default()
}

/// The first file of a kind that a page names.
fn asset(page: &str, kind: &str) -> Option<String> {
    let ends = format!(".{kind}");
    page.split('"').find(|text| text.starts_with("/assets/") && text.ends_with(&ends)).map(str::to_owned)
}

#[expect(clippy::cast_precision_loss, reason = "a size of some kibibytes")]
fn kibibytes(body: &Bytes) -> f64 {
    body.len() as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_a_page() {
        let page = r#"<link href="/assets/page-1.css"><script src="/assets/page-2.js">"#;
        assert_eq!(asset(page, "js").as_deref(), Some("/assets/page-2.js"));
        assert_eq!(asset(page, "svg"), None);
    }
}
