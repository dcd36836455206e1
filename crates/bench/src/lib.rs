//! `questhall bench`: how fast it is here, beside what this machine can do at most.
//!
//! Promises:
//! * every figure is taken with the real thing: the engine, the server process, the jail;
//! * the limit beside a figure is measured in the same run, so that a slow or busy machine shows in both;
//! * PostgreSQL is as durable as in service; nothing is switched off for speed;
//! * nothing is left behind: the cluster and its folder go, unless a database was given.
//!
//! Map: [`figure`] figures and the report · [`machine`] on what · `ground` the database · `timers`, `submissions`,
//! `transfers`, `ingest`, `leaderboard`, `auth`, `automod`, `inputs`, `authors`, `events`, `learning`, `pages`, `server` the sections · `contest` a campaign full of people · `load` HTTP clients · `process` a server beside us. What the
//! figures mean, and those seen: docs/benchmarks.md.

mod auth;
mod authors;
mod automod;
mod contest;
mod events;
pub mod figure;
mod ground;
mod ingest;
mod inputs;
mod leaderboard;
mod learning;
mod load;
pub mod machine;
mod pages;
mod process;
mod progress;
mod sample;
mod server;
mod submissions;
mod timers;
mod transfers;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args as ClapArgs, ValueEnum};

pub use figure::{Figure, Report};
use ground::Ground;
use machine::Machine;

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// Timers due at once, lone ones, a million pending ones, an old snapshot.
    Timers,
    /// Answers over HTTP.
    Submissions,
    /// Pages and ranks among 100,000 participants.
    Leaderboard,
    /// Who sends a request.
    Auth,
    /// Generators in the jail.
    Inputs,
    /// Checkers, a check of a large campaign, inputs with files.
    Authors,
    /// Bytes between members, random and hot.
    Transfers,
    /// Events into the lake, and what members see of each other among a million.
    Ingest,
    /// Messages judged by fifty rules.
    Automod,
    /// Steps completed, paths, imports, reviews, search, figures and recommendations.
    Learning,
    /// Pages of the dashboard: how soon they are there, how much travels.
    Pages,
    /// Memory and start of a server.
    Server,
    /// Events on their way to clients of streams and to webhooks.
    Events,
    /// Everything.
    All,
}

impl Section {
    fn includes(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}

/// What may be asked of a benchmark.
#[derive(Debug, Clone, ClapArgs)]
pub struct Args {
    /// What to measure.
    #[arg(value_enum, default_value_t = Section::All)]
    pub section: Section,
    /// Shrink everything, to see that it works; such figures say nothing about speed.
    #[arg(long)]
    pub quick: bool,
    /// Events of the section `ingest`; 5,000,000 show what a full lake costs.
    #[arg(long, default_value_t = 400_000)]
    pub events: usize,
    /// Exit code 1 when a target is missed.
    #[arg(long)]
    pub strict: bool,
}

/// With what to measure.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The schema of the program.
    pub schema: &'static db::migrate::Schema,
    /// The database's settings, of which URL and folder are replaced.
    pub db: db::Settings,
    /// A database to use instead of a cluster of our own; it must be empty.
    pub database_url: Option<String>,
    /// What the program calls itself: its version and commit.
    pub questhall: String,
    /// The `questhall` program, for servers beside us.
    pub program: PathBuf,
}

/// Measures, and cleans up.
pub async fn run(args: &Args, surroundings: &Surroundings) -> Result<Report> {
    let ground = {
        let _spinner = progress::spinner("making a database");
        Ground::prepare(surroundings.schema, surroundings.database_url.as_deref(), surroundings.db.clone())
            .await?
    };
    let figures = measure(args, &ground, &surroundings.program).await;
    let described = ground.describe().await;
    ground.close().await;
    Ok(Report {
        machine: Machine::here(described?, surroundings.questhall.clone()),
        quick: args.quick,
        figures: figures?,
    })
}

async fn measure(args: &Args, ground: &Ground, program: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if args.section.includes(Section::Timers) {
        figures.extend(timers::measure(ground, args.quick).await?);
    }
    if args.section.includes(Section::Submissions) {
        figures.extend(submissions::measure(ground, program, args.quick).await?);
    }
    if args.section.includes(Section::Transfers) {
        figures.extend(transfers::measure(ground, args.quick).await?);
    }
    if args.section.includes(Section::Ingest) {
        figures.extend(ingest::measure(ground, program, args.quick, args.events.max(4_000)).await?);
    }
    if args.section.includes(Section::Leaderboard) {
        figures.extend(leaderboard::measure(ground, program, args.quick).await?);
    }
    if args.section.includes(Section::Auth) {
        figures.extend(auth::measure(ground, args.quick).await?);
    }
    if args.section.includes(Section::Automod) {
        figures.extend(automod::measure(args.quick)?);
    }
    if args.section.includes(Section::Inputs) {
        figures.extend(inputs::measure(args.quick).await?);
    }
    if args.section.includes(Section::Authors) {
        figures.extend(authors::measure(ground, args.quick).await?);
    }
    if args.section.includes(Section::Events) {
        figures.extend(events::measure(ground, program, args.quick).await?);
    }
    if args.section.includes(Section::Learning) {
        figures.extend(learning::measure(ground, args.quick).await?);
    }
    if args.section.includes(Section::Pages) {
        figures.extend(pages::measure(ground, program, args.quick).await?);
    }
    if args.section.includes(Section::Server) {
        figures.extend(server::measure(program, args.quick).await?);
    }
    Ok(figures)
}
