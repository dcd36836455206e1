//! Settings over the API: a guild's own, and the installation's.

use axum::Extension;
use axum::extract::State;
use kernel::{GuildId, Problem};
use serde_json::{Map, Value};

use crate::actor::{By, Origin};
use crate::openapi::{InGuildPath, Problems};
use crate::scope::{SettingsRead, SettingsWrite};
use crate::settings::{self, Registry, SettingGroup};
use crate::web::{App, Global, InGuild, Json, Path};

/// A group of a guild.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct GuildGroup {
    /// The guild: its Discord id.
    #[serde(rename = "guild_id")]
    _guild_id: GuildId,
    /// The group's name, such as `api_keys`.
    category: String,
}

/// A setting of a guild.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct GuildSetting {
    /// The guild: its Discord id.
    #[serde(rename = "guild_id")]
    _guild_id: GuildId,
    /// The group's name, such as `api_keys`.
    category: String,
    /// The setting's name within the group.
    name: String,
}

/// Lists the settings that a guild has, with what each does, what it takes and what counts.
#[utoipa::path(get, path = "/guilds/{guild_id}/settings", tag = "settings", operation_id = "guild_settings_list",
    params(InGuildPath), responses((status = 200, body = Vec<SettingGroup>), Problems),
    security(("api_key" = ["settings:read"])))]
pub(super) async fn guild_list(
    State(app): State<App>,
    guild: InGuild<SettingsRead>,
    Extension(registry): Extension<Registry>,
) -> Result<Json<Vec<SettingGroup>>, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    Ok(Json(settings::settings_list(&mut conn, &registry, Some(guild.guild_id)).await?))
}

/// Shows a group of a guild's settings.
#[utoipa::path(get, path = "/guilds/{guild_id}/settings/{category}", tag = "settings",
    operation_id = "guild_settings_get", params(GuildGroup),
    responses((status = 200, body = SettingGroup), Problems), security(("api_key" = ["settings:read"])))]
pub(super) async fn guild_get(
    State(app): State<App>,
    guild: InGuild<SettingsRead>,
    Extension(registry): Extension<Registry>,
    Path(path): Path<GuildGroup>,
) -> Result<Json<SettingGroup>, Problem> {
    one(&app, &registry, Some(guild.guild_id), &path.category).await
}

/// Changes settings of a guild, by key: `{"api_keys.max_lifetime_days": 90}`.
///
/// All of them or none: a key that nobody knows or a value that does not fit is answered 422 `invalid-setting` and named.
#[utoipa::path(patch, path = "/guilds/{guild_id}/settings", tag = "settings",
    operation_id = "guild_settings_change", params(InGuildPath), request_body = Object,
    responses((status = 200, body = Vec<SettingGroup>), (status = 422, body = Problem), Problems),
    security(("api_key" = ["settings:write"])))]
pub(super) async fn guild_change(
    State(app): State<App>,
    guild: InGuild<SettingsWrite>,
    Extension(registry): Extension<Registry>,
    Json(values): Json<Map<String, Value>>,
) -> Result<Json<Vec<SettingGroup>>, Problem> {
    change(&app, &registry, guild.by(), &guild.origin, Some(guild.guild_id), &values).await?;
    let mut conn = db::acquire(app.pool()).await?;
    Ok(Json(settings::settings_list(&mut conn, &registry, Some(guild.guild_id)).await?))
}

/// Changes settings of a guild within a group, by name: `{"max_lifetime_days": 90}`. All of them or none.
#[utoipa::path(patch, path = "/guilds/{guild_id}/settings/{category}", tag = "settings",
    operation_id = "guild_settings_change_group", params(GuildGroup), request_body = Object,
    responses((status = 200, body = SettingGroup), (status = 422, body = Problem), Problems),
    security(("api_key" = ["settings:write"])))]
pub(super) async fn guild_change_group(
    State(app): State<App>,
    guild: InGuild<SettingsWrite>,
    Extension(registry): Extension<Registry>,
    Path(path): Path<GuildGroup>,
    Json(values): Json<Map<String, Value>>,
) -> Result<Json<SettingGroup>, Problem> {
    let values = keyed(&registry, Some(guild.guild_id), &path.category, values)?;
    change(&app, &registry, guild.by(), &guild.origin, Some(guild.guild_id), &values).await?;
    one(&app, &registry, Some(guild.guild_id), &path.category).await
}

/// Takes back what a guild chose for a setting: what it overruled counts again.
#[utoipa::path(delete, path = "/guilds/{guild_id}/settings/{category}/{name}", tag = "settings",
    operation_id = "guild_settings_reset", params(GuildSetting),
    responses((status = 200, body = SettingGroup), (status = 422, body = Problem), Problems),
    security(("api_key" = ["settings:write"])))]
pub(super) async fn guild_reset(
    State(app): State<App>,
    guild: InGuild<SettingsWrite>,
    Extension(registry): Extension<Registry>,
    Path(path): Path<GuildSetting>,
) -> Result<Json<SettingGroup>, Problem> {
    let key = format!("{}.{}", path.category, path.name);
    reset(&app, &registry, guild.by(), &guild.origin, Some(guild.guild_id), &key).await?;
    one(&app, &registry, Some(guild.guild_id), &path.category).await
}

/// Lists the installation's settings, with what each does, what it takes and what counts.
#[utoipa::path(get, path = "/settings", tag = "settings", operation_id = "settings_list",
    responses((status = 200, body = Vec<SettingGroup>), Problems), security(("api_key" = ["settings:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    _global: Global<SettingsRead>,
    Extension(registry): Extension<Registry>,
) -> Result<Json<Vec<SettingGroup>>, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    Ok(Json(settings::settings_list(&mut conn, &registry, None).await?))
}

/// Shows a group of the installation's settings.
#[utoipa::path(get, path = "/settings/{category}", tag = "settings", operation_id = "settings_get",
    params(("category" = String, Path)),
    responses((status = 200, body = SettingGroup), Problems), security(("api_key" = ["settings:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    _global: Global<SettingsRead>,
    Extension(registry): Extension<Registry>,
    Path(category): Path<String>,
) -> Result<Json<SettingGroup>, Problem> {
    one(&app, &registry, None, &category).await
}

/// Changes settings of the whole installation, by key. All of them or none.
#[utoipa::path(patch, path = "/settings", tag = "settings", operation_id = "settings_change",
    request_body = Object,
    responses((status = 200, body = Vec<SettingGroup>), (status = 422, body = Problem), Problems),
    security(("api_key" = ["settings:write"])))]
pub(super) async fn change_all(
    State(app): State<App>,
    global: Global<SettingsWrite>,
    Extension(registry): Extension<Registry>,
    Json(values): Json<Map<String, Value>>,
) -> Result<Json<Vec<SettingGroup>>, Problem> {
    change(&app, &registry, global.by(), &global.origin, None, &values).await?;
    let mut conn = db::acquire(app.pool()).await?;
    Ok(Json(settings::settings_list(&mut conn, &registry, None).await?))
}

/// Changes settings of the whole installation within a group, by name. All of them or none.
#[utoipa::path(patch, path = "/settings/{category}", tag = "settings", operation_id = "settings_change_group",
    params(("category" = String, Path)), request_body = Object,
    responses((status = 200, body = SettingGroup), (status = 422, body = Problem), Problems),
    security(("api_key" = ["settings:write"])))]
pub(super) async fn change_group(
    State(app): State<App>,
    global: Global<SettingsWrite>,
    Extension(registry): Extension<Registry>,
    Path(category): Path<String>,
    Json(values): Json<Map<String, Value>>,
) -> Result<Json<SettingGroup>, Problem> {
    let values = keyed(&registry, None, &category, values)?;
    change(&app, &registry, global.by(), &global.origin, None, &values).await?;
    one(&app, &registry, None, &category).await
}

/// Brings a setting of the installation back to its default.
#[utoipa::path(delete, path = "/settings/{category}/{name}", tag = "settings", operation_id = "settings_reset",
    params(("category" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = SettingGroup), (status = 422, body = Problem), Problems),
    security(("api_key" = ["settings:write"])))]
pub(super) async fn reset_one(
    State(app): State<App>,
    global: Global<SettingsWrite>,
    Extension(registry): Extension<Registry>,
    Path((category, name)): Path<(String, String)>,
) -> Result<Json<SettingGroup>, Problem> {
    let key = format!("{category}.{name}");
    reset(&app, &registry, global.by(), &global.origin, None, &key).await?;
    one(&app, &registry, None, &category).await
}

/// Names within a group as keys; 404 for a group that is not there.
fn keyed(
    registry: &Registry,
    guild: Option<GuildId>,
    category: &str,
    values: Map<String, Value>,
) -> Result<Map<String, Value>, Problem> {
    registry
        .group(category)
        .filter(|group| guild.is_none() || !group.installation_only)
        .ok_or_else(|| Problem::not_found("group of settings"))?;
    Ok(values.into_iter().map(|(name, value)| (format!("{category}.{name}"), value)).collect())
}

async fn one(
    app: &App,
    registry: &Registry,
    guild: Option<GuildId>,
    category: &str,
) -> Result<Json<SettingGroup>, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    Ok(Json(settings::settings_get(&mut conn, registry, guild, category).await?))
}

async fn change(
    app: &App,
    registry: &Registry,
    by: By<'_>,
    origin: &Origin,
    guild: Option<GuildId>,
    values: &Map<String, Value>,
) -> Result<(), Problem> {
    let mut tx = db::begin(app.pool()).await?;
    settings::settings_change(&mut tx, registry, by, origin, guild, values).await?;
    tx.commit().await?;
    Ok(())
}

async fn reset(
    app: &App,
    registry: &Registry,
    by: By<'_>,
    origin: &Origin,
    guild: Option<GuildId>,
    key: &str,
) -> Result<(), Problem> {
    if registry.find(key).is_none() {
        return Err(Problem::not_found("setting"));
    }
    let mut tx = db::begin(app.pool()).await?;
    settings::settings_reset(&mut tx, registry, by, origin, guild, &[key]).await?;
    tx.commit().await?;
    Ok(())
}
