//! Routes of this slice, for the server to put under `/api/v1`.

mod keys;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::web::App;

/// `/keys` and `/whoami`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(keys::whoami))
        .routes(routes!(keys::key_list, keys::key_create))
        .routes(routes!(keys::key_get, keys::key_revoke))
        .routes(routes!(keys::key_rotate))
}
