//! SQL over appeals, their links and notes.

use kernel::{GuildId, Limit, UserId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{
    Action, Appeal, AppealId, AppealNote, AppealStatus, CaseId, LastAppeal, Moderator, OwnAppeal,
};

/// Keeps a link's hash for so many days.
pub(crate) async fn link_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    hash: &[u8],
    days: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO moderation.appeal_links (guild_id, token_sha256, case_id, expires_at)
         VALUES ($1, $2, $3, now() + make_interval(days => $4))",
        guild.get(),
        hash,
        case.get(),
        i32::try_from(days).unwrap_or(3_650),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The case that a link opens, as long as it opens anything.
pub(crate) async fn link_case(
    conn: &mut PgConnection,
    guild: GuildId,
    hash: &[u8],
) -> Result<Option<CaseId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT case_id AS "id: CaseId" FROM moderation.appeal_links
            WHERE guild_id = $1 AND token_sha256 = $2 AND expires_at > now()"#,
        guild.get(),
        hash,
    )
    .fetch_optional(conn)
    .await
}

/// Files an appeal.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    user: UserId,
    user_tag: &str,
    statement: &str,
    cooldown_hours: i64,
) -> Result<AppealId, sqlx::Error> {
    sqlx::query_scalar!(
        r#"INSERT INTO moderation.appeals (guild_id, case_id, user_id, user_tag, statement, next_allowed_at)
           VALUES ($1, $2, $3, $4, $5, now() + make_interval(hours => $6)) RETURNING id AS "id: AppealId""#,
        guild.get(),
        case.get(),
        user.get(),
        user_tag,
        statement,
        i32::try_from(cooldown_hours).unwrap_or(87_600),
    )
    .fetch_one(conn)
    .await
}

/// Appeals, the latest first, at most so many: one, those against a case, those of a status.
#[kernel::boxed]
pub(crate) async fn find(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<AppealId>,
    case: Option<CaseId>,
    status: Option<AppealStatus>,
    before: Option<AppealId>,
    limit: i64,
) -> Result<Vec<Appeal>, sqlx::Error> {
    sqlx::query_as!(
        Appeal,
        r#"SELECT a.id AS "id: AppealId", c.case_number, c.action AS "action: Action", a.user_id AS "user_id: UserId", a.user_tag,
                  a.statement, a.status AS "status: AppealStatus", a.decided_by AS "decided_by: UserId", a.decided_by_tag,
                  a.decision_reason, a.decided_at, a.next_allowed_at, a.created_at
             FROM moderation.appeals a
             JOIN moderation.moderation_cases c ON c.guild_id = a.guild_id AND c.id = a.case_id
            WHERE a.guild_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND ($3::uuid IS NULL OR a.case_id = $3)
              AND ($4::text IS NULL OR a.status = $4) AND ($5::uuid IS NULL OR a.id < $5)
            ORDER BY a.id DESC LIMIT $6"#,
        guild.get(),
        only.map(AppealId::get),
        case.map(CaseId::get),
        status.map(AppealStatus::as_str),
        before.map(AppealId::get),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A member's last appeal against each of these cases.
pub(crate) async fn own(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    cases: &[CaseId],
) -> Result<Vec<OwnAppeal>, sqlx::Error> {
    let cases: Vec<_> = cases.iter().map(|case| case.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (case_id) id AS "id: AppealId", case_id AS "case_id: CaseId", statement,
                  status AS "status: AppealStatus", decision_reason, next_allowed_at, created_at
             FROM moderation.appeals
            WHERE guild_id = $1 AND user_id = $2 AND case_id = ANY ($3)
            ORDER BY case_id, created_at DESC, id DESC"#,
        guild.get(),
        user.get(),
        &cases,
    )
    .fetch_all(conn)
    .await?;
    let own = rows.into_iter().map(|row| OwnAppeal {
        id: row.id,
        case_id: row.case_id,
        told: LastAppeal {
            statement: row.statement,
            status: row.status,
            decision_reason: row.decision_reason,
            next_allowed_at: row.next_allowed_at,
            created_at: row.created_at,
        },
    });
    Ok(own.collect())
}

/// A page of appeals, one more than it holds.
pub(crate) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    status: Option<AppealStatus>,
    before: Option<AppealId>,
    limit: Limit,
) -> Result<Vec<Appeal>, sqlx::Error> {
    find(conn, guild, None, None, status, before, limit.plus_one()).await
}

/// An appeal.
pub(crate) async fn get(conn: &mut PgConnection, guild: GuildId, id: AppealId) -> Result<Appeal, Error> {
    find(conn, guild, Some(id), None, None, None, 1).await?.pop().ok_or(Error::UnknownAppeal)
}

/// Decides an appeal, or takes it back; false where it is not open any more.
pub(crate) async fn decide(
    conn: &mut PgConnection,
    guild: GuildId,
    id: AppealId,
    status: AppealStatus,
    by: Option<&Moderator>,
    reason: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.appeals
            SET status = $3, decided_by = $4, decided_by_tag = $5, decision_reason = $6, decided_at = now()
          WHERE guild_id = $1 AND id = $2 AND status = 'open'",
        guild.get(),
        id.get(),
        status.as_str(),
        by.map(|by| by.id.get()),
        by.map(|by| by.tag.as_str()),
        reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds what staff say.
pub(crate) async fn note_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    id: AppealId,
    body: &str,
    by: &Moderator,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO moderation.appeal_notes (guild_id, appeal_id, author_id, author_tag, body) VALUES ($1, $2, $3, $4, $5)",
        guild.get(),
        id.get(),
        by.id.get(),
        by.tag,
        body,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What staff said, in order.
pub(crate) async fn notes(
    conn: &mut PgConnection,
    guild: GuildId,
    id: AppealId,
) -> Result<Vec<AppealNote>, sqlx::Error> {
    sqlx::query_as!(
        AppealNote,
        r#"SELECT author_id AS "author_id: UserId", author_tag, body, created_at
             FROM moderation.appeal_notes WHERE guild_id = $1 AND appeal_id = $2 ORDER BY id LIMIT 1000"#,
        guild.get(),
        id.get(),
    )
    .fetch_all(conn)
    .await
}

/// Removes links that open nothing any more.
pub(crate) async fn links_clean(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM moderation.appeal_links WHERE (guild_id, token_sha256) IN
             (SELECT guild_id, token_sha256 FROM moderation.appeal_links WHERE expires_at < now() LIMIT 10000)"
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
