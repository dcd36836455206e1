//! Routes of this slice, for the server to put under `/api/v1`.

mod keys;
mod settings;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::web::App;

/// `/keys`, `/whoami`, `/settings` and `/guilds/{guild_id}/settings`. The settings need a [`crate::settings::Registry`] as an extension.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(keys::whoami))
        .routes(routes!(keys::key_list, keys::key_create))
        .routes(routes!(keys::key_get, keys::key_revoke))
        .routes(routes!(keys::key_rotate))
        .routes(routes!(settings::list, settings::change_all))
        .routes(routes!(settings::get, settings::change_group))
        .routes(routes!(settings::reset_one))
        .routes(routes!(settings::guild_list, settings::guild_change))
        .routes(routes!(settings::guild_get, settings::guild_change_group))
        .routes(routes!(settings::guild_reset))
}
