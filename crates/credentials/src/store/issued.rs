//! What was earned and issued.

use chrono::{DateTime, Utc};
use kernel::{GuildId, Limit, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::ids::{BadgeId, CredentialId, IssuerKeyId};
use crate::model::{Credential, Standing};
use crate::rules::standing::standing;
use crate::store::IssuerLock;

/// Something earned for which a credential can be issued.
#[derive(Debug, Clone)]
pub(crate) struct Earned {
    pub(crate) badge: BadgeId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) criteria: String,
    pub(crate) has_image: bool,
    pub(crate) valid_days: Option<i32>,
    pub(crate) user: UserId,
    pub(crate) person: Uuid,
    pub(crate) holder_name: String,
    pub(crate) earned_at: DateTime<Utc>,
}

/// What members of a guild earned by active badges: of these members or of all, for this badge or all; with `missing` only that for
/// which no credential was ever issued. Whoever left gets nothing: those who are forgotten are among them.
pub(crate) async fn earned(
    conn: &mut PgConnection,
    lock: &IssuerLock,
    users: Option<&[i64]>,
    badge: Option<BadgeId>,
    missing: bool,
    limit: i64,
) -> Result<Vec<Earned>, Error> {
    Ok(sqlx::query_as!(
        Earned,
        r#"SELECT b.id AS "badge: BadgeId", b.name, b.description, b.criteria, b.image IS NOT NULL AS "has_image!", b.valid_days,
                  e.user_id AS "user!: UserId", u.auth_user_id AS "person!",
                  left(k.name, 100) AS "holder_name!",
                  e.earned_at AS "earned_at!"
             FROM credentials.badges b
            CROSS JOIN LATERAL (
                  SELECT l.user_id, p.completed_at AS earned_at
                    FROM learning.user_learning_path_progress p
                    JOIN learning.learners l ON l.guild_id = p.guild_id AND l.auth_user_id = p.auth_user_id
                   WHERE p.guild_id = b.guild_id AND p.learning_path_id = b.learning_path_id AND p.completed_at IS NOT NULL
                  UNION ALL
                  SELECT a.user_id, a.earned_at
                    FROM progress.user_achievements a
                   WHERE a.guild_id = b.guild_id AND a.achievement_id = b.achievement_id AND a.revoked_at IS NULL) e
             JOIN people.members m ON m.guild_id = b.guild_id AND m.user_id = e.user_id AND m.left_at IS NULL AND NOT m.is_bot
             JOIN people.known_as k ON k.guild_id = m.guild_id AND k.user_id = m.user_id
             JOIN people.users u ON u.id = e.user_id
            WHERE b.guild_id = $1 AND b.is_active
              AND ($2::bigint[] IS NULL OR e.user_id = ANY ($2))
              AND ($3::uuid IS NULL OR b.id = $3)
              AND NOT ($4 AND EXISTS (SELECT FROM credentials.credentials c
                                       WHERE c.guild_id = b.guild_id AND c.badge_id = b.id AND c.user_id = e.user_id))
            ORDER BY e.earned_at, b.id, e.user_id LIMIT $5"#,
        lock.guild.get(),
        users,
        badge.map(BadgeId::get),
        missing,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Guilds that have badges which are given.
pub(crate) async fn guilds_badged(conn: &mut PgConnection) -> Result<Vec<GuildId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT guild_id AS "guild: GuildId" FROM credentials.badges WHERE is_active ORDER BY 1"#
    )
    .fetch_all(conn)
    .await?)
}

/// Whether somebody of a guild earned what was never issued to them. A guild at a time, so that no statement takes longer the more guilds
/// there are.
pub(crate) async fn is_behind(conn: &mut PgConnection, guild: GuildId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT
             FROM credentials.badges b
            CROSS JOIN LATERAL (
                  SELECT l.user_id
                    FROM learning.user_learning_path_progress p
                    JOIN learning.learners l ON l.guild_id = p.guild_id AND l.auth_user_id = p.auth_user_id
                   WHERE p.guild_id = b.guild_id AND p.learning_path_id = b.learning_path_id AND p.completed_at IS NOT NULL
                  UNION ALL
                  SELECT a.user_id FROM progress.user_achievements a
                   WHERE a.guild_id = b.guild_id AND a.achievement_id = b.achievement_id AND a.revoked_at IS NULL) e
             JOIN people.members m ON m.guild_id = b.guild_id AND m.user_id = e.user_id AND m.left_at IS NULL AND NOT m.is_bot
            WHERE b.guild_id = $1 AND b.is_active
              AND NOT EXISTS (SELECT FROM credentials.credentials c
                               WHERE c.guild_id = b.guild_id AND c.badge_id = b.id AND c.user_id = e.user_id)) AS "behind!""#,
        guild.get(),
    )
    .fetch_one(conn)
    .await?)
}

/// A credential to be stored.
#[derive(Debug)]
pub(crate) struct NewCredential<'a> {
    pub(crate) id: CredentialId,
    pub(crate) of: &'a Earned,
    pub(crate) status_index: i32,
    pub(crate) jwt: String,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) valid_until: Option<DateTime<Utc>>,
}

/// Stores credentials and gives them their bits.
pub(crate) async fn credentials_insert(
    conn: &mut PgConnection,
    lock: &IssuerLock,
    key: IssuerKeyId,
    new: &[NewCredential<'_>],
) -> Result<(), Error> {
    let ids: Vec<Uuid> = new.iter().map(|one| one.id.get()).collect();
    let indexes: Vec<i32> = new.iter().map(|one| one.status_index).collect();
    sqlx::query!(
        "INSERT INTO credentials.statuses (guild_id, status_index, credential_id)
         SELECT $1, s.status_index, s.id FROM unnest($2::integer[], $3::uuid[]) AS s (status_index, id)",
        lock.guild.get(),
        &indexes,
        &ids,
    )
    .execute(&mut *conn)
    .await?;
    let badges: Vec<Uuid> = new.iter().map(|one| one.of.badge.get()).collect();
    let users: Vec<i64> = new.iter().map(|one| one.of.user.get()).collect();
    let names: Vec<String> = new.iter().map(|one| one.of.holder_name.clone()).collect();
    let jwts: Vec<String> = new.iter().map(|one| one.jwt.clone()).collect();
    let earned: Vec<DateTime<Utc>> = new.iter().map(|one| one.of.earned_at).collect();
    let issued: Vec<DateTime<Utc>> = new.iter().map(|one| one.issued_at).collect();
    let until: Vec<Option<DateTime<Utc>>> = new.iter().map(|one| one.valid_until).collect();
    sqlx::query!(
        "INSERT INTO credentials.credentials (guild_id, id, badge_id, user_id, holder_name, issuer_key_id, jwt, status_index, earned_at,
                                              issued_at, valid_until)
         SELECT $1, c.id, c.badge_id, c.user_id, c.holder_name, $2, c.jwt, c.status_index, c.earned_at, c.issued_at, c.valid_until
           FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::integer[], $9::timestamptz[],
                       $10::timestamptz[], $11::timestamptz[])
             AS c (id, badge_id, user_id, holder_name, jwt, status_index, earned_at, issued_at, valid_until)",
        lock.guild.get(),
        key.get(),
        &ids,
        &badges,
        &users,
        &names,
        &jwts,
        &indexes,
        &earned,
        &issued,
        &until as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row of a list of credentials.
struct Row {
    id: CredentialId,
    badge_id: BadgeId,
    badge: String,
    has_image: bool,
    user_id: UserId,
    holder_name: String,
    earned_at: DateTime<Utc>,
    issued_at: DateTime<Utc>,
    valid_until: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    revocation_reason: Option<String>,
    now: DateTime<Utc>,
}

impl From<Row> for Credential {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            badge_id: row.badge_id,
            badge: row.badge,
            user_id: row.user_id,
            holder_name: row.holder_name,
            earned_at: row.earned_at,
            issued_at: row.issued_at,
            valid_until: row.valid_until,
            standing: standing(row.revoked_at.is_some(), row.valid_until, row.now),
            revoked_at: row.revoked_at,
            revocation_reason: row.revocation_reason,
            has_image: row.has_image,
        }
    }
}

/// Which credentials to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of this member.
    pub user: Option<UserId>,
    /// For this badge.
    pub badge: Option<BadgeId>,
    /// Those that were revoked, or those that were not.
    pub revoked: Option<bool>,
}

/// A guild's credentials, the latest first; one more than the page holds.
#[kernel::boxed]
pub async fn credential_list(
    conn: &mut PgConnection,
    guild: GuildId,
    filter: Filter,
    after: Option<(DateTime<Utc>, CredentialId)>,
    limit: Limit,
) -> Result<Vec<Credential>, Error> {
    let (at, id) = after.map_or((kernel::page::far(), Uuid::max()), |(at, id)| (at, id.get()));
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.id AS "id: CredentialId", c.badge_id AS "badge_id: BadgeId", b.name AS badge, b.image IS NOT NULL AS "has_image!",
                  c.user_id AS "user_id: UserId", c.holder_name, c.earned_at, c.issued_at, c.valid_until, c.revoked_at,
                  c.revocation_reason, now() AS "now!"
             FROM credentials.credentials c JOIN credentials.badges b ON b.guild_id = c.guild_id AND b.id = c.badge_id
            WHERE c.guild_id = $1 AND (c.issued_at, c.id) < ($2, $3)
              AND ($4::bigint IS NULL OR c.user_id = $4) AND ($5::uuid IS NULL OR c.badge_id = $5)
              AND ($6::boolean IS NULL OR (c.revoked_at IS NOT NULL) = $6)
            ORDER BY c.issued_at DESC, c.id DESC LIMIT $7"#,
        guild.get(),
        at,
        id,
        filter.user.map(UserId::get),
        filter.badge.map(BadgeId::get),
        filter.revoked,
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Credential::from).collect())
}

/// A credential of the guild, of this member or of anybody.
#[kernel::boxed]
pub(crate) async fn credential_get(
    conn: &mut PgConnection,
    guild: GuildId,
    credential: CredentialId,
    user: Option<UserId>,
) -> Result<Credential, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT c.id AS "id: CredentialId", c.badge_id AS "badge_id: BadgeId", b.name AS badge, b.image IS NOT NULL AS "has_image!",
                  c.user_id AS "user_id: UserId", c.holder_name, c.earned_at, c.issued_at, c.valid_until, c.revoked_at,
                  c.revocation_reason, now() AS "now!"
             FROM credentials.credentials c JOIN credentials.badges b ON b.guild_id = c.guild_id AND b.id = c.badge_id
            WHERE c.guild_id = $1 AND c.id = $2 AND ($3::bigint IS NULL OR c.user_id = $3)"#,
        guild.get(),
        credential.get(),
        user.map(UserId::get),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Credential::from).ok_or(Error::NotFound("credential"))
}

/// Whether a member holds a credential for a badge that is neither revoked nor over.
pub(crate) async fn held_live(
    conn: &mut PgConnection,
    lock: &IssuerLock,
    badge: BadgeId,
    user: UserId,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM credentials.credentials WHERE guild_id = $1 AND badge_id = $2 AND user_id = $3
                              AND revoked_at IS NULL) AS "held!""#,
        lock.guild.get(),
        badge.get(),
        user.get(),
    )
    .fetch_one(conn)
    .await?)
}

/// The signed document of a member's credential.
pub(crate) async fn document_get(
    conn: &mut PgConnection,
    guild: GuildId,
    credential: CredentialId,
    user: UserId,
) -> Result<(String, Option<Vec<u8>>), Error> {
    let row = sqlx::query!(
        "SELECT c.jwt, b.image FROM credentials.credentials c
           JOIN credentials.badges b ON b.guild_id = c.guild_id AND b.id = c.badge_id
          WHERE c.guild_id = $1 AND c.id = $2 AND c.user_id = $3",
        guild.get(),
        credential.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("credential"))?;
    Ok((row.jwt, row.image))
}

/// Revokes a credential and sets its bit.
pub(crate) async fn credential_revoke(
    conn: &mut PgConnection,
    lock: &IssuerLock,
    credential: CredentialId,
    reason: &str,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "WITH revoked AS (
             UPDATE credentials.credentials SET revoked_at = now(), revocation_reason = $3
              WHERE guild_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING guild_id, status_index
         )
         UPDATE credentials.statuses s SET is_revoked = true, revoked_at = now()
           FROM revoked r WHERE s.guild_id = r.guild_id AND s.status_index = r.status_index",
        lock.guild.get(),
        credential.get(),
        reason,
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Revoked) }
}

/// The places within a list whose bits are set.
pub(crate) async fn revoked_places(
    conn: &mut PgConnection,
    guild: GuildId,
    (first, last): (i32, i32),
) -> Result<Vec<i32>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT status_index - $2 AS "place!" FROM credentials.statuses
            WHERE guild_id = $1 AND status_index BETWEEN $2 AND $3 AND is_revoked ORDER BY 1"#,
        guild.get(),
        first,
        last,
    )
    .fetch_all(conn)
    .await?)
}

/// How a credential stands, as far as the public may know.
#[derive(Debug)]
pub(crate) struct Standings {
    pub(crate) standing: Standing,
    pub(crate) issuer: String,
    pub(crate) badge: Option<String>,
    pub(crate) holder_name: Option<String>,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) valid_until: Option<DateTime<Utc>>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}

/// How a credential stands, also once its holder is forgotten; `None` where it is unknown.
pub(crate) async fn standing_get(
    conn: &mut PgConnection,
    guild: GuildId,
    credential: CredentialId,
) -> Result<Option<Standings>, Error> {
    let row = sqlx::query!(
        r#"SELECT s.is_revoked, s.revoked_at, g.name AS issuer, b.name AS "badge?", c.holder_name AS "holder_name?",
                  coalesce(c.issued_at, s.created_at) AS "issued_at!", c.valid_until AS "valid_until?", now() AS "now!"
             FROM credentials.statuses s
             JOIN people.guilds g ON g.guild_id = s.guild_id
             LEFT JOIN credentials.credentials c ON c.guild_id = s.guild_id AND c.id = s.credential_id
             LEFT JOIN credentials.badges b ON b.guild_id = c.guild_id AND b.id = c.badge_id
            WHERE s.guild_id = $1 AND s.credential_id = $2"#,
        guild.get(),
        credential.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Standings {
        standing: standing(row.is_revoked, row.valid_until, row.now),
        issuer: row.issuer,
        badge: row.badge,
        holder_name: row.holder_name,
        issued_at: row.issued_at,
        valid_until: row.valid_until,
        revoked_at: row.revoked_at,
    }))
}
