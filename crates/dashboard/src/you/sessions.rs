//! Where one is signed in, and signing out there.

use access::scope::CommunityRead;
use access::sessions::{self, SessionInfo};
use access::{App, Path, sign_in};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use frame::flash::{done, see_other};
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::{Limit, Problem};
use serde::Deserialize;
use uuid::Uuid;

/// A session in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SessionPath {
    session_id: Uuid,
}

#[derive(Template)]
#[template(path = "you/sessions.html")]
pub(super) struct SessionsPage {
    shell: Shell,
    sessions: Vec<SessionInfo>,
}

impl SessionsPage {
    fn at(&self, session: &SessionInfo) -> String {
        self.shell.at(&format!("/sessions/{}/ending", session.id))
    }

    fn browser(session: &SessionInfo) -> &str {
        session.user_agent.as_deref().unwrap_or("A browser that does not say which")
    }
}

/// Of keys there are no sessions.
fn session(shell: &Shell) -> Result<&access::actor::Session, Problem> {
    shell.actor.session().ok_or_else(|| Problem::forbidden("This is for people who are signed in."))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
) -> Result<Page<SessionsPage>, Problem> {
    let current = session(&visit.shell)?;
    let mut conn = db::acquire(app.pool()).await?;
    let limit = Limit::new(None)?;
    let found = sessions::session_list(&mut conn, &current.person, current.id, None, limit).await?;
    Ok(Page(SessionsPage { shell: visit.shell, sessions: found.items }))
}

pub(super) async fn end(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Path(path): Path<SessionPath>,
) -> Result<Response, Problem> {
    let person = &session(&visit.shell)?.person;
    let mut tx = db::begin(app.pool()).await?;
    sessions::session_end(&mut tx, person, path.session_id).await?;
    tx.commit().await?;
    Ok(done(&app, &visit.shell.at("/sessions"), "That browser is signed out."))
}

/// Everywhere, here too.
pub(super) async fn end_all(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let person = &session(&visit.shell)?.person;
    let mut tx = db::begin(app.pool()).await?;
    sessions::session_end_all(&mut tx, person).await?;
    tx.commit().await?;
    let mut response = see_other("/sign-in");
    sign_in::signed_out(&app, &headers, response.headers_mut());
    Ok(response)
}
