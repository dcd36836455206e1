//! SQL over what Discord is seen to have.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use sqlx::PgConnection;

use crate::model::{Action, CaseId};

/// Writes down what was seen; with `complete`, what is not among it is not there.
pub(crate) async fn seen(
    conn: &mut PgConnection,
    guild: GuildId,
    action: Action,
    all: &[(UserId, Option<DateTime<Utc>>)],
    complete: bool,
) -> Result<(), sqlx::Error> {
    let users: Vec<i64> = all.iter().map(|(user, _)| user.get()).collect();
    let ends: Vec<Option<DateTime<Utc>>> = all.iter().map(|(_, until)| *until).collect();
    if complete {
        sqlx::query!(
            "DELETE FROM moderation.observed_sanctions WHERE guild_id = $1 AND kind = $2 AND user_id <> ALL ($3)",
            guild.get(),
            action.as_str(),
            &users,
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "INSERT INTO moderation.observations (guild_id, kind, complete_at) VALUES ($1, $2, now())
             ON CONFLICT (guild_id, kind) DO UPDATE SET complete_at = now()",
            guild.get(),
            action.as_str(),
        )
        .execute(&mut *conn)
        .await?;
    }
    sqlx::query!(
        "INSERT INTO moderation.observed_sanctions (guild_id, kind, user_id, until)
         SELECT DISTINCT ON (user_id) $1, $2, user_id, until FROM unnest($3::bigint[], $4::timestamptz[]) AS t (user_id, until)
          ORDER BY user_id
         ON CONFLICT (guild_id, kind, user_id) DO UPDATE SET until = excluded.until, seen_at = now()",
        guild.get(),
        action.as_str(),
        &users,
        &ends as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was there is gone.
pub(crate) async fn gone(
    conn: &mut PgConnection,
    guild: GuildId,
    action: Action,
    user: UserId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM moderation.observed_sanctions WHERE guild_id = $1 AND kind = $2 AND user_id = $3",
        guild.get(),
        action.as_str(),
        user.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Cases of these people that wait for Discord, or had failed, and of which it is seen now that it has them; answers their numbers.
pub(crate) async fn confirm(
    conn: &mut PgConnection,
    guild: GuildId,
    action: Action,
    users: &[UserId],
) -> Result<Vec<i32>, sqlx::Error> {
    let users: Vec<i64> = users.iter().map(|user| user.get()).collect();
    sqlx::query_scalar!(
        "UPDATE moderation.moderation_cases SET effect_state = 'applied', effect_error = NULL
          WHERE guild_id = $1 AND action = $2 AND user_id = ANY ($3) AND NOT resolved AND effect_state = 'pending'
      RETURNING case_number",
        guild.get(),
        action.as_str(),
        &users,
    )
    .fetch_all(conn)
    .await
}

/// A case and what Discord has that do not agree.
#[derive(Debug)]
pub(crate) struct Drift {
    pub(crate) guild_id: GuildId,
    pub(crate) action: Action,
    pub(crate) user_id: UserId,
    pub(crate) case_id: Option<CaseId>,
    pub(crate) case_number: Option<i32>,
    pub(crate) until: Option<DateTime<Utc>>,
}

/// Cases in force, old enough to be seen, that Discord was not seen to have; and what it has of which no case tells. Only of guilds of which all was seen.
pub(crate) async fn drift(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
) -> Result<Vec<Drift>, sqlx::Error> {
    sqlx::query_as!(
        Drift,
        r#"SELECT coalesce(c.guild_id, s.guild_id) AS "guild_id!: GuildId", coalesce(c.action, s.kind) AS "action!: Action",
                  coalesce(c.user_id, s.user_id) AS "user_id!: UserId", c.id AS "case_id?: CaseId", c.case_number AS "case_number?",
                  s.until AS "until?"
             FROM (SELECT c.* FROM moderation.moderation_cases c
                     JOIN moderation.observations o ON o.guild_id = c.guild_id AND o.kind = c.action
                    WHERE NOT c.resolved AND c.effect_state = 'applied' AND c.updated_at < o.complete_at
                      AND (c.expires_at IS NULL OR c.expires_at > now()) AND ($1::bigint IS NULL OR c.guild_id = $1)) c
             FULL JOIN (SELECT s.* FROM moderation.observed_sanctions s
                          JOIN moderation.observations o ON o.guild_id = s.guild_id AND o.kind = s.kind
                         WHERE (s.until IS NULL OR s.until > now()) AND ($1::bigint IS NULL OR s.guild_id = $1)) s
               ON s.guild_id = c.guild_id AND s.kind = c.action AND s.user_id = c.user_id
            WHERE c.id IS NULL AND NOT EXISTS (SELECT FROM moderation.moderation_cases p
                                                WHERE p.guild_id = s.guild_id AND p.user_id = s.user_id AND p.action = s.kind AND NOT p.resolved)
               OR s.user_id IS NULL
            ORDER BY 1, 2, 3 LIMIT 10000"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await
}
