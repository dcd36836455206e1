//! What anybody is told of a credential.

use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use cards::{Poster, Row};
use chrono::{DateTime, Utc};
use credentials::ids::CredentialId;
use credentials::model::{Standing, Verification};
use frame::format;
use frame::html::Html;
use frame::page::Page;
use frame::ui;
use frame::visit::theme;
use kernel::{GuildId, Problem};
use serde::Deserialize;

use crate::preview::{self, Preview};

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
    preview: Option<Preview>,
}

impl VerificationPage {
    fn state(&self) -> Html {
        let (tone, word) = words(self.told.standing);
        ui::seal(tone, word)
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

/// Its address, which is also where its picture is.
fn at(path: CredentialPath) -> String {
    format!("/g/{}/verification/{}", path.guild_id, path.credential_id)
}

fn badge(told: &Verification) -> &str {
    told.badge.as_deref().unwrap_or("A credential")
}

const fn words(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Valid => ("on", "Valid"),
        Standing::Expired => ("bad", "Expired"),
        Standing::Revoked => ("bad", "Revoked"),
        Standing::Unknown => ("", "Unknown"),
    }
}

pub(super) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Path(path): Path<CredentialPath>,
) -> Result<Page<VerificationPage>, Problem> {
    let told = credentials::ops::verification(app.pool(), path.guild_id, path.credential_id).await?;
    let mut page =
        VerificationPage { theme: theme(&app, &headers), id: path.credential_id, told, preview: None };
    if page.told.standing != Standing::Unknown {
        let held =
            page.told.holder_name.as_deref().map(|name| format!("Held by {name}. ")).unwrap_or_default();
        page.preview = Some(Preview::new(&app, badge(&page.told), held + page.says(), &at(path)));
    }
    Ok(Page(page))
}

pub(super) async fn picture(
    State(app): State<App>,
    headers: HeaderMap,
    Path(path): Path<CredentialPath>,
) -> Result<Response, Problem> {
    let poster = async {
        let told = credentials::ops::verification(app.pool(), path.guild_id, path.credential_id).await?;
        // Else anybody could have us draw as many as they like.
        if told.standing == Standing::Unknown {
            return Err(Problem::not_found("credential"));
        }
        let row = |what: &str, value: Option<String>| {
            let value = value?;
            Some(Row { place: String::new(), name: what.to_owned(), value })
        };
        let day = |at: Option<DateTime<Utc>>| at.map(|at| at.format("%-d %b %Y").to_string());
        let rows = [
            row("Issued by", told.issuer.clone()),
            row("Issued", day(told.issued_at)),
            row("Valid until", day(told.valid_until)),
            row("Revoked", day(told.revoked_at)),
        ];
        Ok::<_, Problem>(Poster {
            id: path.guild_id.to_string(),
            above: told.holder_name.as_ref().map(|name| format!("Held by {name}")).unwrap_or_default(),
            title: badge(&told).to_owned(),
            state: words(told.standing).1.to_owned(),
            rows: rows.into_iter().flatten().collect(),
        })
    };
    preview::picture(&headers, &at(path), poster).await
}
