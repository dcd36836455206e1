//! Who may call a handler, told by its signature: [`InGuild`], [`AsMember`], [`Global`] and [`Holder`] name the scope they need, and
//! refuse before the handler runs. Keys and signed-in people come the same way; what these may do follows from their roles.
//!
//! What a key may not know of does not exist for it: another guild's anything is 404, in the same words as a guild that
//! there is not. Only within its own guild is a key told what it lacks (403).

use std::marker::PhantomData;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use kernel::problem::UNAUTHENTICATED;
use kernel::{GuildId, Problem, UserId};

use crate::actor::{Actor, By, Origin, Person};
use crate::author::Author;
use crate::keys;
use crate::scope::Scope;
use crate::sessions::cookie::Cookie;
use crate::sessions::csrf;
use crate::sign_in;
use crate::web::{App, address};

/// The header in which a key that is bound to nobody says for whom it acts: a Discord user's id.
pub const MEMBER_HEADER: &str = "questhall-user";
/// The header in which somebody who is signed in says which guild they mean, where the path does not.
pub const GUILD_HEADER: &str = "questhall-guild";

/// A key with scope `S` that may act in the guild which the path names as `{guild_id}`.
#[derive(Debug, Clone)]
pub struct InGuild<S: Scope> {
    /// The guild of the path.
    pub guild_id: GuildId,
    /// Who calls.
    pub actor: Actor,
    /// Where from.
    pub origin: Origin,
    /// Whether the request says for whom it acts: then it sees what that member sees, whatever the key may do besides.
    pub on_behalf: bool,
    scope: PhantomData<fn() -> S>,
}

/// [`InGuild`], and the member acted for: the one the key is bound to, else the one that `Questhall-User` names. Whether
/// that member exists is for `community` to say.
#[derive(Debug, Clone)]
pub struct AsMember<S: Scope> {
    /// The guild of the path.
    pub guild_id: GuildId,
    /// The member acted for.
    pub user_id: UserId,
    /// Who calls.
    pub actor: Actor,
    /// Where from.
    pub origin: Origin,
    scope: PhantomData<fn() -> S>,
}

/// A key with scope `S` that is confined to no guild, or an operator of the installation who is signed in.
#[derive(Debug, Clone)]
pub struct Global<S: Scope> {
    /// Who calls.
    pub actor: Actor,
    /// Where from.
    pub origin: Origin,
    scope: PhantomData<fn() -> S>,
}

/// A key with scope `S`, whether confined to a guild or not. The handler itself must keep to the key's guild: use it only
/// where the guild is not in the path.
#[derive(Debug, Clone)]
pub struct Holder<S: Scope> {
    /// Who calls.
    pub actor: Actor,
    /// Where from.
    pub origin: Origin,
    scope: PhantomData<fn() -> S>,
}

impl<S: Scope> InGuild<S> {
    /// Who makes the change, for `ops` and the audit log.
    pub fn by(&self) -> By<'_> {
        By::Key(&self.actor)
    }

    /// Who makes the change, and from where.
    pub fn author(&self) -> Author<'_> {
        Author::new(self.by(), &self.origin)
    }

    /// Whether the caller looks with the eyes of those who hold `A`: not on behalf of a member.
    pub fn looks_as<A: Scope>(&self) -> bool {
        !self.on_behalf && self.actor.has(A::NAME)
    }
}

impl<S: Scope> AsMember<S> {
    /// Who makes the change, for `ops` and the audit log.
    pub fn by(&self) -> By<'_> {
        By::Key(&self.actor)
    }

    /// Who makes the change, and from where.
    pub fn author(&self) -> Author<'_> {
        Author::new(self.by(), &self.origin)
    }
}

impl<S: Scope> Global<S> {
    /// Who makes the change, for `ops` and the audit log.
    pub fn by(&self) -> By<'_> {
        By::Key(&self.actor)
    }

    /// Who makes the change, and from where.
    pub fn author(&self) -> Author<'_> {
        Author::new(self.by(), &self.origin)
    }
}

impl<S: Scope> Holder<S> {
    /// Who makes the change, for `ops` and the audit log.
    pub fn by(&self) -> By<'_> {
        By::Key(&self.actor)
    }
}

impl<T> FromRequestParts<T> for Actor
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        authenticate(&App::from_ref(state), parts).await
    }
}

impl<S: Scope, T> FromRequestParts<T> for InGuild<S>
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        let Found { guild_id, actor, origin, on_behalf } =
            in_guild(&App::from_ref(state), parts, S::NAME).await?;
        Ok(Self { guild_id, actor, origin, on_behalf, scope: PhantomData })
    }
}

impl<S: Scope, T> FromRequestParts<T> for AsMember<S>
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        let Found { guild_id, actor, origin, .. } = in_guild(&App::from_ref(state), parts, S::NAME).await?;
        let user_id = member(&actor, &parts.headers)?;
        Ok(Self { guild_id, user_id, actor, origin, scope: PhantomData })
    }
}

impl<S: Scope, T> FromRequestParts<T> for Global<S>
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        let (actor, origin) = global(&App::from_ref(state), parts, S::NAME).await?;
        Ok(Self { actor, origin, scope: PhantomData })
    }
}

impl<S: Scope, T> FromRequestParts<T> for Holder<S>
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        let (actor, origin) = holder(&App::from_ref(state), parts, S::NAME).await?;
        Ok(Self { actor, origin, scope: PhantomData })
    }
}

/// Somebody who is signed in, whatever they may do. A key is refused: it has no session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub actor: Actor,
    /// Where from.
    pub origin: Origin,
}

impl<T> FromRequestParts<T> for SignedIn
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        signed_in(&App::from_ref(state), parts).await
    }
}

impl<T> FromRequestParts<T> for Origin
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        Ok(origin(&App::from_ref(state), parts))
    }
}

// What the guards find out, whatever their scope: a function each, as every handler would else hold it anew.

/// What [`InGuild`] says.
struct Found {
    guild_id: GuildId,
    actor: Actor,
    origin: Origin,
    on_behalf: bool,
}

#[kernel::boxed]
async fn in_guild(app: &App, parts: &mut Parts, scope: &'static str) -> Result<Found, Problem> {
    let actor = authenticate(app, parts).await?;
    let guild_id = guild_of_path(parts).await?;
    let actor = actor.in_guild(guild_id).ok_or_else(|| Problem::not_found("guild"))?;
    let (actor, on_behalf) = as_asked(actor, &parts.headers)?;
    require(&actor, scope)?;
    let origin = origin(app, parts);
    Ok(Found { guild_id, actor, origin, on_behalf })
}

#[kernel::boxed]
async fn global(app: &App, parts: &mut Parts, scope: &'static str) -> Result<(Actor, Origin), Problem> {
    let signed_in = authenticate(app, parts).await?;
    let guild_by_guild = signed_in
        .session()
        .is_some_and(|session| matches!(session.person, Person::User(_)) && !session.operator);
    if guild_by_guild {
        return Err(whole_installation());
    }
    let (actor, origin) = holder(app, parts, scope).await?;
    if actor.guild.is_some() {
        return Err(whole_installation());
    }
    Ok((actor, origin))
}

#[kernel::boxed]
async fn holder(app: &App, parts: &mut Parts, scope: &'static str) -> Result<(Actor, Origin), Problem> {
    let mut actor = authenticate(app, parts).await?;
    if let Some(guild) = guild_named(&parts.headers)? {
        actor = actor.in_guild(guild).ok_or_else(|| Problem::not_found("guild"))?;
    }
    let (actor, _) = as_asked(actor, &parts.headers)?;
    require(&actor, scope)?;
    let origin = origin(app, parts);
    Ok((actor, origin))
}

#[kernel::boxed]
async fn signed_in(app: &App, parts: &mut Parts) -> Result<SignedIn, Problem> {
    let actor = authenticate(app, parts).await?;
    if actor.session().is_none() {
        return Err(Problem::forbidden("This is for people who are signed in; a key has no session."));
    }
    let origin = origin(app, parts);
    Ok(SignedIn { actor, origin })
}

fn whole_installation() -> Problem {
    Problem::forbidden(
        "This concerns the whole installation; it takes an operator, or a key that is confined to no guild.",
    )
}

/// Who sent the request: the bearer of its key, else who is signed in. Found once a request: what middleware learnt, the
/// extractors need not ask again.
#[kernel::boxed]
pub(crate) async fn authenticate(app: &App, parts: &mut Parts) -> Result<Actor, Problem> {
    if let Some(actor) = parts.extensions.get::<Actor>() {
        return Ok(actor.clone());
    }
    let token = if parts.headers.contains_key(header::AUTHORIZATION) {
        None
    } else {
        Cookie::Session.read(app.http(), &parts.headers)
    };
    let actor = if let Some(token) = token {
        let known = app.keys().session(&token).await?;
        let actor = known
            .ok_or_else(|| Problem::new(UNAUTHENTICATED, "You are not signed in any more; sign in again."))?;
        if let Some(session) = actor.session() {
            csrf::check(app.http(), session, parts)?;
        }
        sign_in::current(app, actor, &token).await?
    } else {
        let known = app.keys().authenticate(bearer(&parts.headers)?).await?;
        known.ok_or_else(|| Problem::new(UNAUTHENTICATED, "This API key is unknown, expired or revoked."))?
    };
    // Where the server's span around the request has a place for it; keys and tokens themselves are logged nowhere.
    tracing::Span::current().record("actor", tracing::field::display(actor.sender()));
    parts.extensions.insert(actor.clone());
    Ok(actor)
}

/// The key or token that a request brings, if it looks like one.
pub(crate) fn secret(app: &App, headers: &HeaderMap) -> Option<String> {
    match headers.get(header::AUTHORIZATION) {
        Some(_) => bearer(headers).ok().filter(|key| keys::is_key(key)).map(str::to_owned),
        None => Cookie::Session.read(app.http(), headers),
    }
}

fn guild_named(headers: &HeaderMap) -> Result<Option<GuildId>, Problem> {
    let Some(value) = headers.get(GUILD_HEADER) else { return Ok(None) };
    let id = value.to_str().unwrap_or_default().parse::<GuildId>();
    id.map(Some).map_err(|error| Problem::field("Questhall-Guild", error.to_string()))
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing =
        || Problem::new(UNAUTHENTICATED, "Send an API key with the request: `Authorization: Bearer qh_…`.");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?.to_str().map_err(|_| missing())?;
    let (scheme, key) = value.split_once(' ').ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(key.trim()) } else { Err(missing()) }
}

/// The actor as the request asks for them: whoever names a member sees and does what a member may, whatever the handler
/// makes of the name; and whether they do.
fn as_asked(actor: Actor, headers: &HeaderMap) -> Result<(Actor, bool), Problem> {
    if !headers.contains_key(MEMBER_HEADER) {
        return Ok((actor, false));
    }
    member_if_named(&actor, headers)?;
    Ok((actor.as_member(), true))
}

fn require(actor: &Actor, scope: &str) -> Result<(), Problem> {
    if actor.has(scope) {
        return Ok(());
    }
    Err(Problem::forbidden(format!("This takes a key with the scope `{scope}`.")))
}

async fn guild_of_path(parts: &mut Parts) -> Result<GuildId, Problem> {
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| Problem::field("guild_id", "must be UTF-8"))?;
    let Some((_, text)) = params.iter().find(|(name, _)| *name == "guild_id") else {
        return Err(Problem::internal_message("a route that acts in a guild has no {guild_id} in its path"));
    };
    text.parse().map_err(|error: kernel::id::ParseIdError| Problem::field("guild_id", error.to_string()))
}

fn member(actor: &Actor, headers: &HeaderMap) -> Result<UserId, Problem> {
    member_if_named(actor, headers)?.ok_or_else(|| {
        Problem::field(
            "Questhall-User",
            "is missing: this key is bound to no member, so say for whom it acts, by Discord id",
        )
    })
}

/// For whom a request looks, where it may do so as nobody: the member the key is bound to, else the one that
/// `Questhall-User` names.
pub fn member_if_named(actor: &Actor, headers: &HeaderMap) -> Result<Option<UserId>, Problem> {
    let named = match headers.get(MEMBER_HEADER) {
        None => None,
        Some(value) => {
            let id = value.to_str().unwrap_or_default().parse::<UserId>();
            Some(id.map_err(|error| Problem::field("Questhall-User", error.to_string()))?)
        }
    };
    match (actor.user, named) {
        (Some(bound), Some(named)) if bound != named => Err(Problem::forbidden(
            "This key is bound to another member than `Questhall-User` names; leave the header out.",
        )),
        (bound, named) => Ok(bound.or(named)),
    }
}

pub(crate) fn origin(app: &App, parts: &Parts) -> Origin {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let ip = address::client(app.http(), &parts.headers, peer);
    let request_id = parts.extensions.get::<super::RequestId>().map(|id| id.0.clone());
    Origin { ip, request_id }
}
