//! The HTTP face: `/api/v1/guilds/{guild_id}/credentials…`. What the public may know takes no key.

mod badges;
mod holders;
mod public;
mod staff;

use access::App;
use kernel::problem::Kind;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{NO_ADDRESS, NOT_EARNED, REVOKED};
use crate::ids::{BadgeId, CredentialId};

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] = &[NO_ADDRESS, NOT_EARNED, REVOKED];

/// A signed document's media type.
const SIGNED: &str = "application/vc+jwt";

/// A badge in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct BadgePath {
    /// The badge.
    badge_id: BadgeId,
}

/// A credential in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CredentialPath {
    /// The credential.
    credential_id: CredentialId,
}

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(staff::list, staff::issue))
        .routes(routes!(staff::revoke))
        .routes(routes!(staff::keys, staff::rotate))
        .routes(routes!(badges::list, badges::create))
        .routes(routes!(badges::get, badges::update))
        .routes(routes!(badges::image))
        .routes(routes!(holders::list))
        .routes(routes!(holders::get))
        .routes(routes!(holders::document))
        .routes(routes!(holders::image))
        .routes(routes!(holders::reissue))
        .routes(routes!(public::profile))
        .routes(routes!(public::keys))
        .routes(routes!(public::key))
        .routes(routes!(public::status))
        .routes(routes!(public::achievement))
        .routes(routes!(public::achievement_image))
        .routes(routes!(public::verification))
}
