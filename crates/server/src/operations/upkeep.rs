//! What keeps the installation tidy, whatever slices it has.

use access::Means;
use jobs::schedule::{Retention, Schedule};
use serde_json::json;

/// The jobs of the machinery itself, and the one that seals secrets anew after a change of keys.
pub(super) fn schedules(means: &Means) -> Vec<Schedule> {
    let mut all = jobs::schedule::builtin(Retention::default());
    let vault = means.app().http().vault.clone();
    all.push(Schedule::new("operations.secrets_reseal", "41 * * * *", move |connection| {
        let vault = vault.clone();
        Box::pin(async move {
            // A node that lacks a key others have must not take for lost what it cannot open.
            let agreed = crate::secrets::key_ensure(&mut *connection, &vault).await;
            agreed.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let (leaves, lost) = access::sign_in::discord_leaves_reseal(&mut *connection, &vault).await?;
            let (issuer_keys, shut) = credentials::keys_reseal(&mut *connection, &vault).await?;
            let (webhooks, unreadable) = delivery::secrets_reseal(connection, &vault).await?;
            Ok(json!({ "webhooks": webhooks, "issuer_keys": issuer_keys, "discord_leaves": leaves,
                       "unreadable": unreadable + lost + shut }))
        })
    }));
    all
}
