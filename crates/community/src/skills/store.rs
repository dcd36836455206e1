//! SQL over skills. Callers own the connection and the transaction.

use chrono::{DateTime, Utc};
use kernel::{GuildId, Limit, UserId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{MemberSkill, NewSkill, Requirement, Skill, SkillReward};
use super::rules::Graph;
use crate::error::Error;
use crate::ids::SkillId;

struct Row {
    id: SkillId,
    guild_id: GuildId,
    slug: String,
    name: String,
    description: String,
    domain: String,
    points_per_level: i32,
    max_level: i32,
    requires: Value,
    active: bool,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Skill {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            guild_id: row.guild_id,
            slug: row.slug,
            name: row.name,
            description: row.description,
            domain: row.domain,
            points_per_level: row.points_per_level,
            max_level: row.max_level,
            requires: serde_json::from_value(row.requires)
                .map_err(|error| Error::Database(sqlx::Error::Decode(Box::new(error))))?,
            active: row.active,
            created_at: row.created_at,
        })
    }
}

/// Skills of the guild by id, one more than `limit` where there are as many; `only` for a single one.
pub(super) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<SkillId>,
    with_retired: bool,
    after: Option<SkillId>,
    limit: i64,
) -> Result<Vec<Skill>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.id AS "id: SkillId", s.guild_id AS "guild_id: GuildId", s.slug, s.name, s.description, s.domain,
                  s.points_per_level, s.max_level, s.active, s.created_at,
                  (SELECT coalesce(jsonb_agg(jsonb_build_object('skill_id', d.requires_skill_id, 'min_level', d.min_level)
                                             ORDER BY d.requires_skill_id), '[]')
                     FROM community.skill_dependencies d
                    WHERE d.guild_id = s.guild_id AND d.skill_id = s.id) AS "requires!"
             FROM community.skills s
            WHERE s.guild_id = $1 AND ($2::uuid IS NULL OR s.id = $2) AND (s.active OR $3)
              AND ($4::uuid IS NULL OR s.id > $4)
            ORDER BY s.id LIMIT $5"#,
        guild.get(),
        only.map(SkillId::get),
        with_retired,
        after.map(SkillId::get),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Skill::try_from).collect()
}

/// Keeps others from changing the guild's catalogue until the commit; tells how many skills there are.
pub(super) async fn lock(conn: &mut PgConnection, guild: GuildId) -> Result<i64, Error> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('community.skills:' || $1::bigint, 0))::text",
        guild.get(),
    )
    .fetch_one(&mut *conn)
    .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM community.skills WHERE guild_id = $1"#,
        guild.get(),
    )
    .fetch_one(conn)
    .await?)
}

/// Makes a skill that builds on nothing.
pub(super) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewSkill,
) -> Result<SkillId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO community.skills (guild_id, slug, name, description, domain, points_per_level, max_level)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id AS "id: SkillId""#,
        guild.get(),
        new.slug,
        new.name,
        new.description,
        new.domain,
        new.points_per_level,
        new.max_level,
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Writes what may be changed of a skill, but for what it builds on.
pub(super) async fn update(conn: &mut PgConnection, skill: &Skill) -> Result<(), Error> {
    let done = sqlx::query!(
        r#"UPDATE community.skills
              SET name = $3, description = $4, domain = $5, points_per_level = $6, max_level = $7, active = $8
            WHERE guild_id = $1 AND id = $2"#,
        skill.guild_id.get(),
        skill.id.get(),
        skill.name,
        skill.description,
        skill.domain,
        skill.points_per_level,
        skill.max_level,
        skill.active,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Makes members' levels of a skill follow its figures.
pub(super) async fn relevel(conn: &mut PgConnection, skill: &Skill) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE community.user_skills SET level = community.skill_level(skill_points, $3, $4)
            WHERE guild_id = $1 AND skill_id = $2 AND level <> community.skill_level(skill_points, $3, $4)"#,
        skill.guild_id.get(),
        skill.id.get(),
        skill.points_per_level,
        skill.max_level,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes these what a skill builds on, and nothing else.
pub(super) async fn set_requires(
    conn: &mut PgConnection,
    guild: GuildId,
    skill: SkillId,
    requires: &[Requirement],
) -> Result<(), Error> {
    let ids: Vec<Uuid> = requires.iter().map(|one| one.skill_id.get()).collect();
    let levels: Vec<i32> = requires.iter().map(|one| one.min_level).collect();
    sqlx::query!(
        "DELETE FROM community.skill_dependencies WHERE guild_id = $1 AND skill_id = $2 AND requires_skill_id <> ALL($3)",
        guild.get(),
        skill.get(),
        &ids,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"INSERT INTO community.skill_dependencies (guild_id, skill_id, requires_skill_id, min_level)
           SELECT $1, $2, r.id, r.level FROM unnest($3::uuid[], $4::int[]) AS r (id, level) ORDER BY r.id
           ON CONFLICT ON CONSTRAINT pk_skill_dependencies DO UPDATE SET min_level = excluded.min_level"#,
        guild.get(),
        skill.get(),
        &ids,
        &levels,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What builds on what in the guild.
pub(super) async fn graph(conn: &mut PgConnection, guild: GuildId) -> Result<Graph<SkillId>, Error> {
    let rows = sqlx::query!(
        r#"SELECT skill_id AS "skill: SkillId", requires_skill_id AS "requires: SkillId"
             FROM community.skill_dependencies WHERE guild_id = $1"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    let mut graph = Graph::new();
    for row in rows {
        graph.entry(row.skill).or_insert_with(Vec::new).push(row.requires);
    }
    Ok(graph)
}

/// A member's points, by skill, one more than the page holds.
pub(super) async fn member_skills(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    after: Option<SkillId>,
    limit: i64,
) -> Result<Vec<MemberSkill>, Error> {
    Ok(sqlx::query_as!(
        MemberSkill,
        r#"SELECT s.id AS "skill_id: SkillId", s.slug, s.name, s.domain, u.skill_points, u.level, s.max_level
             FROM community.user_skills u
             JOIN community.skills s ON s.guild_id = u.guild_id AND s.id = u.skill_id
            WHERE u.guild_id = $1 AND u.user_id = $2 AND ($3::uuid IS NULL OR s.id > $3)
            ORDER BY s.id LIMIT $4"#,
        guild.get(),
        user.get(),
        after.map(SkillId::get),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// What cascades brought a member, the latest first, one more than the page holds.
pub(super) async fn rewards(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: Limit,
) -> Result<Vec<SkillReward>, Error> {
    let (at, id) = after.unzip();
    Ok(sqlx::query_as!(
        SkillReward,
        r#"SELECT id, correlation_id, ordinal, event_type, skill_id AS "skill_id: SkillId", xp, skill_points, source_type,
                  source_id, unlocked_id, created_at
             FROM community.user_skill_rewards
            WHERE guild_id = $1 AND user_id = $2 AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
            ORDER BY created_at DESC, id DESC LIMIT $5"#,
        guild.get(),
        user.get(),
        at,
        id,
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?)
}

/// Which of these are members: guild and person.
pub(super) async fn known_members(
    conn: &mut PgConnection,
    guilds: &[i64],
    users: &[i64],
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT m.guild_id, m.user_id FROM unnest($1::bigint[], $2::bigint[]) AS k (guild_id, user_id)
             JOIN people.members m USING (guild_id, user_id)"#,
        guilds,
        users,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild_id, row.user_id)).collect())
}

/// The skills of these names: guild, name and id.
pub(super) async fn known_skills(
    conn: &mut PgConnection,
    guilds: &[i64],
    slugs: &[&str],
) -> Result<Vec<(i64, String, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT s.guild_id, s.slug, s.id FROM unnest($1::bigint[], $2::text[]) AS k (guild_id, slug)
             JOIN community.skills s USING (guild_id, slug)"#,
        guilds,
        slugs as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild_id, row.slug, row.id)).collect())
}

/// Events of cascades for the ledger, column by column.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) ids: Vec<Uuid>,
    pub(super) guilds: Vec<i64>,
    pub(super) users: Vec<i64>,
    pub(super) correlations: Vec<Uuid>,
    pub(super) ordinals: Vec<i32>,
    pub(super) types: Vec<&'static str>,
    pub(super) skills: Vec<Option<Uuid>>,
    pub(super) xp: Vec<i32>,
    pub(super) points: Vec<i32>,
    pub(super) source_types: Vec<String>,
    pub(super) source_ids: Vec<Uuid>,
    pub(super) unlocked: Vec<Option<Uuid>>,
}

/// Writes into the ledger what is not there yet, by event and by place in the cascade; tells which.
pub(super) async fn ledger_insert(conn: &mut PgConnection, rows: &Ledger) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"INSERT INTO community.user_skill_rewards (id, guild_id, user_id, correlation_id, ordinal, event_type, skill_id,
                                                     xp, skill_points, source_type, source_id, unlocked_id)
           SELECT r.* FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[], $5::int[], $6::text[], $7::uuid[],
                                  $8::int[], $9::int[], $10::text[], $11::uuid[], $12::uuid[])
                           AS r (id, guild_id, user_id, correlation_id, ordinal, event_type, skill_id, xp, skill_points,
                                 source_type, source_id, unlocked_id)
            ORDER BY r.guild_id, r.correlation_id, r.ordinal
           ON CONFLICT DO NOTHING
           RETURNING id"#,
        &rows.ids,
        &rows.guilds,
        &rows.users,
        &rows.correlations,
        &rows.ordinals,
        &rows.types as &[&str],
        &rows.skills as &[Option<Uuid>],
        &rows.xp,
        &rows.points,
        &rows.source_types,
        &rows.source_ids,
        &rows.unlocked as &[Option<Uuid>],
    )
    .fetch_all(conn)
    .await
}

/// A member's skill after points were added.
pub(super) struct Risen {
    pub(super) guild_id: GuildId,
    pub(super) user_id: UserId,
    pub(super) skill_id: SkillId,
    pub(super) slug: String,
    pub(super) old_level: i32,
    pub(super) level: i32,
    pub(super) skill_points: i64,
}

/// Adds points to members' skills, in the order of their keys.
pub(super) async fn points_add(
    conn: &mut PgConnection,
    guilds: &[i64],
    users: &[i64],
    skills: &[Uuid],
    points: &[i64],
) -> Result<Vec<Risen>, sqlx::Error> {
    sqlx::query_as!(
        Risen,
        r#"WITH added AS (
               SELECT p.guild_id, p.user_id, p.skill_id, sum(p.points)::bigint AS points
                 FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::bigint[])
                      AS p (guild_id, user_id, skill_id, points)
                GROUP BY 1, 2, 3
           ), written AS (
               INSERT INTO community.user_skills AS u (guild_id, user_id, skill_id, skill_points, level)
               SELECT a.guild_id, a.user_id, a.skill_id, a.points,
                      community.skill_level(a.points, s.points_per_level, s.max_level)
                 FROM added a JOIN community.skills s ON s.guild_id = a.guild_id AND s.id = a.skill_id
                ORDER BY 1, 2, 3
               ON CONFLICT ON CONSTRAINT pk_user_skills
               DO UPDATE SET skill_points = u.skill_points + excluded.skill_points
               RETURNING u.guild_id, u.user_id, u.skill_id, u.skill_points
           )
           SELECT w.guild_id AS "guild_id!: GuildId", w.user_id AS "user_id!: UserId", w.skill_id AS "skill_id!: SkillId",
                  s.slug, w.skill_points AS "skill_points!",
                  community.skill_level(w.skill_points - a.points, s.points_per_level, s.max_level) AS "old_level!",
                  community.skill_level(w.skill_points, s.points_per_level, s.max_level) AS "level!"
             FROM written w
             JOIN added a USING (guild_id, user_id, skill_id)
             JOIN community.skills s ON s.guild_id = w.guild_id AND s.id = w.skill_id
            ORDER BY 1, 2, 3"#,
        guilds,
        users,
        skills,
        points,
    )
    .fetch_all(conn)
    .await
}

/// Writes the levels that were reached.
pub(super) async fn levels_write(conn: &mut PgConnection, risen: &[&Risen]) -> Result<(), sqlx::Error> {
    let guilds: Vec<i64> = risen.iter().map(|one| one.guild_id.get()).collect();
    let users: Vec<i64> = risen.iter().map(|one| one.user_id.get()).collect();
    let skills: Vec<Uuid> = risen.iter().map(|one| one.skill_id.get()).collect();
    let levels: Vec<i32> = risen.iter().map(|one| one.level).collect();
    sqlx::query!(
        r#"UPDATE community.user_skills u SET level = r.level
             FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::int[]) AS r (guild_id, user_id, skill_id, level)
            WHERE u.guild_id = r.guild_id AND u.user_id = r.user_id AND u.skill_id = r.skill_id"#,
        &guilds,
        &users,
        &skills,
        &levels,
    )
    .execute(conn)
    .await?;
    Ok(())
}
