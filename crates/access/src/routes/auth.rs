//! Signing in and out, and one's own sessions.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::problem::NOT_FOUND;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::actor::{Origin, Person, Session};
use crate::keys::hash;
use crate::openapi::Problems;
use crate::problems::SIGN_IN_FAILED;
use crate::role::Role;
use crate::sessions::cookie::Cookie;
use crate::sessions::{self, SessionInfo, csrf};
use crate::sign_in::{self, Discord};
use crate::web::{App, Json, Path, Query, SignedIn};

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Holder {
    /// A Discord user.
    User {
        /// Their id.
        user_id: UserId,
    },
    /// A local administrator, in development.
    Admin {
        /// Their name.
        username: String,
    },
}

/// What somebody may do in a guild.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MyStanding)]
pub(super) struct Standing {
    /// The guild.
    guild_id: GuildId,
    /// Their roles there.
    roles: Vec<Role>,
    /// What these permit.
    scopes: Vec<String>,
}

/// Who is signed in, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// Who.
    person: Holder,
    /// Their session.
    session_id: Uuid,
    /// What unsafe requests bring in `X-CSRF-Token`.
    csrf_token: String,
    /// Where they have a role. A local administrator may do everything everywhere, and has none.
    guilds: Vec<Standing>,
}

fn me(session: &Session, token: &str) -> Me {
    let person = match &session.person {
        Person::User(user) => Holder::User { user_id: *user },
        Person::Admin { username, .. } => Holder::Admin { username: username.to_string() },
    };
    let mut guilds: Vec<GuildId> = session.roles.iter().map(|(guild, _)| *guild).collect();
    guilds.sort_unstable();
    guilds.dedup();
    let standing = |guild: GuildId| {
        let mut roles: Vec<Role> =
            session.roles.iter().filter(|(of, _)| *of == guild).map(|(_, role)| *role).collect();
        roles.sort_unstable();
        let scopes = Role::scopes_of(roles.iter().copied()).names().to_vec();
        Standing { guild_id: guild, roles, scopes }
    };
    Me {
        person,
        session_id: session.id,
        csrf_token: csrf::token_of(token),
        guilds: guilds.into_iter().map(standing).collect(),
    }
}

/// Says who is signed in, what they may do where, and the token for unsafe requests.
#[utoipa::path(get, path = "/auth/me", tag = "sign-in", operation_id = "auth_me",
    responses((status = 200, body = Me), Problems), security(("session" = [])))]
pub(super) async fn whoami(
    State(app): State<App>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Result<Json<Me>, Problem> {
    let token = Cookie::Session.read(app.http(), &headers).unwrap_or_default();
    Ok(Json(me(session(&signed_in)?, &token)))
}

fn session(signed_in: &SignedIn) -> Result<&Session, Problem> {
    signed_in
        .actor
        .session()
        .ok_or_else(|| Problem::internal_message("somebody is signed in without a session"))
}

/// Where to go after signing in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    /// A path on this server; `/` unless told.
    redirect_to: Option<String>,
}

/// Sends the browser to Discord to sign in.
#[utoipa::path(get, path = "/auth/login/discord", tag = "sign-in", operation_id = "auth_login_discord", params(Begin),
    responses((status = 303, description = "To Discord."), Problems), security(()))]
pub(super) async fn login_discord(
    State(app): State<App>,
    Query(begin): Query<Begin>,
) -> Result<Response, Problem> {
    let discord = discord(&app)?;
    let mut conn = db::acquire(app.pool()).await?;
    let to = begin.redirect_to.as_deref().unwrap_or("/");
    let begun = sign_in::start(&mut conn, app.http(), discord, to).await?;
    let cookie = Cookie::SignIn.set(app.http(), &begun.browser_token, 600);
    Ok(see_other(&begun.location, [cookie]))
}

/// What Discord sends the browser back with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Callback {
    /// What the sign-in began with.
    state: Option<String>,
    /// What Discord changes for leave to ask who it is.
    code: Option<String>,
    /// Why there is none.
    error: Option<String>,
}

/// Finishes a sign-in by Discord: begins a session, and sends the browser to where it wanted.
#[utoipa::path(get, path = "/auth/callback/discord", tag = "sign-in", operation_id = "auth_callback_discord",
    params(Callback), responses((status = 303, description = "Signed in."), Problems), security(()))]
pub(super) async fn callback_discord(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Query(callback): Query<Callback>,
) -> Result<Response, Problem> {
    let discord = discord(&app)?;
    let (Some(state), Some(code)) = (callback.state, callback.code) else {
        let why = if callback.error.as_deref() == Some("access_denied") {
            "You did not let Discord tell us who you are, so nobody is signed in."
        } else {
            "Discord sent your browser back without signing you in; begin again."
        };
        return Err(Problem::new(SIGN_IN_FAILED, why));
    };
    let browser_token = Cookie::SignIn.read(app.http(), &headers);
    let old_session = Cookie::Session.read(app.http(), &headers);
    let returned = sign_in::Returned {
        state: &state,
        code: &code,
        browser_token: browser_token.as_deref(),
        old_session: old_session.as_deref(),
        user_agent: user_agent(&headers),
    };
    let known = app
        .following()
        .guilds()
        .ok_or_else(|| Problem::internal_message("nobody says which guilds are here"))?;
    let (new, to) = sign_in::finish(app.pool(), app.http(), discord, known, &returned, &origin).await?;
    if let Some(old) = &old_session {
        app.keys().forget(old);
    }
    let cookies = [sign_in::session_cookie(&app, &new), Cookie::SignIn.remove(app.http())];
    Ok(see_other(&to, cookies))
}

fn discord(app: &App) -> Result<&Discord, Problem> {
    app.http().discord.as_ref().ok_or_else(|| {
        Problem::new(
            NOT_FOUND,
            "Nobody can sign in by Discord here: whoever runs this server has set up no application for it.",
        )
    })
}

/// A local name and password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Local {
    /// The name.
    username: String,
    /// The password.
    password: String,
}

/// Signs in with a local name and password; in development only.
#[utoipa::path(post, path = "/auth/login/local", tag = "sign-in", operation_id = "auth_login_local",
    request_body = Local, responses((status = 200, body = Me), Problems), security(()))]
pub(super) async fn login_local(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Json(local): Json<Local>,
) -> Result<Response, Problem> {
    let (person, new) =
        sign_in::sign_in_local(&app, &origin, &headers, &local.username, &local.password).await?;
    let session = Session {
        operator: false,
        id: new.info.id,
        person,
        csrf_hash: hash(&new.csrf_token),
        roles: Vec::new(),
        discord_age: None,
    };
    let mut response = Json(me(&session, &new.token)).into_response();
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, sign_in::session_cookie(&app, &new));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Signs out: this session ends.
#[utoipa::path(post, path = "/auth/logout", tag = "sign-in", operation_id = "auth_logout",
    responses((status = 204, description = "Signed out."), Problems), security(("session" = [])))]
pub(super) async fn logout(
    State(app): State<App>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    sign_in::sign_out(&app, &signed_in.actor).await?;
    Ok(signed_out(&app, &headers))
}

/// Lists one's sessions that are good, newest first.
#[utoipa::path(get, path = "/auth/sessions", tag = "sign-in", operation_id = "auth_session_list", params(PageQuery),
    responses((status = 200, body = Page<SessionInfo>), Problems), security(("session" = [])))]
pub(super) async fn session_list(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SessionInfo>>, Problem> {
    let session = session(&signed_in)?;
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(app.pool()).await?;
    Ok(Json(sessions::session_list(&mut conn, &session.person, session.id, after, limit).await?))
}

/// Ends one of one's sessions. Within a second it counts nowhere.
#[utoipa::path(delete, path = "/auth/sessions/{session_id}", tag = "sign-in", operation_id = "auth_session_end",
    params(("session_id" = Uuid, Path)),
    responses((status = 204, description = "It has ended."), Problems), security(("session" = [])))]
pub(super) async fn session_end(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(session_id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let session = session(&signed_in)?;
    let mut tx = db::begin(app.pool()).await?;
    sessions::session_end(&mut tx, &session.person, session_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs out everywhere: all one's sessions end, this one too. Within a second none counts anywhere.
#[utoipa::path(delete, path = "/auth/sessions", tag = "sign-in", operation_id = "auth_session_end_all",
    responses((status = 204, description = "Signed out everywhere."), Problems), security(("session" = [])))]
pub(super) async fn session_end_all(
    State(app): State<App>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let session = session(&signed_in)?;
    let mut tx = db::begin(app.pool()).await?;
    sessions::session_end_all(&mut tx, &session.person).await?;
    tx.commit().await?;
    Ok(signed_out(&app, &headers))
}

fn signed_out(app: &App, headers: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    sign_in::signed_out(app, headers, response.headers_mut());
    response
}

fn user_agent(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::USER_AGENT)?.to_str().ok()
}

fn see_other<const N: usize>(to: &str, cookies: [HeaderValue; N]) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else {
        return Problem::internal_message("a redirect to what is no address").into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}
