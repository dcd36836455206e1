//! A copy of what is known of a member, and forgetting them.
//!
//! What others' figures rest upon stays, without a name: the journal of rewards and the reactions they gave, both under the bare number
//! of their account. Everything else of theirs in the guild goes. Other slices do the same with what they keep ([`access::personal`]).

use access::personal::{self, MOST, NOBODY};
use access::{AuditEntry, By, Origin, audit};
use kernel::{GuildId, UserId};
use people::preferences::{Preferences, preferences_get};
use progress::profile::Profile;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::error::Error;

/// Everything that is known of a member in a guild.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MemberExport {
    /// The member.
    pub member: Profile,
    /// What is announced about them.
    pub preferences: Preferences,
    /// Their seasons, as stored.
    #[schema(value_type = Vec<Object>)]
    pub seasons: Value,
    /// Their counters, as stored.
    #[schema(value_type = Vec<Object>)]
    pub counters: Value,
    /// Their achievements, as stored.
    #[schema(value_type = Vec<Object>)]
    pub achievements: Value,
    /// Quests of the board that they took on.
    #[schema(value_type = Vec<Object>)]
    pub quests: Value,
    /// What they bought.
    #[schema(value_type = Vec<Object>)]
    pub purchases: Value,
    /// Their skills.
    #[schema(value_type = Vec<Object>)]
    pub skills: Value,
    /// What learning brought them, as stored.
    #[schema(value_type = Vec<Object>)]
    pub skill_rewards: Value,
    /// Where they stood when seasons ended.
    #[schema(value_type = Vec<Object>)]
    pub standings: Value,
    /// What was, or is to be, announced about them.
    #[schema(value_type = Vec<Object>)]
    pub announcements: Value,
    /// Their entries in the journal of rewards, newest first; at most 100,000.
    #[schema(value_type = Vec<Object>)]
    pub activity: Value,
    /// Their events in the lake, newest first; at most 100,000.
    #[schema(value_type = Vec<Object>)]
    pub events: Value,
    /// Discord roles that they are to have.
    #[schema(value_type = Vec<Object>)]
    pub member_roles: Value,
    /// What the other parts of Questhall keep of them, by part: `access`, `campaigns`, `challenges`, `economy`, `squads`.
    #[schema(value_type = Object)]
    pub elsewhere: Value,
}

/// A copy of everything known of a member in this guild. Whoever takes one is in the audit log.
pub async fn member_export(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    by: By<'_>,
    origin: &Origin,
) -> Result<MemberExport, Error> {
    let member = progress::profile::member_profile(pool, guild, user).await?;
    let preferences = preferences_get(pool, guild, user).await?;
    let mut tx = pool.begin().await?;
    let row = sqlx::query!(
        r#"SELECT coalesce((SELECT jsonb_agg(to_jsonb(s) - 'guild_id' - 'user_id' ORDER BY s.season_id)
                     FROM progress.user_stats s WHERE s.guild_id = $1 AND s.user_id = $2), '[]') AS "seasons!",
                  coalesce((SELECT jsonb_agg(to_jsonb(c) - 'guild_id' - 'user_id' ORDER BY c.event_type, c.category_id, c.period)
                     FROM lake.event_counters c WHERE c.guild_id = $1 AND c.user_id = $2), '[]') AS "counters!",
                  coalesce((SELECT jsonb_agg(jsonb_build_object('name', t.name, 'earned_at', a.earned_at) ORDER BY a.earned_at)
                     FROM progress.user_achievements a
                     JOIN progress.achievement_templates t ON t.guild_id = a.guild_id AND t.id = a.achievement_id
                    WHERE a.guild_id = $1 AND a.user_id = $2), '[]') AS "achievements!",
                  coalesce((SELECT jsonb_agg(jsonb_build_object('title', q.title, 'status', q.status, 'claimed_at', q.claimed_at,
                                'completed_at', q.completed_at, 'github_issue_url', q.github_issue_url) ORDER BY q.id)
                     FROM community.quests q
                    WHERE q.guild_id = $1 AND $2 IN (q.claimed_by, q.completed_by)), '[]') AS "quests!",
                  coalesce((SELECT jsonb_agg(jsonb_build_object('item', i.name, 'quantity', p.quantity, 'price_gold', p.price_gold,
                                'status', p.status, 'created_at', p.created_at, 'settled_at', p.settled_at) ORDER BY p.created_at)
                     FROM community.shop_purchases p
                     JOIN community.shop_items i ON i.guild_id = p.guild_id AND i.id = p.item_id
                    WHERE p.guild_id = $1 AND p.user_id = $2), '[]') AS "purchases!",
                  coalesce((SELECT jsonb_agg(jsonb_build_object('skill', k.slug, 'name', k.name, 'skill_points', s.skill_points,
                                'level', s.level) ORDER BY k.slug)
                     FROM community.user_skills s JOIN community.skills k ON k.guild_id = s.guild_id AND k.id = s.skill_id
                    WHERE s.guild_id = $1 AND s.user_id = $2), '[]') AS "skills!",
                  coalesce((SELECT jsonb_agg(to_jsonb(r) - 'guild_id' - 'user_id' ORDER BY r.created_at)
                     FROM community.user_skill_rewards r WHERE r.guild_id = $1 AND r.user_id = $2), '[]') AS "skill_rewards!",
                  coalesce((SELECT jsonb_agg(to_jsonb(s) - 'guild_id' - 'user_id' ORDER BY s.season_id)
                     FROM progress.season_standings s WHERE s.guild_id = $1 AND s.user_id = $2), '[]') AS "standings!",
                  coalesce((SELECT jsonb_agg(jsonb_build_object('kind', n.kind, 'status', n.status, 'what', n.payload,
                                'created_at', n.created_at, 'sent_at', n.sent_at) ORDER BY n.id)
                     FROM community.announcements n WHERE n.guild_id = $1 AND n.user_id = $2), '[]') AS "announcements!",
                  coalesce((SELECT jsonb_agg(to_jsonb(l) - 'guild_id' - 'user_id')
                     FROM (SELECT * FROM progress.activity_log WHERE guild_id = $1 AND user_id = $2
                            ORDER BY "timestamp" DESC, id DESC LIMIT $3) l), '[]') AS "activity!",
                  coalesce((SELECT jsonb_agg(jsonb_build_object('event_type', e.event_type, 'channel_id', e.channel_id::text,
                                'target_id', e.target_id::text, 'timestamp', e."timestamp", 'payload', e.payload,
                                'source_id', e.source_id))
                     FROM (SELECT * FROM lake.event_lake WHERE guild_id = $1 AND user_id = $2
                            ORDER BY "timestamp" DESC LIMIT $3) e), '[]') AS "events!",
                  coalesce((SELECT jsonb_agg(jsonb_build_object('role_id', r.role_id::text, 'wanted', r.wanted,
                                'confirmed_at', r.confirmed_at) ORDER BY r.role_id)
                     FROM people.member_roles r WHERE r.guild_id = $1 AND r.user_id = $2), '[]') AS "member_roles!""#,
        guild.get(),
        user.get(),
        MOST,
    )
    .fetch_one(&mut *tx)
    .await?;
    let elsewhere = Value::Object(personal::copies(&mut tx, guild, user).await?);
    let entry = AuditEntry::new(Some(guild), by, "EXPORT", "people.members", user.to_string()).from(origin);
    audit::record(&mut tx, &entry).await?;
    tx.commit().await?;
    Ok(MemberExport {
        member,
        preferences,
        seasons: row.seasons,
        counters: row.counters,
        achievements: row.achievements,
        quests: row.quests,
        purchases: row.purchases,
        skills: row.skills,
        skill_rewards: row.skill_rewards,
        standings: row.standings,
        announcements: row.announcements,
        activity: row.activity,
        events: row.events,
        member_roles: row.member_roles,
        elsewhere,
    })
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Erased {
    /// Events that were deleted from the lake.
    pub events: u64,
    /// Whether the person is in no other guild, so that name, avatar and GitHub account are gone altogether.
    pub person: bool,
}

/// Forgets a member on their request: the name, the events but for reactions to others' messages, counters, preferences, announcements,
/// others' words about them, and the state of limits. Quests that they work on are open again. They leave all leaderboards. Repeating it changes nothing more. It is in the audit log, without what was forgotten.
pub async fn member_erase(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    reason: &str,
    by: By<'_>,
    origin: &Origin,
) -> Result<Erased, Error> {
    if reason.trim().is_empty() || reason.chars().count() > 500 {
        return Err(Error::Invalid("reason", "must be 1 to 500 characters".to_owned()));
    }
    db::retry(|| async {
        let mut tx = pool.begin().await?;
        // Their events wait, so that none comes in between.
        people::store::guilds_lock(&mut tx, &[guild]).await?;
        let shared = people::store::is_shared(&mut tx, guild, user).await?;
        let names = names_of(&mut tx, guild, user).await?;
        let done = sqlx::query!(
            "UPDATE people.members SET display_name = $3, left_at = coalesce(left_at, now())
              WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
            NOBODY,
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(people::Error::UnknownMember(user).into());
        }
        if !shared {
            sqlx::query!(
                "UPDATE people.users SET discord_name = $2, discord_avatar_hash = NULL, github_username = NULL
                  WHERE id = $1",
                user.get(),
                NOBODY,
            )
            .execute(&mut *tx)
            .await?;
        }
        let events = sqlx::query!(
            "DELETE FROM lake.event_lake WHERE guild_id = $1 AND user_id = $2 AND event_type <> 'reaction_add'",
            guild.get(),
            user.get(),
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        remove(&mut tx, guild, user).await?;
        crate::board::lapse::release_all_of(&mut tx, guild, user).await?;
        personal::forget(&mut tx, guild, user, &names).await?;
        sqlx::query!(
            "UPDATE progress.activity_log
                SET metadata = jsonb_set(metadata, '{reason}', to_jsonb(regexp_replace(metadata ->> 'reason',
                        current_setting('questhall.forgotten'), $2, 'gi')))
              WHERE guild_id = $1 AND event_type = 'MANUAL_AWARD'
                AND metadata ->> 'reason' ~* current_setting('questhall.forgotten')",
            guild.get(),
            NOBODY,
        )
        .execute(&mut *tx)
        .await?;
        let mut entry =
            AuditEntry::new(Some(guild), by, "DELETE", "people.members", user.to_string()).from(origin);
        entry.after = Some(json!({ "events": events, "person": !shared }));
        entry.reason = Some(reason);
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Erased { events, person: !shared })
    })
    .await
}

/// What a member is called: the words by which others may have named them.
async fn names_of(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT name AS "name!" FROM people.members m JOIN people.users u ON u.id = m.user_id
             CROSS JOIN LATERAL (VALUES (m.display_name), (u.discord_name), (u.github_username), (u.id::text)) AS n (name)
            WHERE m.guild_id = $1 AND m.user_id = $2 AND name IS NOT NULL"#,
        guild.get(),
        user.get(),
    )
    .fetch_all(conn)
    .await
}

/// Removes, or empties, what nobody else's figures rest upon.
async fn remove(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<(), sqlx::Error> {
    for done in [
        sqlx::query!(
            "UPDATE lake.event_lake SET payload = payload - 'roles'
              WHERE guild_id = $1 AND user_id = $2 AND payload ? 'roles'",
            guild.get(),
            user.get(),
        ),
        // The guild's days are the sums of its members' counters.
        sqlx::query!(
            "WITH gone AS (
                 DELETE FROM lake.event_counters
                  WHERE guild_id = $1 AND user_id = $2 AND event_type <> 'reaction_add'
                 RETURNING event_type, category_id, period, count
             )
             UPDATE progress.guild_days d SET count = greatest(d.count - g.count, 0)
               FROM gone g
              WHERE g.category_id = 0 AND g.period LIKE 'day:%'
                AND d.guild_id = $1 AND d.day = substr(g.period, 5)::date AND d.kind = g.event_type",
            guild.get(),
            user.get(),
        ),
        sqlx::query!(
            "UPDATE progress.user_stats SET messages_sent = 0, threads_created = 0, voice_minutes = 0
              WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
        ),
        sqlx::query!(
            "UPDATE progress.activity_log SET metadata = metadata - 'reason'
              WHERE guild_id = $1 AND user_id = $2 AND metadata ? 'reason'",
            guild.get(),
            user.get(),
        ),
        sqlx::query!(
            "UPDATE progress.user_achievements SET revoke_reason = NULL
              WHERE guild_id = $1 AND user_id = $2 AND revoke_reason IS NOT NULL",
            guild.get(),
            user.get(),
        ),
        sqlx::query!(
            "DELETE FROM community.announcements WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
        ),
        sqlx::query!(
            "DELETE FROM people.user_preferences WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
        ),
        sqlx::query!(
            "DELETE FROM lake.reward_cooldowns WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
        ),
        sqlx::query!(
            "DELETE FROM lake.voice_sessions WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
        ),
        sqlx::query!(
            "DELETE FROM people.member_roles WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
        ),
    ] {
        done.execute(&mut *conn).await?;
    }
    Ok(())
}
