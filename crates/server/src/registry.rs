//! What the slices give to all others: settings that administrators may choose, and which guilds there are.

use std::sync::Arc;

use access::keys::KeyPolicy;
use access::rate_limit::RateLimits;
use access::sessions::SessionPolicy;
use access::settings::{Described, Registry};
use access::sign_in::GuildsKnown;
use access::weekly::AuditSettings;
use lake::ingest::LakeSettings;
use progress::rewards::RewardSettings;
use sqlx::PgPool;

/// Every slice's groups of settings, as the API, the command line and docs/settings.md know them.
pub fn settings_registry() -> Registry {
    Registry::new([
        Described::of::<KeyPolicy>(),
        Described::of::<RateLimits>(),
        Described::of::<SessionPolicy>(),
        Described::of::<LakeSettings>(),
        Described::of::<RewardSettings>(),
        Described::of::<AuditSettings>(),
    ])
}

/// Asks which of some guilds are here, for who signs in.
pub(crate) fn guilds_known(pool: &PgPool) -> GuildsKnown {
    let pool = pool.clone();
    Arc::new(move |guilds| {
        let pool = pool.clone();
        Box::pin(async move {
            let mut conn = pool.acquire().await?;
            people::guilds_known(&mut conn, &guilds).await
        })
    })
}
