//! Every slice, listed once: whatever has to know all of them goes over this list.

use std::sync::Arc;

use access::Slice;
use access::settings::Registry;
use access::sign_in::GuildsKnown;
use kernel::Kind;
use sqlx::PgPool;

use crate::operations;

/// All slices, bottom to top. A new one is a line here, and one among the workspace's dependencies.
pub static SLICES: &[&Slice] = &[
    &access::SLICE,
    &people::SLICE,
    &progress::SLICE,
    &lake::SLICE,
    &delivery::SLICE,
    &community::SLICE,
    &economy::SLICE,
    &squads::SLICE,
    &moderation::SLICE,
    &challenges::SLICE,
    &campaigns::SLICE,
    &learning::SLICE,
    &insight::SLICE,
    &assessment::SLICE,
    &credentials::SLICE,
    &search::SLICE,
    &discord::SLICE,
    &operations::SLICE,
];

/// Every kind of problem that this server answers with, by status and slug.
pub fn catalogue() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = SLICES.iter().flat_map(|slice| slice.problems).copied().collect();
    kinds.sort_unstable_by_key(|kind| (kind.status, kind.slug));
    kinds.dedup();
    kinds
}

/// Every slice's groups of settings, as the API, the command line and docs/settings.md know them.
pub fn settings_registry() -> Registry {
    Registry::new(SLICES.iter().flat_map(|slice| slice.settings).map(|described| described()))
}

/// Says which of some guilds are here, for who signs in.
pub(crate) fn guilds_known(pool: &PgPool) -> GuildsKnown {
    let pool = pool.clone();
    Arc::new(move |guilds| {
        let pool = pool.clone();
        Box::pin(async move {
            let mut conn = db::acquire(&pool).await?;
            people::guilds_known(&mut conn, &guilds).await
        })
    })
}
