//! What anybody is told of a credential.

use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use credentials::ids::CredentialId;
use credentials::model::{Standing, Verification};
use frame::format;
use frame::html::Html;
use frame::page::Page;
use frame::ui;
use frame::visit::theme;
use kernel::{GuildId, Problem};
use serde::Deserialize;

/// A credential of a guild in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct CredentialPath {
    guild_id: GuildId,
    credential_id: CredentialId,
}

#[derive(Template)]
#[template(path = "open/verification.html")]
pub(super) struct VerificationPage {
    theme: &'static str,
    id: CredentialId,
    told: Verification,
}

impl VerificationPage {
    fn state(&self) -> Html {
        match self.told.standing {
            Standing::Valid => ui::seal("on", "Valid"),
            Standing::Expired => ui::seal("bad", "Expired"),
            Standing::Revoked => ui::seal("bad", "Revoked"),
            Standing::Unknown => ui::seal("", "Unknown"),
        }
    }

    const fn says(&self) -> &'static str {
        match self.told.standing {
            Standing::Valid => "This credential was issued here, and it is valid.",
            Standing::Expired => "This credential was issued here, and its time is over.",
            Standing::Revoked => {
                "This credential was issued here, and was taken back. It says nothing any more."
            }
            Standing::Unknown => {
                "No such credential was issued here. Look at the address once more, or ask whoever gave it to you."
            }
        }
    }
}

pub(super) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Path(path): Path<CredentialPath>,
) -> Result<Page<VerificationPage>, Problem> {
    let told = credentials::ops::verification(app.pool(), path.guild_id, path.credential_id).await?;
    Ok(Page(VerificationPage { theme: theme(&app, &headers), id: path.credential_id, told }))
}
