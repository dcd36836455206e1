//! Learning: steps completed with all that follows, paths with a learner's states, imports, reviews, search, regrades, figures and
//! recommendations. All of it goes through the slices' `ops`, as requests do, without HTTP.

mod completions;
mod counted;
mod found;
mod judged;
mod paths;

use access::{By, Origin};
use anyhow::{Context as _, Result};
use kernel::{GuildId, UserId};
use learning::ids::PathId;
use learning::model::path::Bundle;
use learning::ops::{Author, bundle_import};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::sample::Samples;

const SECTION: &str = "learning";

pub(crate) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let mut figures = completions::measure(ground, quick).await?;
    figures.extend(paths::measure(ground, quick).await?);
    figures.extend(judged::measure(ground, quick).await?);
    figures.extend(found::measure(ground, quick).await?);
    figures.extend(counted::measure(ground, quick).await?);
    Ok(figures)
}

/// Publishes a path in a guild.
async fn publish(pool: &PgPool, guild: GuildId, bundle: Value) -> Result<PathId> {
    let bundle: Bundle = serde_json::from_value(bundle)?;
    let here = Origin::default();
    let author = Author { by: By::Cli, origin: &here };
    Ok(bundle_import(pool, guild, &bundle, true, author).await?.path_id)
}

/// Members of a guild who are learners.
async fn learners(conn: &mut PgConnection, guild: GuildId, first: i64, count: i64) -> Result<()> {
    let members: Vec<(UserId, Option<&str>)> =
        (0..count).map(|n| (UserId::new(first + n), Some("Learner"))).collect();
    people::members_ensure(&mut *conn, guild, &members).await?;
    sqlx::query(
        "INSERT INTO learning.learners (guild_id, auth_user_id, user_id)
         SELECT $1, u.auth_user_id, u.id FROM people.users u WHERE u.id >= $2 AND u.id < $2 + $3",
    )
    .bind(guild.get())
    .bind(first)
    .bind(count)
    .execute(conn)
    .await
    .context("learners")?;
    Ok(())
}

/// Median and 99th percentile, the latter with its target.
fn latencies(name: &str, samples: Samples, most: f64) -> [Figure; 2] {
    let (p50, p99) = samples.p50_p99();
    [
        Figure::new(SECTION, format!("{name}, p50"), p50, Unit::Milliseconds),
        Figure::new(SECTION, format!("{name}, p99"), p99, Unit::Milliseconds).target(Target::AtMost(most)),
    ]
}
