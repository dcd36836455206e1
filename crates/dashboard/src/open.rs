//! Pages that take no sign-in: verifying a credential, and appealing by a link for who cannot reach the guild any more.

mod appeal;
mod verification;

use access::App;
use axum::Router;
use axum::routing::get;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/g/{guild_id}/verification/{credential_id}", get(verification::show))
        .route("/g/{guild_id}/verification/{credential_id}/preview.png", get(verification::picture))
        .route("/appeal/{token}", get(appeal::show).post(appeal::file))
}
