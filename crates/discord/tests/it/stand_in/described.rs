//! What Discord says of people, guilds and roles.

use serde_json::{Value, json};

use super::APPLICATION;

pub(super) fn user(id: i64) -> Value {
    json!({
        "id": id.to_string(), "username": format!("user{id}"), "avatar": null, "discriminator": "0", "public_flags": 0,
        "flags": 0, "global_name": null, "primary_guild": null,
    })
}

pub(super) fn application() -> Value {
    json!({
        "id": APPLICATION.to_string(), "name": "Questhall", "icon": null, "description": "", "type": null,
        "bot": user(APPLICATION),  "rpc_origins": [], "bot_public": true, "bot_require_code_grant": false,
        "integration_types_config": {}, "verify_key": "00".repeat(32), "flags": 0, "max_participants": null, "tags": [],
        "redirect_uris": [], "interactions_endpoint_url": null, "role_connections_verification_url": null, "owner": user(9),
        "approximate_guild_count": 1, "approximate_user_install_count": 0, "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0, "team": null, "flags_new": "0", "eligible_oauth2_scopes": [],
    })
}

/// A guild as Discord describes it, with what every guild has.
pub(super) fn guild(id: i64, owner: i64, roles: Vec<Value>) -> Value {
    json!({
        "id": id.to_string(), "name": "The hall", "icon": null, "description": null, "home_header": null, "splash": null,
        "discovery_splash": null, "features": [], "banner": null, "owner_id": owner.to_string(), "application_id": null,
        "region": "deprecated", "afk_channel_id": null, "afk_timeout": 300, "system_channel_id": null, "system_channel_flags": 0,
        "widget_enabled": false, "widget_channel_id": null, "verification_level": 1, "roles": roles,
        "default_message_notifications": 1, "mfa_level": 0, "explicit_content_filter": 0, "max_presences": null,
        "max_members": 500_000, "max_stage_video_channel_users": 50, "max_video_channel_users": 25, "vanity_url_code": null,
        "premium_tier": 0, "premium_subscription_count": 0, "preferred_locale": "en-US", "rules_channel_id": null,
        "safety_alerts_channel_id": null, "public_updates_channel_id": null, "premium_progress_bar_enabled": false,
        "nsfw": false, "nsfw_level": 0, "emojis": [], "stickers": [], "incidents_data": null,
    })
}

pub(super) fn role(id: i64, place: i32, permissions: u64) -> Value {
    let colors = json!({ "primary_color": 0, "secondary_color": null, "tertiary_color": null });
    json!({
        "id": id.to_string(), "name": format!("role{id}"), "permissions": permissions.to_string(), "position": place, "color": 0, "colors": colors,
        "hoist": false, "managed": false, "mentionable": false, "icon": null, "unicode_emoji": null, "flags": 0,
    })
}
