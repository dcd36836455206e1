//! SQL over achievements. Callers own the connection and the transaction.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, Limit, UserId};
use sqlx::PgConnection;

use super::model::{
    Achievement, Earner, NewAchievement, Progress, Rarity, RequirementScope, RequirementType,
};
use super::rules::{Crossing, Thresholds};
use crate::error::Error;
use crate::ids::{AchievementId, SeasonId};

struct Row {
    id: AchievementId,
    guild_id: GuildId,
    name: String,
    description: String,
    category: String,
    requirement_type: String,
    requirement_scope: String,
    requirement_field: Option<String>,
    requirement_value: Option<i32>,
    xp_reward: i32,
    gold_reward: i32,
    badge_image_url: Option<String>,
    rarity: String,
    announce_channel_id: Option<ChannelId>,
    active: bool,
    earned_by: i64,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Achievement {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            guild_id: row.guild_id,
            name: row.name,
            description: row.description,
            category: row.category,
            requirement_type: RequirementType::from_column(&row.requirement_type)?,
            requirement_scope: RequirementScope::from_column(&row.requirement_scope)?,
            requirement_field: row.requirement_field,
            requirement_value: row.requirement_value,
            xp_reward: row.xp_reward,
            gold_reward: row.gold_reward,
            badge_image_url: row.badge_image_url,
            rarity: Rarity::from_column(&row.rarity)?,
            announce_channel_id: row.announce_channel_id,
            active: row.active,
            earned_by: row.earned_by,
            created_at: row.created_at,
        })
    }
}

/// Achievements of the guild by number, one more than the page holds; `only` for a single one.
pub(super) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<AchievementId>,
    with_retired: bool,
    after: Option<AchievementId>,
    limit: Limit,
) -> Result<Vec<Achievement>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT t.id AS "id: AchievementId", t.guild_id AS "guild_id: GuildId", t.name, t.description, t.category,
                  t.requirement_type, t.requirement_scope, t.requirement_field, t.requirement_value, t.xp_reward,
                  t.gold_reward, t.badge_image_url, t.rarity, t.announce_channel_id AS "announce_channel_id: ChannelId",
                  t.active, t.created_at,
                  (SELECT count(*) FROM progress.user_achievements a
                    WHERE a.guild_id = t.guild_id AND a.achievement_id = t.id AND a.revoked_at IS NULL) AS "earned_by!"
             FROM progress.achievement_templates t
            WHERE t.guild_id = $1 AND ($2::int IS NULL OR t.id = $2) AND (t.active OR $3) AND t.id > $4
            ORDER BY t.id LIMIT $5"#,
        guild.get(),
        only.map(AchievementId::get),
        with_retired,
        after.map_or(0, AchievementId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Achievement::try_from).collect()
}

/// Locks an achievement against others who change it; false where the guild has no such one.
pub(super) async fn lock(
    conn: &mut PgConnection,
    guild: GuildId,
    achievement: AchievementId,
) -> Result<bool, Error> {
    let found = sqlx::query!(
        "SELECT id FROM progress.achievement_templates WHERE guild_id = $1 AND id = $2 FOR NO KEY UPDATE",
        guild.get(),
        achievement.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Makes an achievement.
pub(super) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewAchievement,
) -> Result<AchievementId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO progress.achievement_templates (guild_id, name, description, category, requirement_type,
               requirement_scope, requirement_field, requirement_value, xp_reward, gold_reward, badge_image_url, rarity,
               announce_channel_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id AS "id: AchievementId""#,
        guild.get(),
        new.name,
        new.description,
        new.category,
        new.requirement_type.as_str(),
        new.requirement_scope.as_str(),
        new.requirement_field,
        new.requirement_value,
        new.xp_reward,
        new.gold_reward,
        new.badge_image_url,
        new.rarity.as_str(),
        new.announce_channel_id.map(ChannelId::get),
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Writes what may be changed.
pub(super) async fn update(conn: &mut PgConnection, achievement: &Achievement) -> Result<(), Error> {
    let done = sqlx::query!(
        r#"UPDATE progress.achievement_templates
              SET name = $3, description = $4, category = $5, requirement_value = $6, xp_reward = $7, gold_reward = $8,
                  badge_image_url = $9, rarity = $10, announce_channel_id = $11, active = $12
            WHERE guild_id = $1 AND id = $2"#,
        achievement.guild_id.get(),
        achievement.id.get(),
        achievement.name,
        achievement.description,
        achievement.category,
        achievement.requirement_value,
        achievement.xp_reward,
        achievement.gold_reward,
        achievement.badge_image_url,
        achievement.rarity.as_str(),
        achievement.announce_channel_id.map(ChannelId::get),
        achievement.active,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// The thresholds of the guild's active achievements; of `only` one, if given.
#[kernel::boxed]
pub(super) async fn thresholds(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<AchievementId>,
) -> Result<Thresholds, Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: AchievementId", requirement_value::bigint AS "value!",
                  progress.achievement_measure(requirement_type, requirement_scope, requirement_field) AS "measure!"
             FROM progress.achievement_templates
            WHERE guild_id = $1 AND active AND requirement_type <> 'custom' AND ($2::int IS NULL OR id = $2)"#,
        guild.get(),
        only.map(AchievementId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(Thresholds::new(rows.into_iter().map(|row| (row.measure, row.value, row.id))))
}

/// Which of these members have reached which of the thresholds and not been granted it. Bots reach nothing.
#[kernel::boxed]
pub(super) async fn reached(
    conn: &mut PgConnection,
    guild: GuildId,
    thresholds: &Thresholds,
    users: &[i64],
) -> Result<Vec<Crossing>, Error> {
    let (mut ids, mut measures, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (measure, value, achievement) in thresholds.iter() {
        ids.push(achievement.get());
        measures.push(measure);
        values.push(value);
    }
    let crossings = sqlx::query_as!(
        Crossing,
        r#"SELECT DISTINCT ON (v.user_id, t.id) v.user_id AS "user_id!: UserId", t.id AS "achievement_id!: AchievementId",
                  coalesce(v.season_id, (SELECT s.id FROM progress.seasons s WHERE s.guild_id = $1 AND s.active))
                      AS "season_id: SeasonId"
             FROM unnest($2::int[], $3::text[], $4::bigint[]) AS t (id, measure, value)
             JOIN progress.member_measures v
               ON v.guild_id = $1 AND v.user_id = ANY($5::bigint[]) AND v.measure = t.measure AND v.value >= t.value
             JOIN people.members m ON m.guild_id = $1 AND m.user_id = v.user_id AND NOT m.is_bot
            WHERE NOT EXISTS (SELECT FROM progress.user_achievements a
                               WHERE a.guild_id = $1 AND a.user_id = v.user_id AND a.achievement_id = t.id)
            ORDER BY v.user_id, t.id, v.season_id"#,
        guild.get(),
        &ids,
        &measures as &[&str],
        &values,
        users,
    )
    .fetch_all(conn)
    .await?;
    Ok(crossings)
}

/// An achievement granted just now, and what it pays.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) user_id: UserId,
    pub(super) achievement_id: AchievementId,
    pub(super) season_id: Option<SeasonId>,
    pub(super) name: String,
    pub(super) rarity: String,
    pub(super) xp: i32,
    pub(super) gold: i32,
    pub(super) announce_channel_id: Option<ChannelId>,
}

/// Grants what has not been granted before; rows are written in the order of their keys.
pub(super) async fn grant(
    conn: &mut PgConnection,
    guild: GuildId,
    crossings: &[Crossing],
    granted_by: Option<UserId>,
) -> Result<Vec<Granted>, Error> {
    let users: Vec<i64> = crossings.iter().map(|crossing| crossing.user_id.get()).collect();
    let ids: Vec<i32> = crossings.iter().map(|crossing| crossing.achievement_id.get()).collect();
    let seasons: Vec<Option<i32>> =
        crossings.iter().map(|crossing| crossing.season_id.map(SeasonId::get)).collect();
    let granted = sqlx::query_as!(
        Granted,
        r#"WITH granted AS (
               INSERT INTO progress.user_achievements (guild_id, user_id, achievement_id, season_id, granted_by, xp_paid,
                                                        gold_paid)
               SELECT $1, c.user_id, c.id, min(c.season_id), $5, t.xp_reward, t.gold_reward
                 FROM unnest($2::bigint[], $3::int[], $4::int[]) AS c (user_id, id, season_id)
                 JOIN progress.achievement_templates t ON t.guild_id = $1 AND t.id = c.id AND t.active
                GROUP BY c.user_id, c.id, t.xp_reward, t.gold_reward
                ORDER BY c.user_id, c.id
               ON CONFLICT ON CONSTRAINT pk_user_achievements DO NOTHING
               RETURNING user_id, achievement_id, season_id
           )
           SELECT g.user_id AS "user_id: UserId", g.achievement_id AS "achievement_id: AchievementId",
                  g.season_id AS "season_id: SeasonId", t.name, t.rarity, t.xp_reward AS xp, t.gold_reward AS gold,
                  t.announce_channel_id AS "announce_channel_id: ChannelId"
             FROM granted g JOIN progress.achievement_templates t ON t.guild_id = $1 AND t.id = g.achievement_id
            ORDER BY g.user_id, g.achievement_id"#,
        guild.get(),
        &users,
        &ids,
        &seasons as &[Option<i32>],
        granted_by.map(UserId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(granted)
}

/// What is known of a member's achievement, revoked or not.
pub(super) struct Held {
    pub(super) xp_paid: i32,
    pub(super) gold_paid: i32,
    pub(super) revoked_at: Option<DateTime<Utc>>,
    pub(super) taken_back: bool,
}

/// A member's achievement, locked.
pub(super) async fn held_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    achievement: AchievementId,
    user: UserId,
) -> Result<Option<Held>, Error> {
    let held = sqlx::query_as!(
        Held,
        r#"SELECT xp_paid, gold_paid, revoked_at, taken_back FROM progress.user_achievements
            WHERE guild_id = $1 AND user_id = $2 AND achievement_id = $3 FOR UPDATE"#,
        guild.get(),
        user.get(),
        achievement.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// Revokes a member's achievement.
pub(super) async fn revoke(
    conn: &mut PgConnection,
    guild: GuildId,
    (achievement, user): (AchievementId, UserId),
    by: Option<UserId>,
    reason: &str,
    taken_back: bool,
) -> Result<(), Error> {
    let done = sqlx::query!(
        r#"UPDATE progress.user_achievements
              SET revoked_at = now(), revoked_by = $4, revoke_reason = $5, taken_back = $6
            WHERE guild_id = $1 AND user_id = $2 AND achievement_id = $3 AND revoked_at IS NULL"#,
        guild.get(),
        user.get(),
        achievement.get(),
        by.map(UserId::get),
        reason,
        taken_back,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Gives a revoked achievement back; what was paid for it is `paid` (XP, gold) from now on.
pub(super) async fn restore(
    conn: &mut PgConnection,
    guild: GuildId,
    (achievement, user): (AchievementId, UserId),
    by: Option<UserId>,
    paid: (i32, i32),
) -> Result<(), Error> {
    let done = sqlx::query!(
        r#"UPDATE progress.user_achievements
              SET revoked_at = NULL, revoked_by = NULL, revoke_reason = NULL, taken_back = false, granted_by = $4,
                  earned_at = now(), xp_paid = $5, gold_paid = $6
            WHERE guild_id = $1 AND user_id = $2 AND achievement_id = $3 AND revoked_at IS NOT NULL"#,
        guild.get(),
        user.get(),
        achievement.get(),
        by.map(UserId::get),
        paid.0,
        paid.1,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Who has an achievement, the latest first, one more than the page holds.
pub(super) async fn earners(
    conn: &mut PgConnection,
    guild: GuildId,
    achievement: AchievementId,
    after: Option<(DateTime<Utc>, UserId)>,
    limit: Limit,
) -> Result<Vec<Earner>, Error> {
    let (at, user) = after.unzip();
    let rows = sqlx::query_as!(
        Earner,
        r#"SELECT a.achievement_id AS "achievement_id: AchievementId", a.user_id AS "user_id: UserId",
                  k.name AS "name!", a.earned_at, a.season_id AS "season_id: SeasonId",
                  a.granted_by AS "granted_by: UserId"
             FROM progress.user_achievements a
             JOIN people.known_as k ON k.guild_id = a.guild_id AND k.user_id = a.user_id
            WHERE a.guild_id = $1 AND a.achievement_id = $2 AND a.revoked_at IS NULL
              AND ($3::timestamptz IS NULL OR (a.earned_at, a.user_id) < ($3, $4::bigint))
            ORDER BY a.earned_at DESC, a.user_id DESC LIMIT $5"#,
        guild.get(),
        achievement.get(),
        at,
        user.map(UserId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How far a member is with each achievement that can be earned, or that they have; by number, one more than the page
/// holds.
pub(super) async fn progress(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    after: Option<AchievementId>,
    limit: Limit,
) -> Result<Vec<Progress>, Error> {
    let rows = sqlx::query!(
        r#"SELECT t.id AS "id: AchievementId", t.name, t.description, t.category, t.rarity, t.badge_image_url,
                  a.earned_at AS "earned_at?", t.requirement_value::bigint AS threshold,
                  CASE WHEN t.requirement_type <> 'custom' THEN coalesce(v.value, 0) END AS value
             FROM progress.achievement_templates t
             LEFT JOIN progress.user_achievements a
               ON a.guild_id = t.guild_id AND a.user_id = $2 AND a.achievement_id = t.id AND a.revoked_at IS NULL
             LEFT JOIN LATERAL (
                  SELECT m.value FROM progress.member_measures m
                   WHERE m.guild_id = $1 AND m.user_id = $2
                     AND m.measure = progress.achievement_measure(t.requirement_type, t.requirement_scope,
                                                                   t.requirement_field)
                     AND (m.season_id IS NULL
                          OR m.season_id = (SELECT s.id FROM progress.seasons s WHERE s.guild_id = $1 AND s.active))
                   LIMIT 1) v ON true
            WHERE t.guild_id = $1 AND (t.active OR a.earned_at IS NOT NULL) AND t.id > $3
            ORDER BY t.id LIMIT $4"#,
        guild.get(),
        user.get(),
        after.map_or(0, AchievementId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Progress {
                achievement_id: row.id,
                name: row.name,
                description: row.description,
                category: row.category,
                rarity: Rarity::from_column(&row.rarity)?,
                badge_image_url: row.badge_image_url,
                earned_at: row.earned_at,
                value: row.value,
                threshold: row.threshold,
            })
        })
        .collect()
}

/// The next members of the guild by id.
pub(super) async fn members_after(
    conn: &mut PgConnection,
    guild: GuildId,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT user_id FROM people.members WHERE guild_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3",
        guild.get(),
        after,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Guilds in which something can be earned by itself.
pub(super) async fn guilds(conn: &mut PgConnection) -> Result<Vec<GuildId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT guild_id AS "guild_id: GuildId" FROM progress.achievement_templates
            WHERE active AND requirement_type <> 'custom' ORDER BY 1"#,
    )
    .fetch_all(conn)
    .await?)
}
