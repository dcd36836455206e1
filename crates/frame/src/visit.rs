//! Who looks at a page, told by its handler's signature: the API's own guards, with the frame of the page beside them.

use std::marker::PhantomData;

use access::scope::Scope;
use access::sessions::cookie::Cookie;
use access::sessions::csrf;
use access::web::member_if_named;
use access::{Actor, App, AsMember, InGuild, Person};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use kernel::{Clock, GuildId, Problem, UserId};
use people::notices::types_for;

use crate::flash;
use crate::languages::Chosen;
use crate::shell::Shell;

/// Somebody with scope `S` in the guild of the path: [`InGuild`], and the member they are, if one.
#[derive(Debug, Clone)]
pub struct Visit<S: Scope> {
    /// The guard.
    pub guild: InGuild<S>,
    /// The member who looks, or for whom somebody does.
    pub member: Option<UserId>,
    /// The frame of the page.
    pub shell: Shell,
}

/// A member with scope `S` in the guild of the path: [`AsMember`].
#[derive(Debug, Clone)]
pub struct Member<S: Scope> {
    /// The guard.
    pub member: AsMember<S>,
    /// The frame of the page.
    pub shell: Shell,
    scope: PhantomData<fn() -> S>,
}

impl<S: Scope> Visit<S> {
    /// The guild.
    pub const fn guild_id(&self) -> GuildId {
        self.guild.guild_id
    }
}

impl<S: Scope> Member<S> {
    /// The guild.
    pub const fn guild_id(&self) -> GuildId {
        self.member.guild_id
    }

    /// The member.
    pub const fn user_id(&self) -> UserId {
        self.member.user_id
    }
}

impl<S: Scope> FromRequestParts<App> for Visit<S> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let guild = InGuild::<S>::from_request_parts(parts, app)
            .await
            .map_err(axum::response::IntoResponse::into_response)?;
        let shell = shell(app, parts, guild.guild_id, &guild.actor, guild.on_behalf).await?;
        Ok(Self { guild, member: shell.member, shell })
    }
}

impl<S: Scope> FromRequestParts<App> for Member<S> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Visit { guild, member, shell } = Visit::<S>::from_request_parts(parts, app).await?;
        if member.is_none() {
            // Who runs the server is no member: they say for whom they look.
            return Err(flash::see_other(&shell.at(&format!("/as?to={}", encode(shell.here())))));
        }
        let member = AsMember::<S>::from_request_parts(parts, app)
            .await
            .map_err(axum::response::IntoResponse::into_response)?;
        debug_assert_eq!(member.guild_id, guild.guild_id);
        Ok(Self { member, shell, scope: PhantomData })
    }
}

/// A path as part of a query.
pub fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[kernel::boxed]
async fn shell(
    app: &App,
    parts: &Parts,
    guild_id: GuildId,
    actor: &Actor,
    on_behalf: bool,
) -> Result<Shell, Response> {
    let member = member_if_named(actor, &parts.headers).map_err(Problem::into_response)?;
    let types = if member.is_some() { types_for(actor) } else { Vec::new() };
    let heading = people::heading::heading(app.pool(), guild_id, member, &types)
        .await
        .map_err(|error| Problem::from(error).into_response())?
        .ok_or_else(|| Problem::not_found("guild").into_response())?;
    let name = heading.member.unwrap_or_else(|| called(actor));
    let path = parts.uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str).to_owned();
    let shell = Shell {
        guild_id,
        guild: heading.guild,
        member,
        name,
        nav: Vec::new(),
        section: None,
        theme: theme(app, &parts.headers),
        languages: Chosen::of(app, &parts.headers),
        unread: heading.unread,
        flash: flash::taken(app, &parts.headers),
        development: app.http().development,
        on_behalf,
        now: Clock::system().now(),
        path,
        csrf: token(app, &parts.headers),
        actor: actor.clone(),
    };
    Ok(shell.with_nav())
}

/// What somebody is called who is no member that we know of.
pub fn called(actor: &Actor) -> String {
    match actor.session().map(|session| &session.person) {
        Some(Person::Admin { username, .. }) => username.to_string(),
        Some(Person::User(user)) => user.to_string(),
        None => "an API key".to_owned(),
    }
}

/// The token that goes with the session that a request brings; nothing where there is none.
pub fn token(app: &App, headers: &HeaderMap) -> String {
    Cookie::Session.read(app.http(), headers).map(|token| csrf::token_of(&token)).unwrap_or_default()
}

/// The theme that a browser's user chose.
pub fn theme(app: &App, headers: &HeaderMap) -> &'static str {
    match Cookie::Theme.read(app.http(), headers).as_deref() {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "auto",
    }
}
