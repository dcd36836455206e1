//! API keys over the API: whoever holds `keys:write` manages the keys of its guild, or all where it is confined to none.

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use kernel::{ApiKeyId, GuildId, Page, PageQuery, Problem, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::actor::{Actor, Bearer};
use crate::keys::{self, Key, NewKey, PlainKey, Revoked, rules};
use crate::openapi::{IdempotencyKey, Problems};
use crate::scope::{KeysWrite, Scopes};
use crate::web::{App, Holder, Json, Path, Query};

/// A new secret is for its owner's eyes: nothing on the way may keep it, our own store of answers included.
const SHOWN_ONCE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// Who sends the request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WhoAmI {
    /// The key's id; null for somebody who is signed in.
    key_id: Option<ApiKeyId>,
    /// What the key is for; null for somebody who is signed in.
    name: Option<String>,
    /// The guild it is confined to; null serves every guild.
    guild_id: Option<GuildId>,
    /// The member it always acts as; null acts for whom `Questhall-User` names.
    user_id: Option<UserId>,
    /// What it may do.
    scopes: Vec<String>,
}

/// Says who the key is and what it may do.
#[utoipa::path(get, path = "/whoami", tag = "keys",
    responses((status = 200, body = WhoAmI), Problems), security(("api_key" = [])))]
pub(super) async fn whoami(actor: Actor) -> Json<WhoAmI> {
    let (key_id, name) = match &actor.bearer {
        Bearer::Key { id, name } => (Some(*id), Some(name.to_string())),
        Bearer::Session(_) => (None, None),
    };
    Json(WhoAmI {
        key_id,
        name,
        guild_id: actor.guild,
        user_id: actor.user,
        scopes: actor.scopes.names().to_vec(),
    })
}

/// Which keys to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyQuery {
    /// Only keys of this guild; a key that is confined to a guild sees no others in any case.
    guild_id: Option<GuildId>,
    /// How many keys to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// Lists keys, newest first, revoked ones too.
#[utoipa::path(get, path = "/keys", tag = "keys", params(KeyQuery),
    responses((status = 200, body = Page<Key>), Problems), security(("api_key" = ["keys:write"])))]
pub(super) async fn key_list(
    State(app): State<App>,
    holder: Holder<KeysWrite>,
    Query(query): Query<KeyQuery>,
) -> Result<Json<Page<Key>>, Problem> {
    let guild = rules::guild_of_new_key(&holder.actor, query.guild_id)?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(app.pool()).await?;
    Ok(Json(keys::key_list(&mut conn, guild, after, limit).await?))
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateKey {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100, example = "our bot")]
    name: String,
    /// The guild to confine it to. Left out, a key of the asking key's guild, or of none.
    guild_id: Option<GuildId>,
    /// The member it shall act as. Left out, it acts for whom `Questhall-User` names.
    user_id: Option<UserId>,
    /// What it may do; not more than the asking key.
    #[schema(min_items = 1, example = json!(["campaigns:read", "campaigns:play"]))]
    scopes: Vec<String>,
    /// From when it is refused; not later than the asking key. Left out, when the asking key is, or never.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    expires_at: Option<DateTime<Utc>>,
}

/// A key with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyWithSecret {
    /// The key.
    key: Key,
    /// What its bearer sends. Shown this once.
    #[schema(example = "qh_4Zt9…")]
    secret: String,
}

/// Makes a key, which can do no more than the asking key and lives no longer. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/keys", tag = "keys", params(IdempotencyKey), request_body = CreateKey,
    responses((status = 201, body = KeyWithSecret), Problems), security(("api_key" = ["keys:write"])))]
pub(super) async fn key_create(
    State(app): State<App>,
    holder: Holder<KeysWrite>,
    Json(body): Json<CreateKey>,
) -> Result<impl IntoResponse, Problem> {
    let new = NewKey {
        name: body.name,
        guild: rules::guild_of_new_key(&holder.actor, body.guild_id)?,
        user: body.user_id,
        scopes: Scopes::parse(body.scopes)?,
        expires_at: body.expires_at,
    };
    rules::may_hand_out(&holder.actor, new.user, &new.scopes)?;
    let mut tx = db::begin(app.pool()).await?;
    let made = keys::key_create(&mut tx, holder.by(), &holder.origin, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, SHOWN_ONCE, shown_once(made)))
}

/// Shows a key.
#[utoipa::path(get, path = "/keys/{key_id}", tag = "keys", params(("key_id" = ApiKeyId, Path)),
    responses((status = 200, body = Key), Problems), security(("api_key" = ["keys:write"])))]
pub(super) async fn key_get(
    State(app): State<App>,
    holder: Holder<KeysWrite>,
    Path(key_id): Path<ApiKeyId>,
) -> Result<Json<Key>, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    Ok(Json(keys::key_get(&mut conn, holder.actor.guild, key_id).await?))
}

/// Revokes a key for good, and every key that it made, or that one of those made. Within a second they are refused everywhere.
/// The answer tells which went with it (`also_revoked`). Takes a key that can do all that the revoked one can.
#[utoipa::path(delete, path = "/keys/{key_id}", tag = "keys", params(("key_id" = ApiKeyId, Path)),
    responses((status = 200, body = Revoked), Problems), security(("api_key" = ["keys:write"])))]
pub(super) async fn key_revoke(
    State(app): State<App>,
    holder: Holder<KeysWrite>,
    Path(key_id): Path<ApiKeyId>,
) -> Result<Json<Revoked>, Problem> {
    let mut tx = db::begin(app.pool()).await?;
    let key = keys::key_get(&mut tx, holder.actor.guild, key_id).await?;
    rules::may_revoke(&holder.actor, key_id, key.user_id, &Scopes::new(key.scopes))?;
    let revoked = keys::key_revoke(&mut tx, holder.by(), &holder.origin, holder.actor.guild, key_id).await?;
    tx.commit().await?;
    Ok(Json(revoked))
}

/// How to rotate a key.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateKey {
    /// For how many minutes the old secret is good beside the new one, so that whoever uses it can change over; 0: it is
    /// refused at once. Left out, what the setting `api_keys.rotation_grace_minutes` says.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10080)]
    grace_minutes: Option<i64>,
}

/// Gives a key a new secret. The old one is refused everywhere within a second, or after its grace.
#[utoipa::path(post, path = "/keys/{key_id}/rotate", tag = "keys",
    params(("key_id" = ApiKeyId, Path), IdempotencyKey), request_body = Option<RotateKey>,
    responses((status = 200, body = KeyWithSecret), Problems), security(("api_key" = ["keys:write"])))]
pub(super) async fn key_rotate(
    State(app): State<App>,
    holder: Holder<KeysWrite>,
    Path(key_id): Path<ApiKeyId>,
    body: Option<Json<RotateKey>>,
) -> Result<impl IntoResponse, Problem> {
    let Json(body) = body.unwrap_or_default();
    let mut tx = db::begin(app.pool()).await?;
    // Whoever rotates a key holds it afterwards.
    let key = keys::key_get(&mut tx, holder.actor.guild, key_id).await?;
    rules::may_hand_out(&holder.actor, key.user_id, &Scopes::new(key.scopes))?;
    if let Bearer::Key { id, .. } = &holder.actor.bearer {
        let own = keys::key_get(&mut tx, None, *id).await?;
        if own.expires_at.is_some_and(|end| key.expires_at.is_none_or(|at| at > end)) {
            return Err(Problem::forbidden(
                "That key lives longer than this one, so this one cannot take it over.",
            ));
        }
    }
    let made = keys::key_rotate(
        &mut tx,
        holder.by(),
        &holder.origin,
        holder.actor.guild,
        key_id,
        body.grace_minutes,
    )
    .await?;
    tx.commit().await?;
    Ok((SHOWN_ONCE, shown_once(made)))
}

fn shown_once((key, plain): (Key, PlainKey)) -> Json<KeyWithSecret> {
    Json(KeyWithSecret { key, secret: plain.reveal().to_owned() })
}
