//! SQL over members' Discord roles.

use kernel::{GuildId, Limit, RoleId, UserId};
use sqlx::PgConnection;

use super::{MemberRole, RoleOutcome, RoleWish};

/// Adds or takes away a cause; answers with the roles that change hands by it.
pub(super) async fn set(
    conn: &mut PgConnection,
    guild: GuildId,
    cause: &str,
    wishes: &[RoleWish],
) -> sqlx::Result<Vec<MemberRole>> {
    let mut wishes = wishes.to_vec();
    wishes.sort_unstable();
    let users: Vec<i64> = wishes.iter().map(|wish| wish.user_id.get()).collect();
    let roles: Vec<i64> = wishes.iter().map(|wish| wish.role_id.get()).collect();
    let wanted: Vec<bool> = wishes.iter().map(|wish| wish.wanted).collect();
    // A row that is made here has no cause yet, and is settled: as if it had always been there.
    sqlx::query!(
        "INSERT INTO people.member_roles (guild_id, user_id, role_id, confirmed_at)
         SELECT $1, w.user_id, w.role_id, now()
           FROM unnest($2::bigint[], $3::bigint[], $4::boolean[]) AS w (user_id, role_id, wanted)
          WHERE w.wanted
          ORDER BY w.user_id, w.role_id
         ON CONFLICT ON CONSTRAINT pk_member_roles DO NOTHING",
        guild.get(),
        &users,
        &roles,
        &wanted,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_as!(
        MemberRole,
        r#"WITH wish AS MATERIALIZED (
               SELECT DISTINCT ON (w.user_id, w.role_id) w.user_id, w.role_id, w.wanted
                 FROM unnest($2::bigint[], $3::bigint[], $4::boolean[]) AS w (user_id, role_id, wanted)
                ORDER BY w.user_id, w.role_id, w.wanted DESC
           ), locked AS MATERIALIZED (
               -- What a row holds once it is locked, whoever changed it while this waited.
               SELECT r.user_id, r.role_id, people.role_causes(r.causes, $5, w.wanted) AS causes,
                      r.wanted <> (cardinality(people.role_causes(r.causes, $5, w.wanted)) > 0) AS flips
                 FROM people.member_roles r JOIN wish w USING (user_id, role_id)
                WHERE r.guild_id = $1 AND r.causes IS DISTINCT FROM people.role_causes(r.causes, $5, w.wanted)
                ORDER BY r.user_id, r.role_id FOR UPDATE OF r
           ), written AS (
               UPDATE people.member_roles r
                  SET causes = l.causes,
                      version = CASE WHEN l.flips THEN r.version + 1 ELSE r.version END,
                      attempts = CASE WHEN l.flips THEN 0 ELSE r.attempts END,
                      last_error = CASE WHEN l.flips THEN NULL ELSE r.last_error END,
                      confirmed_at = CASE WHEN l.flips THEN NULL ELSE r.confirmed_at END,
                      next_attempt_at = CASE WHEN l.flips THEN now() + interval '1 minute' ELSE r.next_attempt_at END
                 FROM locked l
                WHERE r.guild_id = $1 AND r.user_id = l.user_id AND r.role_id = l.role_id
               RETURNING r.user_id, r.role_id, r.wanted, r.causes, r.version, r.attempts, r.last_error, r.confirmed_at,
                         l.flips
           )
           SELECT user_id AS "user_id!: UserId", role_id AS "role_id!: RoleId", wanted AS "wanted!", causes AS "causes!",
                  version AS "version!", attempts AS "attempts!", last_error, confirmed_at
             FROM written WHERE flips ORDER BY user_id, role_id"#,
        guild.get(),
        &users,
        &roles,
        &wanted,
        cause,
    )
    .fetch_all(conn)
    .await
}

/// Compares what Discord has with what ought to be; answers with what differs.
pub(super) async fn observe(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    held: &[RoleId],
    managed: &[RoleId],
) -> sqlx::Result<Vec<MemberRole>> {
    let held: Vec<i64> = held.iter().map(|role| role.get()).collect();
    let managed: Vec<i64> = managed.iter().map(|role| role.get()).collect();
    sqlx::query!(
        "INSERT INTO people.member_roles (guild_id, user_id, role_id, confirmed_at)
         SELECT $1, $2, role_id, now() FROM (SELECT unnest($3::bigint[]) INTERSECT SELECT unnest($4::bigint[])) m (role_id)
          ORDER BY role_id
         ON CONFLICT ON CONSTRAINT pk_member_roles DO NOTHING",
        guild.get(),
        user.get(),
        &held,
        &managed,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_as!(
        MemberRole,
        r#"WITH seen AS MATERIALIZED (
               SELECT role_id, wanted = (role_id = ANY ($3::bigint[])) AS agrees, confirmed_at IS NOT NULL AS settled
                 FROM people.member_roles
                WHERE guild_id = $1 AND user_id = $2
                ORDER BY role_id FOR UPDATE
           ), written AS (
               UPDATE people.member_roles r
                  SET confirmed_at = CASE WHEN s.agrees THEN now() END,
                      version = CASE WHEN s.agrees THEN r.version ELSE r.version + 1 END,
                      attempts = 0, last_error = NULL, next_attempt_at = now() + interval '1 minute'
                 FROM seen s
                WHERE r.guild_id = $1 AND r.user_id = $2 AND r.role_id = s.role_id AND s.agrees <> s.settled
               RETURNING r.user_id, r.role_id, r.wanted, r.causes, r.version, r.attempts, r.last_error, r.confirmed_at
           )
           SELECT user_id AS "user_id!: UserId", role_id AS "role_id!: RoleId", wanted AS "wanted!", causes AS "causes!",
                  version AS "version!", attempts AS "attempts!", last_error, confirmed_at
             FROM written WHERE confirmed_at IS NULL ORDER BY role_id"#,
        guild.get(),
        user.get(),
        &held,
    )
    .fetch_all(conn)
    .await
}

/// Writes down outcomes of the last versions; answers with how many were confirmed, and how many failed.
pub(super) async fn report(
    conn: &mut PgConnection,
    guild: GuildId,
    outcomes: &[RoleOutcome],
) -> sqlx::Result<(u64, u64)> {
    let users: Vec<i64> = outcomes.iter().map(|outcome| outcome.user_id.get()).collect();
    let roles: Vec<i64> = outcomes.iter().map(|outcome| outcome.role_id.get()).collect();
    let versions: Vec<i64> = outcomes.iter().map(|outcome| outcome.version).collect();
    let errors: Vec<Option<&str>> = outcomes.iter().map(|outcome| outcome.error.as_deref()).collect();
    let row = sqlx::query!(
        r#"WITH outcome AS MATERIALIZED (
               SELECT DISTINCT ON (o.user_id, o.role_id) o.*
                 FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) AS o (user_id, role_id, version, error)
                ORDER BY o.user_id, o.role_id, o.version DESC
           ), locked AS MATERIALIZED (
               SELECT r.user_id, r.role_id, o.error
                 FROM people.member_roles r JOIN outcome o USING (user_id, role_id, version)
                WHERE r.guild_id = $1 AND r.confirmed_at IS NULL
                ORDER BY r.user_id, r.role_id FOR UPDATE OF r
           ), written AS (
               UPDATE people.member_roles r
                  SET confirmed_at = CASE WHEN l.error IS NULL THEN now() END, last_error = l.error
                 FROM locked l
                WHERE r.guild_id = $1 AND r.user_id = l.user_id AND r.role_id = l.role_id
               RETURNING r.confirmed_at
           )
           SELECT count(confirmed_at) AS "confirmed!", count(*) - count(confirmed_at) AS "failed!" FROM written"#,
        guild.get(),
        &users,
        &roles,
        &versions,
        &errors as &[Option<&str>],
    )
    .fetch_one(conn)
    .await?;
    Ok((row.confirmed.unsigned_abs(), row.failed.unsigned_abs()))
}

/// The guild's roles by member and role, one more than the page holds.
pub(super) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    pending: bool,
    after: Option<(UserId, RoleId)>,
    limit: Limit,
) -> sqlx::Result<Vec<MemberRole>> {
    let (user, role) = after.map_or((-1, -1), |(user, role)| (user.get(), role.get()));
    sqlx::query_as!(
        MemberRole,
        r#"SELECT user_id AS "user_id: UserId", role_id AS "role_id: RoleId", wanted AS "wanted!", causes, version, attempts,
                  last_error, confirmed_at
             FROM people.member_roles
            WHERE guild_id = $1 AND (user_id, role_id) > ($2, $3) AND (confirmed_at IS NULL OR NOT $4)
            ORDER BY user_id, role_id LIMIT $5"#,
        guild.get(),
        user,
        role,
        pending,
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await
}

/// What is due to be announced again, with its next time put off: twice as long as the last, at most a day.
pub(super) async fn due(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<(GuildId, MemberRole)>> {
    let rows = sqlx::query!(
        r#"WITH due AS MATERIALIZED (
               SELECT guild_id, user_id, role_id FROM people.member_roles
                WHERE confirmed_at IS NULL AND next_attempt_at <= now()
                ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )
           UPDATE people.member_roles r
              SET attempts = r.attempts + 1,
                  next_attempt_at = now() + least(interval '1 minute' * 2 ^ least(r.attempts + 1, 20), interval '1 day')
             FROM due d
            WHERE r.guild_id = d.guild_id AND r.user_id = d.user_id AND r.role_id = d.role_id
           RETURNING r.guild_id AS "guild_id: GuildId", r.user_id AS "user_id: UserId", r.role_id AS "role_id: RoleId",
                     r.wanted AS "wanted!", r.causes, r.version, r.attempts, r.last_error"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let role = MemberRole {
                user_id: row.user_id,
                role_id: row.role_id,
                wanted: row.wanted,
                causes: row.causes,
                version: row.version,
                attempts: row.attempts,
                last_error: row.last_error,
                confirmed_at: None,
            };
            (row.guild_id, role)
        })
        .collect())
}
