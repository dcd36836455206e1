//! Events on their way out: from the outbox to clients of streams, what idle streams cost, and webhooks.

mod streams;
mod webhooks;

use std::path::Path;

use anyhow::{Context as _, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::contest;
use crate::figure::Figure;
use crate::ground::Ground;
use crate::process::Server;

const SECTION: &str = "events";

pub(crate) async fn measure(ground: &Ground, program: &Path, quick: bool) -> Result<Vec<Figure>> {
    allow_many_descriptors()?;
    let authorization = contest::key(ground.pool()).await?;
    let url = ground.url();
    let mut args = vec!["serve", "--database-url", &url];
    for setting in ["streams.max_streams_per_key=15000", "streams.max_streams_per_guild=15000"] {
        args.extend(["--set", setting]);
    }
    let server = Server::start(program, &args).await?;
    let mut figures = streams::latency(ground, &server, &authorization, quick).await?;
    server.stop().await?;
    // A server of its own: what the first has seen is none of the idle ones' memory.
    let server = Server::start(program, &args).await?;
    figures.extend(streams::idle(&server, &authorization, quick).await?);
    server.stop().await?;
    figures.extend(webhooks::measure(ground, quick).await?);
    Ok(figures)
}

/// Both ends of ten thousand connections are files; the server beside us inherits our limit.
fn allow_many_descriptors() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("the limit on open files cannot be raised")
}
