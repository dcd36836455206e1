//! Routes of this slice, for the server to put under `/api/v1`.

mod audit_log;
mod auth;
mod keys;
mod roles;
mod settings;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::web::App;

/// Keys, sign-in, roles, settings, the audit log. They need a [`crate::settings::Registry`] as extension, and
/// [`App::know_guilds`].
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(keys::whoami))
        .routes(routes!(keys::key_list, keys::key_create))
        .routes(routes!(keys::key_get, keys::key_revoke))
        .routes(routes!(keys::key_rotate))
        .routes(routes!(auth::whoami))
        .routes(routes!(auth::login_discord))
        .routes(routes!(auth::callback_discord))
        .routes(routes!(auth::login_local))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::session_list, auth::session_end_all))
        .routes(routes!(auth::session_end))
        .routes(routes!(roles::grant_list))
        .routes(routes!(roles::grant_put, roles::grant_remove))
        .routes(routes!(roles::mapping_list))
        .routes(routes!(roles::mapping_put, roles::mapping_remove))
        .routes(routes!(audit_log::of_guild))
        .routes(routes!(audit_log::of_installation))
        .routes(routes!(settings::list, settings::change_all))
        .routes(routes!(settings::get, settings::change_group))
        .routes(routes!(settings::reset_one))
        .routes(routes!(settings::guild_list, settings::guild_change))
        .routes(routes!(settings::guild_get, settings::guild_change_group))
        .routes(routes!(settings::guild_reset))
}
