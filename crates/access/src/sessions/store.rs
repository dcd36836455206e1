//! SQL of sessions. Nothing here begins or commits.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::SessionInfo;
use super::policy::SessionPolicy;
use crate::actor::{Actor, Person, Session};
use crate::keys::unhex;
use crate::role::Role;

struct LiveRow {
    token_hash: String,
    id: Uuid,
    csrf_hash: String,
    user_id: Option<UserId>,
    admin_user_id: Option<Uuid>,
    username: Option<String>,
    guilds: Vec<i64>,
    roles: Vec<String>,
    discord_age: Option<i64>,
    operator: bool,
}

/// Those of the sessions with these hashes that are good now, by the database's time, with their holders' roles. Local
/// administrators' are good in development only. Roles that follow Discord count for `roles_seconds` after it was asked, and
/// as that of a plain member from then on.
pub(crate) async fn live_by_hash(
    conn: &mut PgConnection,
    hashes: &[String],
    policy: &SessionPolicy,
    development: bool,
) -> sqlx::Result<Vec<(String, Actor)>> {
    let rows = sqlx::query_as!(
        LiveRow,
        r#"
        SELECT s.token_hash, s.id, s.csrf_hash, s.user_id AS "user_id: UserId", s.admin_user_id,
               a.username AS "username?", held.guilds AS "guilds!", held.roles AS "roles!",
               extract(epoch FROM now() - d.read_at)::bigint AS "discord_age?",
               EXISTS (SELECT FROM access.operators o WHERE o.user_id = s.user_id) AS "operator!"
        FROM access.sessions s
        LEFT JOIN access.admin_users a ON a.id = s.admin_user_id
        LEFT JOIN access.discord_leaves d ON d.user_id = s.user_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(r.guild_id), '{}') AS guilds, coalesce(array_agg(r.role), '{}') AS roles
            FROM (
                SELECT DISTINCT g.guild_id,
                       CASE WHEN g.source <> 'discord'
                                 OR d.read_at > now() - make_interval(secs => $4::bigint::double precision)
                            THEN g.role ELSE 'member' END AS role
                FROM access.role_grants g
                WHERE g.user_id = s.user_id AND (g.expires_at IS NULL OR g.expires_at > now())
            ) r
        ) held
        WHERE s.token_hash = ANY($1) AND s.revoked_at IS NULL AND s.expires_at > now()
          AND s.last_seen_at > now() - make_interval(hours => $2::bigint::integer)
          AND (s.admin_user_id IS NULL OR (a.is_active AND $3))
        "#,
        hashes,
        policy.idle_hours,
        development,
        policy.roles_seconds(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(live).collect())
}

/// `None` for a session of nobody.
fn live(row: LiveRow) -> Option<(String, Actor)> {
    let person = match (row.user_id, row.admin_user_id, row.username) {
        (Some(user), ..) => Person::User(user),
        (None, Some(id), Some(username)) => Person::Admin { id, username: username.into() },
        _ => return None,
    };
    let roles = row.guilds.into_iter().zip(row.roles);
    let roles = roles.filter_map(|(guild, role)| Some((GuildId::new(guild), role.parse::<Role>().ok()?)));
    let session = Session {
        id: row.id,
        person,
        csrf_hash: unhex(&row.csrf_hash)?,
        roles: roles.collect(),
        discord_age: row.discord_age,
        operator: row.operator,
    };
    Some((row.token_hash, Actor::of_session(session)))
}

/// Notes that these sessions were used, to the minute. Rows that another node holds are passed over: it writes the same.
pub(crate) async fn touch(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        WITH seen AS (
            SELECT id FROM access.sessions
            WHERE id = ANY($1) AND last_seen_at < date_trunc('minute', now())
            ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE access.sessions SET last_seen_at = date_trunc('minute', now())
        FROM seen WHERE sessions.id = seen.id
        "#,
        ids,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub(super) struct Insert<'a> {
    pub(super) token_hash: &'a str,
    pub(super) csrf_hash: &'a str,
    pub(super) user_id: Option<UserId>,
    pub(super) admin_user_id: Option<Uuid>,
    pub(super) ip_address: Option<String>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) lifetime_hours: i64,
}

pub(super) async fn insert(conn: &mut PgConnection, new: &Insert<'_>) -> sqlx::Result<SessionInfo> {
    sqlx::query_as!(
        SessionInfo,
        r#"
        INSERT INTO access.sessions (token_hash, csrf_hash, user_id, admin_user_id, ip_address, user_agent, expires_at)
        VALUES ($1, $2, $3, $4, $5, left($6, 300), now() + make_interval(hours => $7::bigint::integer))
        RETURNING id, ip_address, user_agent, created_at, last_seen_at, expires_at, true AS "current!"
        "#,
        new.token_hash,
        new.csrf_hash,
        new.user_id.map(UserId::get),
        new.admin_user_id,
        new.ip_address,
        new.user_agent,
        new.lifetime_hours,
    )
    .fetch_one(conn)
    .await
}

/// The columns of a person: a Discord user's id, or a local administrator's.
pub(super) fn columns(person: &Person) -> (Option<UserId>, Option<Uuid>) {
    match person {
        Person::User(user) => (Some(*user), None),
        Person::Admin { id, .. } => (None, Some(*id)),
    }
}

pub(super) async fn list(
    conn: &mut PgConnection,
    person: &Person,
    current: Uuid,
    idle_hours: i64,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<SessionInfo>> {
    let (user, admin) = columns(person);
    let (after_at, after_id) = after.unzip();
    sqlx::query_as!(
        SessionInfo,
        r#"
        SELECT id, ip_address, user_agent, created_at, last_seen_at, expires_at, id = $3 AS "current!"
        FROM access.sessions
        WHERE (user_id = $1 OR admin_user_id = $2) AND revoked_at IS NULL AND expires_at > now()
          AND last_seen_at > now() - make_interval(hours => $4::bigint::integer)
          AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6::uuid))
        ORDER BY created_at DESC, id DESC
        LIMIT $7
        "#,
        user.map(UserId::get),
        admin,
        current,
        idle_hours,
        after_at,
        after_id,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Ends one session of a person, or all but those that have ended.
pub(super) async fn end(conn: &mut PgConnection, person: &Person, id: Option<Uuid>) -> sqlx::Result<u64> {
    let (user, admin) = columns(person);
    let done = sqlx::query!(
        r#"
        WITH ending AS (
            SELECT id FROM access.sessions
            WHERE (user_id = $1 OR admin_user_id = $2) AND ($3::uuid IS NULL OR id = $3) AND revoked_at IS NULL
            ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE access.sessions SET revoked_at = now() FROM ending WHERE sessions.id = ending.id
        "#,
        user.map(UserId::get),
        admin,
        id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn end_by_hash(conn: &mut PgConnection, token_hash: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE access.sessions SET revoked_at = now() WHERE token_hash = $1 AND revoked_at IS NULL",
        token_hash,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Removes sessions that ended more than 30 days ago, at most `batch` of them.
pub async fn sessions_clean(conn: &mut PgConnection, batch: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM access.sessions WHERE id IN (
            SELECT id FROM access.sessions WHERE expires_at < now() - interval '30 days'
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        "#,
        batch,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Removes sign-ins that were begun and not finished in time, at most `batch` of them.
pub async fn oauth_states_clean(conn: &mut PgConnection, batch: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM access.oauth_states WHERE state_hash IN (
            SELECT state_hash FROM access.oauth_states WHERE expires_at < now()
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        "#,
        batch,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
