//! SQL over guilds, people and members. Callers own the connection and the transaction.

use kernel::{GuildId, Limit, UserId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{Member, MemberEdit};

/// Takes the locks under which everything that counts or rewards a guild's events happens, one batch at a time: ingest, the
/// rolling over of a season, repairs. Held until the transaction ends; take it before any row of the guild. Guilds are
/// locked in the order of their ids. Statements after this one see what the batch before committed.
#[kernel::boxed]
pub async fn guilds_lock(conn: &mut PgConnection, guilds: &[GuildId]) -> Result<(), sqlx::Error> {
    let mut ids: Vec<i64> = guilds.iter().map(|guild| guild.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('community.ingest:' || g.id, 0))
           FROM unnest($1::bigint[]) AS g (id)",
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the guild known, if it is not. A guild seen without a name is called by its id until somebody says better;
/// a name given later replaces that placeholder, and nothing else. Idempotent.
#[kernel::boxed]
pub async fn guild_ensure(conn: &mut PgConnection, guild: GuildId, name: Option<&str>) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO people.guilds (guild_id, name) VALUES ($1, coalesce($2, 'Guild ' || $1::bigint))
           ON CONFLICT ON CONSTRAINT pk_guilds DO UPDATE SET name = excluded.name
            WHERE $2::text IS NOT NULL AND guilds.name = 'Guild ' || guilds.guild_id"#,
        guild.get(),
        name,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the guild known by its name; false where it was known already, also since a moment ago.
pub(crate) async fn guild_insert(conn: &mut PgConnection, guild: GuildId, name: &str) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        "INSERT INTO people.guilds (guild_id, name) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT pk_guilds DO NOTHING",
        guild.get(),
        name,
    )
    .execute(conn)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// Makes somebody known as a person and as a member of the guild (which is made known too). Who is seen without a name is called as they
/// call themselves, else by their id, until the guild names them; what it says later replaces no name of its own. Idempotent.
#[kernel::boxed]
pub async fn member_ensure(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    name: Option<&str>,
) -> Result<(), Error> {
    members_ensure(conn, guild, &[(user, name)]).await
}

/// [`member_ensure`] for many, in one statement. Rows are taken in the order of their keys, so that concurrent calls
/// cannot deadlock.
#[kernel::boxed]
pub async fn members_ensure(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[(UserId, Option<&str>)],
) -> Result<(), Error> {
    if users.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = users.iter().map(|(user, _)| user.get()).collect();
    // What Discord says is not refused: what cannot be seen of it is left out.
    let names: Vec<Option<String>> =
        users.iter().map(|(_, name)| name.and_then(|name| kernel::text::cleaned(name, 100))).collect();
    sqlx::query!(
        r#"WITH input AS (
               SELECT u.user_id, left(max(u.name), 100) AS name
                 FROM unnest($2::bigint[], $3::text[]) AS u (user_id, name)
                GROUP BY u.user_id
           ), known_guild AS (
               INSERT INTO people.guilds (guild_id, name) VALUES ($1, 'Guild ' || $1::bigint)
               ON CONFLICT ON CONSTRAINT pk_guilds DO NOTHING
           ), known_users AS (
               INSERT INTO people.users (id) SELECT user_id FROM input ORDER BY user_id
               ON CONFLICT ON CONSTRAINT pk_users DO NOTHING
           ), nameless AS MATERIALIZED (
               -- Not by the conflict below: it would lock everybody, also those whom it leaves as they are.
               SELECT m.user_id, i.name FROM people.members m JOIN input i USING (user_id)
                WHERE m.guild_id = $1 AND m.display_name IS NULL AND i.name IS NOT NULL
                ORDER BY m.user_id FOR UPDATE OF m
           ), named AS (
               UPDATE people.members m SET display_name = n.name
                 FROM nameless n WHERE m.guild_id = $1 AND m.user_id = n.user_id
           )
           INSERT INTO people.members (guild_id, user_id, display_name)
           SELECT $1, user_id, name FROM input ORDER BY user_id
           ON CONFLICT ON CONSTRAINT pk_members DO NOTHING"#,
        guild.get(),
        &ids,
        &names as &[Option<String>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes members of those who had left, because something shows that they are there: they joined anew, now. Who never left stays as
/// they are. Rows are taken in the order of their keys.
pub async fn members_return(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[UserId],
) -> Result<(), sqlx::Error> {
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    sqlx::query!(
        "WITH gone AS MATERIALIZED (
             SELECT user_id FROM people.members
              WHERE guild_id = $1 AND user_id = ANY ($2) AND left_at IS NOT NULL
              ORDER BY user_id FOR UPDATE
         )
         UPDATE people.members m SET left_at = NULL, joined_at = now()
           FROM gone g WHERE m.guild_id = $1 AND m.user_id = g.user_id",
        guild.get(),
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The member, or `None` where the guild has no such one.
#[kernel::boxed]
pub async fn member_get(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Option<Member>, Error> {
    let member = sqlx::query_as!(
        Member,
        r#"SELECT m.guild_id AS "guild_id: GuildId", m.user_id AS "user_id: UserId",
                  k.name AS "name!", k.avatar_hash, m.is_bot,
                  m.xp AS "xp: _", m.level, m.gold AS "gold: _", m.stars, m.joined_at, m.left_at
             FROM people.members m JOIN people.known_as k ON k.guild_id = m.guild_id AND k.user_id = m.user_id
            WHERE m.guild_id = $1 AND m.user_id = $2"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(member)
}

/// The member; an error where the guild has no such one.
#[kernel::boxed]
pub async fn member_known(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<Member, Error> {
    member_get(conn, guild, user).await?.ok_or(Error::UnknownMember(user))
}

/// Members by id, those who left included, one more than the page holds.
pub async fn member_list(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Option<UserId>,
    limit: Limit,
) -> Result<Vec<Member>, Error> {
    let members = sqlx::query_as!(
        Member,
        r#"SELECT m.guild_id AS "guild_id: GuildId", m.user_id AS "user_id: UserId",
                  k.name AS "name!", k.avatar_hash, m.is_bot,
                  m.xp AS "xp: _", m.level, m.gold AS "gold: _", m.stars, m.joined_at, m.left_at
             FROM people.members m JOIN people.known_as k ON k.guild_id = m.guild_id AND k.user_id = m.user_id
            WHERE m.guild_id = $1 AND m.user_id > $2
            ORDER BY m.user_id LIMIT $3"#,
        guild.get(),
        after.map_or(0, UserId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(members)
}

/// Members whose name begins so, whatever its case: those who are there first, of them those with the most XP.
pub async fn member_find(
    conn: &mut PgConnection,
    guild: GuildId,
    begins: &str,
    most: i64,
) -> Result<Vec<Member>, Error> {
    // A guild's members are read in the order in which they are shown, until there are enough: no index by name is worth its upkeep.
    let members = sqlx::query_as!(
        Member,
        r#"SELECT m.guild_id AS "guild_id: GuildId", m.user_id AS "user_id: UserId",
                  k.name AS "name!", k.avatar_hash, m.is_bot,
                  m.xp AS "xp: _", m.level, m.gold AS "gold: _", m.stars, m.joined_at, m.left_at
             FROM people.members m JOIN people.known_as k ON k.guild_id = m.guild_id AND k.user_id = m.user_id
            WHERE m.guild_id = $1 AND starts_with(lower(k.name), lower($2))
            ORDER BY m.left_at IS NOT NULL, m.xp DESC, m.user_id LIMIT $3"#,
        guild.get(),
        begins,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(members)
}

/// Writes what the guild says of a member; what it does not say stays.
pub async fn member_update(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    edit: &MemberEdit,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE people.members
            SET display_name = coalesce($3, display_name), avatar_hash = coalesce($4, avatar_hash),
                is_bot = coalesce($5, is_bot)
          WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get(),
        edit.name,
        edit.avatar_hash,
        edit.is_bot,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::Database(error.into()))
}

/// Whether the person is a member of another guild as well. Their row is locked, so that it stays so.
pub async fn is_shared(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<bool, Error> {
    sqlx::query!("SELECT FROM people.users WHERE id = $1 FOR UPDATE", user.get())
        .fetch_optional(&mut *conn)
        .await?;
    let shared = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM people.members WHERE user_id = $1 AND guild_id <> $2) AS "shared!""#,
        user.get(),
        guild.get(),
    )
    .fetch_one(conn)
    .await?;
    Ok(shared)
}

/// Which of these guilds are known here.
pub async fn guilds_known(conn: &mut PgConnection, guilds: &[GuildId]) -> Result<Vec<GuildId>, sqlx::Error> {
    let ids: Vec<i64> = guilds.iter().map(|guild| guild.get()).collect();
    sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild_id: GuildId" FROM people.guilds WHERE guild_id = ANY($1) ORDER BY guild_id"#,
        &ids,
    )
    .fetch_all(conn)
    .await
}
