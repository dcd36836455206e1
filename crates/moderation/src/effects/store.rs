//! SQL over effects, and over cases as far as effects change them.

use std::time::Duration;

use jobs::wake::CHANNEL;
use kernel::{GuildId, Limit, UserId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::QUEUE;
use super::model::{Dead, Effect, EffectKind, Leased, NewEffect, Payload, Receipt};
use crate::error::Error;
use crate::model::{Action, CaseId, EffectId, RaidId};

/// An effect whose end is being recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settling {
    pub(super) guild_id: GuildId,
    pub(super) id: EffectId,
    pub(super) kind: EffectKind,
    pub(super) case_id: Option<CaseId>,
    pub(super) attempts: i32,
    pub(super) max_attempts: i32,
}

/// Asks for effects, in their order; those whose key the guild has had are left out. Whoever carries them out is woken by the commit.
#[kernel::boxed]
pub(crate) async fn ask(
    conn: &mut PgConnection,
    guild: GuildId,
    effects: &[NewEffect],
) -> Result<(), sqlx::Error> {
    if effects.is_empty() {
        return Ok(());
    }
    let (mut targets, mut kinds, mut cases, mut payloads, mut keys, mut most) =
        (vec![], vec![], vec![], vec![], vec![], vec![]);
    for effect in effects {
        let kind = effect.payload.kind();
        targets.push(effect.payload.target(guild).to_string());
        kinds.push(kind.as_str().to_owned());
        cases.push(effect.case_id.map(CaseId::get));
        payloads
            .push(serde_json::to_value(&effect.payload).map_err(|error| sqlx::Error::Encode(error.into()))?);
        keys.push(effect.idempotency_key.clone());
        most.push(kind.attempts());
    }
    sqlx::query!(
        "INSERT INTO moderation.effects (guild_id, target, kind, case_id, payload, idempotency_key, max_attempts)
         SELECT $1, target, kind, case_id, payload, key, most
           FROM unnest($2::text[], $3::text[], $4::uuid[], $5::jsonb[], $6::text[], $7::int[])
                WITH ORDINALITY AS t (target, kind, case_id, payload, key, most, n)
          ORDER BY n
         ON CONFLICT (guild_id, idempotency_key) DO NOTHING",
        guild.get(),
        &targets,
        &kinds,
        &cases as &[Option<uuid::Uuid>],
        &payloads,
        &keys,
        &most,
    )
    .execute(&mut *conn)
    .await?;
    wake(conn).await
}

/// The bulk ban that still gathers people, and how many it has; locked.
pub(crate) async fn gathering(
    conn: &mut PgConnection,
    guild: GuildId,
) -> Result<Option<(EffectId, usize)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: EffectId", jsonb_array_length(payload -> 'user_ids') AS "count!" FROM moderation.effects
            WHERE guild_id = $1 AND kind = 'bulk_ban' AND state = 'pending' AND attempts = 0 AND due_at > now()
            ORDER BY place DESC LIMIT 1 FOR UPDATE"#,
        guild.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, usize::try_from(row.count).unwrap_or(0))))
}

/// Adds people to a bulk ban that gathers; one that is full is due.
pub(crate) async fn gather(
    conn: &mut PgConnection,
    guild: GuildId,
    effect: EffectId,
    users: &[UserId],
    is_full: bool,
) -> Result<(), sqlx::Error> {
    let users = serde_json::to_value(users).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let done = sqlx::query!(
        "UPDATE moderation.effects
            SET payload = jsonb_set(payload, '{user_ids}', (payload -> 'user_ids') || $3::jsonb),
                due_at = CASE WHEN $4 THEN now() ELSE due_at END
          WHERE guild_id = $1 AND id = $2 AND state = 'pending'",
        guild.get(),
        effect.get(),
        users,
        is_full,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1)?;
    Ok(())
}

/// Has the effect of this key, which was just asked for, wait for so long.
pub(crate) async fn wait(
    conn: &mut PgConnection,
    guild: GuildId,
    key: &str,
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE moderation.effects SET due_at = now() + make_interval(secs => $3)
          WHERE guild_id = $1 AND idempotency_key = $2 AND state = 'pending' AND attempts = 0",
        guild.get(),
        key,
        time.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes back the bulk bans of a raid that nobody began.
pub(crate) async fn bulk_take_back(
    conn: &mut PgConnection,
    guild: GuildId,
    raid: RaidId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM moderation.effects e
          WHERE e.guild_id = $1 AND e.kind = 'bulk_ban' AND e.state = 'pending' AND e.attempts = 0
            AND EXISTS (SELECT FROM moderation.moderation_cases c
                         WHERE c.guild_id = $1 AND c.raid_id = $2 AND e.idempotency_key = 'b' || c.case_number)",
        guild.get(),
        raid.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Wakes whoever carries effects out when the transaction commits.
pub(crate) async fn wake(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, QUEUE).execute(conn).await?;
    Ok(())
}

/// Ends leases of nodes that are known to be dead.
pub(super) async fn of_the_dead(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE moderation.effects SET due_at = now(), held_by = NULL
          WHERE state = 'leased' AND held_by = ANY (ARRAY(SELECT id FROM jobs.nodes WHERE died_at IS NOT NULL))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks effects whose lease ended without a word for the last time.
pub(super) async fn abandoned(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
) -> Result<Vec<Settling>, sqlx::Error> {
    sqlx::query_as!(
        Settling,
        r#"SELECT guild_id AS "guild_id: GuildId", id AS "id: EffectId", kind AS "kind: EffectKind",
                  case_id AS "case_id: CaseId", attempts, max_attempts
             FROM moderation.effects
            WHERE state = 'leased' AND due_at <= now() AND attempts >= max_attempts
              AND ($1::bigint IS NULL OR guild_id = $1)
            ORDER BY due_at LIMIT 100 FOR UPDATE SKIP LOCKED"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await
}

/// Leases effects that are due and the first of their targets.
pub(super) async fn claim(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    holder: Option<Uuid>,
    lease: Duration,
    limit: i64,
) -> Result<Vec<Leased>, Error> {
    let rows = sqlx::query!(
        r#"WITH due AS (
               SELECT e.guild_id, e.id FROM moderation.effects e
                WHERE e.state IN ('pending', 'leased') AND e.due_at <= now() AND e.attempts < e.max_attempts
                  AND ($1::bigint IS NULL OR e.guild_id = $1)
                  AND NOT EXISTS (SELECT FROM moderation.effects b
                                   WHERE b.guild_id = e.guild_id AND b.target = e.target AND b.place < e.place
                                     AND b.state IN ('pending', 'leased'))
                ORDER BY e.due_at, e.place LIMIT $2 FOR UPDATE OF e SKIP LOCKED
           ), leased AS (
               UPDATE moderation.effects e
                  SET state = 'leased', due_at = now() + make_interval(secs => $3), attempts = e.attempts + 1,
                      fencing_token = e.fencing_token + 1, held_by = $4
                 FROM due WHERE e.guild_id = due.guild_id AND e.id = due.id
               RETURNING e.*
           )
           SELECT guild_id AS "guild_id: GuildId", id AS "id: EffectId", case_id AS "case_id: CaseId", payload,
                  idempotency_key, attempts, fencing_token
             FROM leased ORDER BY place"#,
        guild.map(GuildId::get),
        limit,
        lease.as_secs_f64(),
        holder,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let payload: Payload =
                serde_json::from_value(row.payload).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok(Leased {
                guild_id: row.guild_id,
                id: row.id,
                receipt: Receipt { guild_id: row.guild_id, id: row.id, token: row.fencing_token },
                case_id: row.case_id,
                idempotency_key: row.idempotency_key,
                attempts: row.attempts,
                payload,
                appeal_token: None,
            })
        })
        .collect()
}

/// Prolongs a lease that still holds.
pub(super) async fn renew(
    conn: &mut PgConnection,
    receipt: &Receipt,
    lease: Duration,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.effects SET due_at = now() + make_interval(secs => $4)
          WHERE guild_id = $1 AND id = $2 AND fencing_token = $3 AND state = 'leased'",
        receipt.guild_id.get(),
        receipt.id.get(),
        receipt.token,
        lease.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records that an effect was done, unless the lease was lost.
pub(super) async fn applied(
    conn: &mut PgConnection,
    receipt: &Receipt,
    result: &Value,
) -> Result<Option<Settling>, sqlx::Error> {
    sqlx::query_as!(
        Settling,
        r#"UPDATE moderation.effects SET state = 'applied', settled_at = now(), result = $4, error = NULL, error_code = NULL
            WHERE guild_id = $1 AND id = $2 AND fencing_token = $3 AND state = 'leased'
        RETURNING guild_id AS "guild_id: GuildId", id AS "id: EffectId", kind AS "kind: EffectKind",
                  case_id AS "case_id: CaseId", attempts, max_attempts"#,
        receipt.guild_id.get(),
        receipt.id.get(),
        receipt.token,
        result,
    )
    .fetch_optional(conn)
    .await
}

/// Locks an effect whose lease still holds.
pub(super) async fn lock(
    conn: &mut PgConnection,
    receipt: &Receipt,
) -> Result<Option<Settling>, sqlx::Error> {
    sqlx::query_as!(
        Settling,
        r#"SELECT guild_id AS "guild_id: GuildId", id AS "id: EffectId", kind AS "kind: EffectKind",
                  case_id AS "case_id: CaseId", attempts, max_attempts
             FROM moderation.effects
            WHERE guild_id = $1 AND id = $2 AND fencing_token = $3 AND state = 'leased' FOR UPDATE"#,
        receipt.guild_id.get(),
        receipt.id.get(),
        receipt.token,
    )
    .fetch_optional(conn)
    .await
}

/// Has an effect tried again later.
pub(super) async fn put_off(
    conn: &mut PgConnection,
    receipt: &Receipt,
    why: &Dead,
    after: Duration,
) -> Result<(), sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.effects SET state = 'pending', due_at = now() + make_interval(secs => $3), error = $4, error_code = $5
          WHERE guild_id = $1 AND id = $2",
        receipt.guild_id.get(),
        receipt.id.get(),
        after.as_secs_f64(),
        why.reason,
        why.code,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1)?;
    Ok(())
}

/// Gives an effect up.
pub(super) async fn bury(
    conn: &mut PgConnection,
    guild: GuildId,
    effect: EffectId,
    why: &Dead,
) -> Result<(), sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.effects SET state = 'dead', settled_at = now(), error = $3, error_code = $4
          WHERE guild_id = $1 AND id = $2 AND state = 'leased'",
        guild.get(),
        effect.get(),
        why.reason,
        why.code,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1)?;
    Ok(())
}

/// Brings a dead effect back, and tells its case; `None` where there is no such one.
pub(super) async fn revive(
    conn: &mut PgConnection,
    guild: GuildId,
    effect: EffectId,
) -> Result<Option<Option<CaseId>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"UPDATE moderation.effects
              SET state = 'pending', attempts = 0, due_at = now(), settled_at = NULL
            WHERE guild_id = $1 AND id = $2 AND state = 'dead' RETURNING case_id AS "case_id: CaseId""#,
        guild.get(),
        effect.get(),
    )
    .fetch_optional(conn)
    .await
}

/// A page of effects that are dead, the latest first.
pub(super) async fn dead(
    conn: &mut PgConnection,
    guild: GuildId,
    before: Option<EffectId>,
    limit: Limit,
) -> Result<Vec<Effect>, sqlx::Error> {
    sqlx::query_as!(
        Effect,
        r#"SELECT e.id AS "id: EffectId", e.kind AS "kind: EffectKind", e.target, c.case_number AS "case_number?", e.state,
                  e.attempts, e.error, e.error_code, e.created_at, e.settled_at
             FROM moderation.effects e
             LEFT JOIN moderation.moderation_cases c ON c.guild_id = e.guild_id AND c.id = e.case_id
            WHERE e.guild_id = $1 AND e.state = 'dead' AND ($2::uuid IS NULL OR e.id < $2)
            ORDER BY e.id DESC LIMIT $3"#,
        guild.get(),
        before.map(EffectId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await
}

/// Writes down whether whom a case is about could be told.
pub(super) async fn case_notified(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    told: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE moderation.moderation_cases SET member_notified = $3 WHERE guild_id = $1 AND id = $2",
        guild.get(),
        case.get(),
        told,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down that Discord has what a case says; answers its number where that is news.
pub(super) async fn case_applied(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    messages: Option<i32>,
) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE moderation.moderation_cases
            SET effect_state = 'applied', effect_error = NULL,
                messages_purged = CASE WHEN action = 'purge' THEN coalesce($3, messages_purged) END
          WHERE guild_id = $1 AND id = $2 AND effect_state IN ('pending', 'failed')
      RETURNING case_number",
        guild.get(),
        case.get(),
        messages,
    )
    .fetch_optional(conn)
    .await
}

/// Writes down that Discord refused what a case says: it never was in force. Answers its number where that is news.
pub(super) async fn case_failed(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    why: &str,
) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE moderation.moderation_cases
            SET effect_state = 'failed', effect_error = $3,
                resolved_at = coalesce(resolved_at, now()), resolution = coalesce(resolution, 'failed'), resolved = true,
                updated_by = NULL, updated_by_tag = NULL
          WHERE guild_id = $1 AND id = $2 AND effect_state = 'pending'
      RETURNING case_number",
        guild.get(),
        case.get(),
        why,
    )
    .fetch_optional(conn)
    .await
}

/// The same for all cases of people who were to be banned together.
pub(super) async fn cases_failed_of_bulk(
    conn: &mut PgConnection,
    guild: GuildId,
    effect: EffectId,
    why: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE moderation.moderation_cases c
            SET effect_state = 'failed', effect_error = $3, resolved_at = now(), resolution = 'failed', resolved = true,
                updated_by = NULL, updated_by_tag = NULL
           FROM moderation.effects e, jsonb_array_elements_text(e.payload -> 'user_ids') AS u (id)
          WHERE e.guild_id = $1 AND e.id = $2 AND c.guild_id = e.guild_id AND c.user_id = u.id::bigint
            AND c.action = 'ban' AND NOT c.resolved AND c.effect_state = 'pending'",
        guild.get(),
        effect.get(),
        why,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a case in force again whose effect is tried once more.
pub(super) async fn case_revive(conn: &mut PgConnection, guild: GuildId, case: CaseId) -> Result<(), Error> {
    let row = sqlx::query!(
        r#"SELECT action AS "action: Action", user_id, resolution, expires_at <= now() AS over,
                  EXISTS (SELECT FROM moderation.moderation_cases o
                           WHERE o.guild_id = c.guild_id AND o.user_id = c.user_id AND o.action = c.action
                             AND NOT o.resolved AND o.id <> c.id) AS "replaced!"
             FROM moderation.moderation_cases c WHERE guild_id = $1 AND id = $2 FOR UPDATE"#,
        guild.get(),
        case.get(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let lapsed = row.action.lasts() && row.resolution.as_deref() == Some("failed");
    if lapsed && row.over == Some(true) {
        return Err(Error::Closed("its time is over"));
    }
    if lapsed && row.replaced {
        return Err(Error::Closed("another case of the kind is in force by now"));
    }
    sqlx::query!(
        "UPDATE moderation.moderation_cases
            SET effect_state = 'pending', effect_error = NULL,
                resolved = resolved AND NOT $3, resolved_at = CASE WHEN $3 THEN NULL ELSE resolved_at END,
                resolution = CASE WHEN $3 THEN NULL ELSE resolution END
          WHERE guild_id = $1 AND id = $2 AND effect_state = 'failed'",
        guild.get(),
        case.get(),
        lapsed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many effects a case has had, for keys that differ.
pub(crate) async fn count_of(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM moderation.effects WHERE guild_id = $1 AND case_id = $2"#,
        guild.get(),
        case.get(),
    )
    .fetch_one(conn)
    .await
}

/// Removes what was done so many days ago, a piece at a time.
pub(crate) async fn clean(
    conn: &mut PgConnection,
    guild: GuildId,
    days: i32,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM moderation.effects WHERE (guild_id, id) IN (
             SELECT guild_id, id FROM moderation.effects
              WHERE guild_id = $1 AND state = 'applied' AND settled_at < now() - make_interval(days => $2) LIMIT $3)",
        guild.get(),
        days,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
