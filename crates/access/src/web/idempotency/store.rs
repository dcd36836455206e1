//! SQL of idempotency keys. Each function is a transaction of its own, outside of the request's: the claim must be seen
//! by others before the request commits.

use std::str::FromStr as _;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use chrono::{DateTime, Utc};
use kernel::GuildId;
use serde_json::{Map, Value};
use sqlx::{PgConnection, PgPool};

/// Whose key it is.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) actor: String,
    pub(super) key: String,
    pub(super) guild: Option<GuildId>,
}

/// Proof of a claim: whoever claims after a lapsed lease gets another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fence(DateTime<Utc>);

/// What is kept of an answer. No body: it was given, but is not kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

#[derive(Debug)]
pub(super) enum Claim {
    /// The request is ours to run.
    Ours(Fence),
    /// It ran, and this was answered.
    Done(Kept),
    /// It is running, or its node died a moment ago.
    Running,
    /// The key belongs to another request.
    OtherRequest,
}

/// Claims the key for this request, or says what became of it.
pub(super) async fn claim(
    pool: &PgPool,
    owner: &Owner,
    request_hash: &str,
    lease: Duration,
) -> sqlx::Result<Claim> {
    let mut conn = db::acquire(pool).await?;
    // A second time where the row was released between the two statements.
    for _ in 0..2 {
        let fence = sqlx::query_scalar!(
            r#"
            INSERT INTO access.idempotency_keys AS k (actor, key, guild_id, request_hash, locked_until)
            VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
            ON CONFLICT (actor, key) DO UPDATE
            SET guild_id = excluded.guild_id, request_hash = excluded.request_hash, state = 'in_progress',
                carried_out = false, status_code = NULL, response_headers = NULL, response_body = NULL,
                locked_until = excluded.locked_until, created_at = now(), expires_at = excluded.expires_at
            WHERE k.expires_at <= now()
               OR (k.state = 'in_progress' AND NOT k.carried_out AND k.locked_until <= now()
                   AND k.request_hash = excluded.request_hash)
            RETURNING locked_until
            "#,
            owner.actor,
            owner.key,
            owner.guild.map(GuildId::get),
            request_hash,
            lease.as_secs_f64(),
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(fence) = fence {
            return Ok(Claim::Ours(Fence(fence)));
        }
        if let Some(found) = find(&mut conn, owner, request_hash).await? {
            return Ok(found);
        }
    }
    Ok(Claim::Running)
}

async fn find(conn: &mut PgConnection, owner: &Owner, request_hash: &str) -> sqlx::Result<Option<Claim>> {
    let row = sqlx::query!(
        r#"
        SELECT request_hash, state, status_code, response_headers, response_body,
               carried_out AND locked_until <= now() AS "unanswered!"
        FROM access.idempotency_keys WHERE actor = $1 AND key = $2
        "#,
        owner.actor,
        owner.key,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        if row.request_hash != request_hash {
            return Claim::OtherRequest;
        }
        let status = row.status_code.and_then(|code| u16::try_from(code).ok());
        match status.and_then(|code| StatusCode::from_u16(code).ok()) {
            Some(status) if row.state == "done" => Claim::Done(Kept {
                status,
                headers: row.response_headers.as_ref().map(headers_of).unwrap_or_default(),
                body: row.response_body.map(Bytes::from),
            }),
            // Its node died between the commit and the answer.
            _ if row.unanswered => {
                Claim::Done(Kept { status: StatusCode::CONFLICT, headers: HeaderMap::new(), body: None })
            }
            _ => Claim::Running,
        }
    }))
}

/// Keeps the answer. False when the lease had lapsed and somebody else has the key.
pub(super) async fn finish(pool: &PgPool, owner: &Owner, fence: Fence, kept: &Kept) -> sqlx::Result<bool> {
    let status = i16::try_from(kept.status.as_u16()).unwrap_or(500);
    let done = sqlx::query!(
        r#"
        UPDATE access.idempotency_keys
        SET state = 'done', status_code = $4, response_headers = $5, response_body = $6
        WHERE actor = $1 AND key = $2 AND locked_until = $3 AND state = 'in_progress'
        "#,
        owner.actor,
        owner.key,
        fence.0,
        status,
        to_json(&kept.headers),
        kept.body.as_deref(),
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes, in the transaction of the requests' effects, that these were carried out; answers how many still had their
/// lease. No two requests share a row, so the order of locks does not matter.
pub(super) async fn carried_out(conn: &mut PgConnection, claims: &[(&Owner, Fence)]) -> sqlx::Result<u64> {
    let actors: Vec<&str> = claims.iter().map(|(owner, _)| owner.actor.as_str()).collect();
    let keys: Vec<&str> = claims.iter().map(|(owner, _)| owner.key.as_str()).collect();
    let fences: Vec<DateTime<Utc>> = claims.iter().map(|(_, fence)| fence.0).collect();
    let done = sqlx::query!(
        r#"
        UPDATE access.idempotency_keys AS k SET carried_out = true
        FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS c (actor, key, fence)
        WHERE k.actor = c.actor AND k.key = c.key AND k.locked_until = c.fence AND k.state = 'in_progress'
        "#,
        &actors as &[&str],
        &keys as &[&str],
        &fences,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Gives the key back, so that the request may be sent again; unless it was carried out, whatever was answered: then its
/// repetition is told so. False as for [`finish`].
pub(super) async fn release(pool: &PgPool, owner: &Owner, fence: Fence) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        WITH told AS (
            UPDATE access.idempotency_keys SET locked_until = now()
            WHERE actor = $1 AND key = $2 AND locked_until = $3 AND state = 'in_progress' AND carried_out
            RETURNING 1
        ), gone AS (
            DELETE FROM access.idempotency_keys
            WHERE actor = $1 AND key = $2 AND locked_until = $3 AND state = 'in_progress' AND NOT carried_out
            RETURNING 1
        )
        SELECT 1 AS "one!" FROM told UNION ALL SELECT 1 FROM gone
        "#,
        owner.actor,
        owner.key,
        fence.0,
    )
    .fetch_optional(&mut *db::acquire(pool).await?)
    .await?;
    Ok(done.is_some())
}

/// Removes up to `batch` keys whose 24 hours are over; returns how many there were. For the scheduler, which repeats it
/// while it returns `batch`.
pub async fn idempotency_clean(conn: &mut PgConnection, batch: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM access.idempotency_keys AS k
        USING (
            SELECT actor, key FROM access.idempotency_keys
            WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
        ) AS old
        WHERE k.actor = old.actor AND k.key = old.key
        "#,
        batch,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

fn to_json(headers: &HeaderMap) -> Value {
    let pairs = headers.iter().filter_map(|(name, value)| {
        value.to_str().ok().map(|value| (name.as_str().to_owned(), Value::from(value)))
    });
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn headers_of(json: &Value) -> HeaderMap {
    let pairs = json.as_object().into_iter().flatten();
    pairs
        .filter_map(|(name, value)| {
            let value = HeaderValue::from_str(value.as_str()?).ok()?;
            Some((HeaderName::from_str(name).ok()?, value))
        })
        .collect()
}
