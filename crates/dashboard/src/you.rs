//! Oneself and others: profiles, the wallet, credentials, preferences, one's data.

mod badges;
mod cases;
mod credentials;
mod days;
mod notices;
mod preferences;
mod privacy;
mod profile;
mod sessions;
mod wallet;

use access::App;
use axum::Router;
use axum::routing::{get, post};

pub(super) use cases::{appeal_state, what};

pub(super) fn router() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}{rest}");
    Router::new()
        .route(&at("/me"), get(profile::own))
        .route(&at("/members/{user_id}"), get(profile::show))
        .route(&at("/members/{user_id}/days"), get(days::show))
        .route(&at("/wallet"), get(wallet::show))
        .route(&at("/wallet/daily"), post(wallet::daily))
        .route(&at("/wallet/transfer"), get(wallet::transfer).post(wallet::pay))
        .route(&at("/credentials"), get(credentials::list))
        .route(&at("/credentials/badges"), get(badges::list))
        .route(&at("/credentials/badges/{badge_id}"), get(badges::show))
        .route(&at("/credentials/{credential_id}/document"), get(credentials::document))
        .route(&at("/credentials/{credential_id}/image"), get(credentials::image))
        .route(&at("/credentials/{credential_id}/reissue"), post(credentials::reissue))
        .route(&at("/cases"), get(cases::list))
        .route(&at("/cases/{case_number}/appeal"), post(cases::appeal))
        .route(&at("/cases/appeals/{appeal_id}/withdraw"), post(cases::withdraw))
        .route(&at("/notifications"), get(notices::list))
        .route(&at("/notifications/seen"), post(notices::seen))
        .route(&at("/preferences"), get(preferences::show).post(preferences::put))
        .route(&at("/sessions"), get(sessions::list))
        .route(&at("/sessions/ending"), post(sessions::end_all))
        .route(&at("/sessions/{session_id}/ending"), post(sessions::end))
        .route(&at("/privacy"), get(privacy::show))
        .route(&at("/privacy/export"), post(privacy::export))
        .route(&at("/privacy/erasure"), get(privacy::erasure).post(privacy::erase))
}
