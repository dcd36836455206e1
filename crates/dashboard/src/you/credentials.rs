//! Credentials: what one earned and can show to others.

use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use credentials::ids::CredentialId;
use credentials::model::{Credential, Standing};
use credentials::ops::{self, Issuing};
use credentials::scope::CredentialsRead;
use frame::flash::done;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Member;
use frame::{format, ui};
use kernel::{PageQuery, Problem};
use serde::Deserialize;

/// A credential in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct CredentialPath {
    credential_id: CredentialId,
}

#[derive(Template)]
#[template(path = "you/credentials.html")]
pub(super) struct CredentialsPage {
    shell: Shell,
    credentials: Vec<Credential>,
}

impl CredentialsPage {
    fn state(credential: &Credential) -> Html {
        match credential.standing {
            Standing::Valid => ui::seal("on", "Valid"),
            Standing::Expired => ui::seal("bad", "Expired"),
            Standing::Revoked => ui::seal("bad", "Revoked"),
            Standing::Unknown => ui::seal("", "Unknown"),
        }
    }

    /// The page that others verify it by.
    fn verification(&self, credential: &Credential) -> String {
        self.shell.at(&format!("/verification/{}", credential.id))
    }

    fn at(&self, credential: &Credential, rest: &str) -> String {
        self.shell.at(&format!("/credentials/{}{rest}", credential.id))
    }
}

pub(super) async fn list(
    State(app): State<App>,
    member: Member<CredentialsRead>,
) -> Result<Page<CredentialsPage>, Problem> {
    let filter = credentials::store::Filter { user: Some(member.user_id()), ..Default::default() };
    let page = PageQuery { limit: Some(kernel::page::MAX_LIMIT), cursor: None };
    let found = ops::credential_list(app.pool(), member.guild_id(), filter, &page).await?;
    Ok(Page(CredentialsPage { shell: member.shell, credentials: found.items }))
}

fn file(kind: &'static str, name: &str, body: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, body.into()).into_response()
}

/// The signed document, for wallets and verifiers.
pub(super) async fn document(
    State(app): State<App>,
    member: Member<CredentialsRead>,
    Path(path): Path<CredentialPath>,
) -> Result<Response, Problem> {
    let id = path.credential_id;
    let jwt = ops::credential_document(app.pool(), member.guild_id(), member.user_id(), id).await?;
    Ok(file("application/vc+jwt", &format!("credential-{id}.jwt"), jwt))
}

/// The picture that has the document in it.
pub(super) async fn image(
    State(app): State<App>,
    member: Member<CredentialsRead>,
    Path(path): Path<CredentialPath>,
) -> Result<Response, Problem> {
    let id = path.credential_id;
    let png = ops::credential_baked(app.pool(), member.guild_id(), member.user_id(), id).await?;
    Ok(file("image/png", &format!("credential-{id}.png"), png))
}

pub(super) async fn reissue(
    State(app): State<App>,
    member: Member<CredentialsRead>,
    Path(path): Path<CredentialPath>,
) -> Result<Response, Problem> {
    let issuing = Issuing::of(app.http());
    let (guild, user) = (member.guild_id(), member.user_id());
    ops::credential_reissue(app.pool(), &issuing, guild, user, path.credential_id).await?;
    app.wake().outbox();
    Ok(done(&app, &member.shell.at("/credentials"), "It was issued anew under the name that you have now."))
}
