//! Who may call a handler, told by its signature: [`InGuild`], [`AsMember`], [`Global`] and [`Holder`] name the scope they need, and
//! refuse before the handler runs.
//!
//! What a key may not know of does not exist for it: another guild's anything is 404, in the same words as a guild that
//! there is not. Only within its own guild is a key told what it lacks (403).

use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use kernel::problem::UNAUTHENTICATED;
use kernel::{GuildId, Problem, UserId};

use crate::actor::{Actor, By, Origin};
use crate::scope::Scope;
use crate::web::App;

/// The header in which a key that is bound to nobody says for whom it acts: a Discord user's id.
pub const MEMBER_HEADER: &str = "questhall-user";

/// A key with scope `S` that may act in the guild which the path names as `{guild_id}`.
#[derive(Debug, Clone)]
pub struct InGuild<S: Scope> {
    /// The guild of the path.
    pub guild_id: GuildId,
    /// Who calls.
    pub actor: Actor,
    /// Where from.
    pub origin: Origin,
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

/// A key with scope `S` that is confined to no guild.
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
}

impl<S: Scope> AsMember<S> {
    /// Who makes the change, for `ops` and the audit log.
    pub fn by(&self) -> By<'_> {
        By::Key(&self.actor)
    }
}

impl<S: Scope> Global<S> {
    /// Who makes the change, for `ops` and the audit log.
    pub fn by(&self) -> By<'_> {
        By::Key(&self.actor)
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
        let app = App::from_ref(state);
        let actor = authenticate(&app, parts).await?;
        let guild_id = guild_of_path(parts).await?;
        if actor.guild.is_some_and(|own| own != guild_id) {
            return Err(Problem::not_found("guild"));
        }
        require::<S>(&actor)?;
        let origin = origin(&app, parts);
        Ok(Self { guild_id, actor, origin, scope: PhantomData })
    }
}

impl<S: Scope, T> FromRequestParts<T> for AsMember<S>
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        let InGuild { guild_id, actor, origin, scope } =
            InGuild::<S>::from_request_parts(parts, state).await?;
        let user_id = member(&actor, &parts.headers)?;
        Ok(Self { guild_id, user_id, actor, origin, scope })
    }
}

impl<S: Scope, T> FromRequestParts<T> for Global<S>
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        let Holder { actor, origin, scope } = Holder::<S>::from_request_parts(parts, state).await?;
        if actor.guild.is_some() {
            return Err(Problem::forbidden(
                "This concerns the whole installation; it takes a key that is confined to no guild.",
            ));
        }
        Ok(Self { actor, origin, scope })
    }
}

impl<S: Scope, T> FromRequestParts<T> for Holder<S>
where
    App: FromRef<T>,
    T: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        let actor = authenticate(&app, parts).await?;
        require::<S>(&actor)?;
        let origin = origin(&app, parts);
        Ok(Self { actor, origin, scope: PhantomData })
    }
}

/// The bearer of the request's key. Found once a request: what middleware learnt, the extractors need not ask again.
pub(crate) async fn authenticate(app: &App, parts: &mut Parts) -> Result<Actor, Problem> {
    if let Some(actor) = parts.extensions.get::<Actor>() {
        return Ok(actor.clone());
    }
    let key = bearer(&parts.headers)?;
    let actor = app
        .keys()
        .authenticate(key)
        .await?
        .ok_or_else(|| Problem::new(UNAUTHENTICATED, "This API key is unknown, expired or revoked."))?;
    // Where the server's span around the request has a place for it; the key itself is logged nowhere.
    tracing::Span::current().record("key_id", tracing::field::display(actor.key_id));
    parts.extensions.insert(actor.clone());
    Ok(actor)
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing =
        || Problem::new(UNAUTHENTICATED, "Send an API key with the request: `Authorization: Bearer qh_…`.");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?.to_str().map_err(|_| missing())?;
    let (scheme, key) = value.split_once(' ').ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(key.trim()) } else { Err(missing()) }
}

fn require<S: Scope>(actor: &Actor) -> Result<(), Problem> {
    if actor.has(S::NAME) {
        return Ok(());
    }
    Err(Problem::forbidden(format!("This takes a key with the scope `{}`.", S::NAME)))
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

fn origin(app: &App, parts: &Parts) -> Origin {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let ip = if app.http().trust_forwarded_for { forwarded(&parts.headers).or(peer) } else { peer };
    let request_id = parts.extensions.get::<super::RequestId>().map(|id| id.0.clone());
    Origin { ip, request_id }
}

/// The last entry is the one that our own proxy wrote.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()?
        .to_str()
        .ok()?
        .rsplit(',')
        .next()?
        .trim()
        .parse()
        .ok()
}
