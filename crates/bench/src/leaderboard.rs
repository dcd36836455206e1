//! The leaderboard among a hundred thousand participants: pages anywhere, and anybody's own rank, in both scorings.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use challenges::leaderboard::{self, View};
use challenges::rules::Scoring;
use kernel::{CampaignId, PageQuery};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::PgConnection;

use crate::contest::{self, FIRST_USER, GUILD};
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::load::{Api, Client};
use crate::process::Server;
use crate::progress;
use crate::sample::Samples;

const SECTION: &str = "leaderboard";
/// Rows of a page.
const PAGE: i64 = 100;

pub(crate) async fn measure(ground: &Ground, program: &std::path::Path, quick: bool) -> Result<Vec<Figure>> {
    let (participants, samples) = if quick { (2_000, 20) } else { (100_000, 2_000) };
    let mut contests = Vec::new();
    for scoring in [Scoring::PointBased, Scoring::TimeBased] {
        let campaign = contest::campaign(ground.pool(), scoring).await?;
        contest::challenges(ground.pool(), campaign, 12).await?;
        contest::participants(ground.pool(), campaign, scoring, participants, true).await?;
        contests.push((scoring, campaign));
    }
    ground.settle().await?;
    let server = Server::start(program, &["serve", "--database-url", &ground.url()]).await?;
    let authorization = contest::key(ground.pool()).await?;
    let mut figures = Vec::new();
    for (scoring, campaign) in contests {
        let stage = Stage { campaign, participants, samples };
        let mut connection = ground.connect().await?;
        let cursors = stage.cursors(&mut connection).await?;
        let _spinner = progress::spinner("reading leaderboards");
        let bare = stage.bare(&mut connection).await?;
        let pages = stage.pages(&mut connection, &cursors).await?;
        let ranks = stage.ranks(&mut connection).await?;
        let api = Api {
            authorization: authorization.clone(),
            base: format!("/api/v1/guilds/{GUILD}/campaigns/{campaign}/leaderboard"),
        };
        let mut client = Client::connect(server.address).await?;
        let pages_http = stage.pages_http(&mut client, &api, &cursors).await?;
        let ranks_http = stage.ranks_http(&mut client, &api).await?;
        let scoring = scoring.as_str();
        let mut add = |name: &str, samples: Samples, limit: Option<(f64, f64)>| {
            let (p50, p99) = samples.p50_p99();
            let figure = |percentile: &str, value, beside: Option<f64>| {
                let figure = Figure::new(
                    SECTION,
                    format!("{name}, {scoring}, {percentile}"),
                    value,
                    Unit::Milliseconds,
                );
                match beside {
                    Some(beside) => figure.limit(beside, "bare SELECT of 100 by index"),
                    None => figure,
                }
            };
            figures.push(figure("p50", p50, limit.map(|limit| limit.0)));
            figures.push(figure("p99", p99, limit.map(|limit| limit.1)).target(Target::AtMost(5.0)));
        };
        add("page of 100", pages, Some(bare.p50_p99()));
        add("page of 100 over HTTP", pages_http, None);
        add("own rank", ranks, None);
        add("own rank over HTTP", ranks_http, None);
    }
    server.stop().await?;
    Ok(figures)
}

struct Stage {
    campaign: CampaignId,
    participants: usize,
    samples: usize,
}

impl Stage {
    /// A cursor behind every page from the first to the last.
    async fn cursors(&self, connection: &mut PgConnection) -> Result<Vec<Option<String>>> {
        let _spinner = progress::spinner("turning pages");
        let facts = challenges::campaign_find(connection, GUILD, self.campaign).await?;
        let mut cursors = vec![None];
        let mut rows = 0;
        loop {
            let query = PageQuery { limit: Some(200), cursor: cursors.last().cloned().flatten() };
            let page = leaderboard::page(connection, &facts, View::Live, &query).await?;
            rows += page.items.len();
            match page.next {
                Some(next) => cursors.push(Some(next)),
                None => break,
            }
        }
        ensure!(
            rows == self.participants,
            "{rows} of {} participants are on the leaderboard",
            self.participants
        );
        Ok(cursors)
    }

    /// Takes samples; every tenth is of the first page, which is what most people look at.
    async fn pages(&self, connection: &mut PgConnection, cursors: &[Option<String>]) -> Result<Samples> {
        let mut rng = StdRng::seed_from_u64(11);
        let mut samples = Samples::default();
        for n in 0..self.samples + warm_up(self.samples) {
            let cursor = cursors[if n % 10 == 0 { 0 } else { rng.random_range(0..cursors.len()) }].clone();
            let began = Instant::now();
            // What a request does: the campaign, then the page.
            let facts = challenges::campaign_find(connection, GUILD, self.campaign).await?;
            let query = PageQuery { limit: Some(PAGE), cursor };
            let page = leaderboard::page(connection, &facts, View::of(&facts, false), &query).await?;
            let took = began.elapsed();
            ensure!(!page.items.is_empty(), "a page is empty");
            keep(&mut samples, n, self.samples, took);
        }
        Ok(samples)
    }

    async fn ranks(&self, connection: &mut PgConnection) -> Result<Samples> {
        let mut rng = StdRng::seed_from_u64(13);
        let mut samples = Samples::default();
        for n in 0..self.samples + warm_up(self.samples) {
            let participant =
                (FIRST_USER + i64::try_from(rng.random_range(0..self.participants))?).to_string();
            let began = Instant::now();
            let facts = challenges::campaign_find(connection, GUILD, self.campaign).await?;
            let view = View::of(&facts, false);
            let around = leaderboard::around(connection, &facts, view, &participant, 0).await?;
            let took = began.elapsed();
            around.me.context("a participant has no rank")?;
            keep(&mut samples, n, self.samples, took);
        }
        Ok(samples)
    }

    /// The limit: a hundred rows by the index, from somewhere.
    async fn bare(&self, connection: &mut PgConnection) -> Result<Samples> {
        let keys = sqlx::query!(
            "SELECT bucket, rank_major FROM campaigns.campaign_participants WHERE guild_id = $2 AND campaign_id = $1 AND bucket >= 0
             ORDER BY random() LIMIT 200",
            self.campaign.get(),
        GUILD.get(),
    )
        .fetch_all(&mut *connection)
        .await?;
        let mut samples = Samples::default();
        for (n, key) in (0..self.samples + warm_up(self.samples)).zip(keys.iter().cycle()) {
            let began = Instant::now();
            let rows = sqlx::query!(
                "SELECT participant_id, participant_type, display_name, points, penalty, parts_solved, total_ms,
                        nullif(last_correct_at, 'infinity') AS last_correct_at
                 FROM campaigns.campaign_participants
                 WHERE guild_id = $3 AND campaign_id = $1 AND bucket <= $2
                 ORDER BY bucket DESC, rank_major DESC, rank_minor, last_correct_at, participant_id LIMIT 100",
                self.campaign.get(),
                key.bucket,
        GUILD.get(),
    )
            .fetch_all(&mut *connection)
            .await?;
            let took = began.elapsed();
            ensure!(!rows.is_empty(), "a page is empty");
            keep(&mut samples, n, self.samples, took);
        }
        Ok(samples)
    }

    async fn pages_http(
        &self,
        client: &mut Client,
        api: &Api,
        cursors: &[Option<String>],
    ) -> Result<Samples> {
        let mut rng = StdRng::seed_from_u64(17);
        let mut samples = Samples::default();
        for n in 0..self.samples + warm_up(self.samples) {
            let at = if n % 10 == 0 { 0 } else { rng.random_range(0..cursors.len()) };
            let cursor = cursors[at].as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let call = api.get(&format!("?limit={PAGE}{cursor}"), FIRST_USER);
            let began = Instant::now();
            client.get(call).await?;
            keep(&mut samples, n, self.samples, began.elapsed());
        }
        Ok(samples)
    }

    async fn ranks_http(&self, client: &mut Client, api: &Api) -> Result<Samples> {
        let mut rng = StdRng::seed_from_u64(19);
        let mut samples = Samples::default();
        for n in 0..self.samples + warm_up(self.samples) {
            let user = FIRST_USER + i64::try_from(rng.random_range(0..self.participants))?;
            let call = api.get("/me", user);
            let began = Instant::now();
            client.get(call).await?;
            keep(&mut samples, n, self.samples, began.elapsed());
        }
        Ok(samples)
    }
}

/// A tenth more, taken first and thrown away.
fn warm_up(samples: usize) -> usize {
    samples / 10
}

fn keep(samples: &mut Samples, n: usize, wanted: usize, took: Duration) {
    if n >= warm_up(wanted) {
        samples.push(took);
    }
}
