//! Answers over HTTP: how many a second, how soon, and whether it matters how many there are already.
//!
//! Everybody answers in one campaign with the default rate limits, from a hundred thousand participants in turn, so that no
//! limit is met; one in ten answers is right. The server is a process of its own on the same cores as the load.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use kernel::{CampaignId, ChallengeId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::contest::{self, FIRST_USER, GUILD};
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::load::{self, Api, Call};
use crate::process::Server;
use crate::progress;

const SECTION: &str = "submissions";
/// Connections of the load.
const CONNECTIONS: usize = 64;
/// Requests a second of the calm load.
const CALM: f64 = 500.0;

struct Sizes {
    participants: usize,
    few: usize,
    many: usize,
    warm_up: Duration,
    burst: Duration,
    calm: Duration,
}

/// What answers are sent to.
struct Contest {
    campaign: CampaignId,
    open: Vec<ChallengeId>,
    participants: usize,
    api: Api,
}

pub(crate) async fn measure(ground: &Ground, program: &std::path::Path, quick: bool) -> Result<Vec<Figure>> {
    let sizes = if quick {
        let short = Duration::from_millis(200);
        Sizes { participants: 2_000, few: 100, many: 1_000, warm_up: short, burst: short, calm: short }
    } else {
        Sizes {
            participants: 100_000,
            few: 1_000,
            many: 1_000_000,
            warm_up: Duration::from_secs(3),
            burst: Duration::from_secs(10),
            calm: Duration::from_secs(20),
        }
    };
    let scoring = challenges::rules::Scoring::PointBased;
    let pool = ground.pool();
    let campaign = contest::campaign(pool, scoring).await?;
    let mut open = contest::challenges(pool, campaign, 6).await?;
    let solved = open.split_off(5)[0];
    contest::participants(pool, campaign, scoring, sizes.participants, false).await?;
    contest::inputs(pool, campaign, &open, sizes.participants).await?;
    contest::past_answers(pool, campaign, &open, solved, (0, sizes.few), sizes.participants).await?;
    let api = Api {
        authorization: contest::key(pool).await?,
        base: format!("/api/v1/guilds/{GUILD}/campaigns/{campaign}"),
    };
    ground.settle().await?;
    let (bare, bare_calm) = bare_rate(ground, &sizes, campaign).await?;

    let contest = Arc::new(Contest { campaign, open, participants: sizes.participants, api });
    let server = Server::start(program, &["serve", "--database-url", &ground.url()]).await?;
    let calls = {
        let contest = Arc::clone(&contest);
        Arc::new(move |n| contest.answer(n))
    };
    let next = 0;
    let (few, next) = burst(&server, &sizes, next, &calls).await?;
    let (calm, next) = {
        let _spinner = progress::spinner("500 answers a second");
        load::open(server.address, CONNECTIONS, CALM, sizes.calm, next, Arc::clone(&calls)).await?
    };
    calm.flawless()?;

    contest::past_answers(
        pool,
        contest.campaign,
        &contest.open,
        solved,
        (sizes.few, sizes.many),
        sizes.participants,
    )
    .await?;
    ground.settle().await?;
    let (many, next) = burst(&server, &sizes, next, &calls).await?;
    let (calm_many, _) = {
        let _spinner = progress::spinner("500 answers a second");
        load::open(server.address, CONNECTIONS, CALM, sizes.calm, next, calls).await?
    };
    calm_many.flawless()?;
    server.stop().await?;

    let ((p50, p99), (p50_many, p99_many)) = (calm.latencies.p50_p99(), calm_many.latencies.p50_p99());
    Ok(vec![
        Figure::new(SECTION, format!("answers judged, {CONNECTIONS} connections"), few, Unit::PerSecond)
            .target(Target::AtLeast(2_000.0))
            .limit(bare, "a bare handler with one INSERT for each request, same pool size"),
        Figure::new(SECTION, "at 500/s, p50", p50, Unit::Milliseconds),
        Figure::new(SECTION, "at 500/s, p99", p99, Unit::Milliseconds)
            .target(Target::AtMost(30.0))
            .limit(bare_calm, "the bare handler at that rate"),
        Figure::new(
            SECTION,
            format!("answers judged, after {} past ones", sizes.many),
            many,
            Unit::PerSecond,
        ),
        Figure::new(SECTION, format!("slower than after {}", sizes.few), few / many, Unit::Times)
            .target(Target::AtMost(1.2)),
        Figure::new(
            SECTION,
            format!("at 500/s after {} past ones, p50", sizes.many),
            p50_many,
            Unit::Milliseconds,
        )
        .limit(p50, format!("after {}", sizes.few)),
        Figure::new(
            SECTION,
            format!("at 500/s after {} past ones, p99", sizes.many),
            p99_many,
            Unit::Milliseconds,
        )
        .target(Target::AtMost(30.0)),
    ])
}

/// As many answers as the server takes, a second; after a warm-up.
async fn burst(
    server: &Server,
    sizes: &Sizes,
    next: usize,
    calls: &Arc<impl load::Calls>,
) -> Result<(f64, usize)> {
    let _spinner = progress::spinner("answers as fast as they are judged");
    let (_, next) = load::closed(server.address, CONNECTIONS, sizes.warm_up, next, Arc::clone(calls)).await?;
    let (outcome, next) =
        load::closed(server.address, CONNECTIONS, sizes.burst, next, Arc::clone(calls)).await?;
    Ok((outcome.rate()?, next))
}

impl Contest {
    /// The n-th answer: by the participants in turn, each to the challenge of which they have the input.
    fn answer(&self, n: usize) -> Call {
        let who = n % self.participants;
        let challenge = self.open[who % self.open.len()];
        let user = FIRST_USER + i64::try_from(who).unwrap_or(0);
        let answer = if n % 10 == 7 { "right".to_owned() } else { format!("wrong {n}") };
        self.api.post(
            &format!("/challenges/{challenge}/submissions"),
            user,
            serde_json::json!({ "answer": answer }).to_string(),
        )
    }
}

/// What a bare handler receives: as much as ours.
#[derive(Deserialize)]
struct BareAnswer {
    user_id: i64,
    answer: String,
}

#[derive(Serialize)]
struct BareReply {
    id: Uuid,
}

/// The limit: axum, JSON, and one INSERT for each request through a pool of the same size, nothing judged. How many a second, and the p99 of
/// the calm load.
async fn bare_rate(ground: &Ground, sizes: &Sizes, campaign: CampaignId) -> Result<(f64, f64)> {
    let _spinner = progress::spinner("a bare handler");
    sqlx::raw_sql(
        "CREATE SCHEMA IF NOT EXISTS bench;
         DROP TABLE IF EXISTS bench.answers;
         CREATE TABLE bench.answers (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id bigint NOT NULL, answer text NOT NULL,
             at timestamptz NOT NULL DEFAULT now());",
    )
    .execute(&mut *db::acquire(ground.pool()).await?)
    .await?;
    let router = Router::new().route("/answers", post(bare_handler)).with_state(ground.pool().clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let api = Api { authorization: "Bearer none".to_owned(), base: String::new() };
    let calls = Arc::new(move |n: usize| {
        let user = FIRST_USER + i64::try_from(n).unwrap_or(0);
        let body = serde_json::json!({ "user_id": user, "answer": format!("wrong {n} in {campaign}") });
        api.post("/answers", user, body.to_string())
    });
    let (_, next) = load::closed(address, CONNECTIONS, sizes.warm_up, 0, Arc::clone(&calls)).await?;
    let (outcome, next) = load::closed(address, CONNECTIONS, sizes.burst, next, Arc::clone(&calls)).await?;
    let (calm, _) = load::open(address, CONNECTIONS, CALM, sizes.calm, next, calls).await?;
    serving.abort();
    let (_, p99) = calm.latencies.p50_p99();
    Ok((outcome.rate()?, p99))
}

async fn bare_handler(
    State(pool): State<PgPool>,
    Json(answer): Json<BareAnswer>,
) -> Result<Json<BareReply>, StatusCode> {
    let failed = |_: sqlx::Error| StatusCode::INTERNAL_SERVER_ERROR;
    let mut conn = db::acquire(&pool).await.map_err(failed)?;
    let id = sqlx::query_scalar("INSERT INTO bench.answers (user_id, answer) VALUES ($1, $2) RETURNING id")
        .bind(answer.user_id)
        .bind(answer.answer)
        .fetch_one(&mut *conn)
        .await
        .map_err(failed)?;
    Ok(Json(BareReply { id }))
}
