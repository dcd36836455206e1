//! What the faces do with sessions. Each takes a transaction's connection.

use chrono::{DateTime, Utc};
use kernel::{Limit, Page, Problem};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{NewSession, SessionInfo};
use super::policy::SessionPolicy;
use super::{csrf, store};
use crate::actor::{Origin, Person};
use crate::keys::{SESSION_PREFIX, hash, hex, random};
use crate::settings::settings_read;

/// Begins a session. Its token is given out here and never again.
#[kernel::boxed]
pub async fn session_start(
    conn: &mut PgConnection,
    person: &Person,
    origin: &Origin,
    user_agent: Option<&str>,
) -> Result<NewSession, Problem> {
    let policy: SessionPolicy = settings_read(conn, None).await?;
    let token = random(SESSION_PREFIX).map_err(|error| Problem::internal(&error))?;
    let csrf_token = csrf::token_of(&token);
    let (user_id, admin_user_id) = store::columns(person);
    let new = store::Insert {
        token_hash: &hex(&hash(&token)),
        csrf_hash: &hex(&hash(&csrf_token)),
        user_id,
        admin_user_id,
        ip_address: origin.ip.map(|ip| ip.to_string()),
        user_agent,
        lifetime_hours: policy.lifetime_hours,
    };
    let info = store::insert(conn, &new).await?;
    Ok(NewSession { info, token, csrf_token })
}

/// A person's sessions that are good now, newest first.
pub async fn session_list(
    conn: &mut PgConnection,
    person: &Person,
    current: Uuid,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: Limit,
) -> Result<Page<SessionInfo>, Problem> {
    let policy: SessionPolicy = settings_read(conn, None).await?;
    let rows = store::list(conn, person, current, policy.idle_hours, after, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |session| (session.created_at, session.id)))
}

/// Ends a session of a person; within a second it counts nowhere. 404 for another's, or one that has ended.
pub async fn session_end(conn: &mut PgConnection, person: &Person, id: Uuid) -> Result<(), Problem> {
    match store::end(conn, person, Some(id)).await? {
        0 => Err(Problem::not_found("session")),
        _ => Ok(()),
    }
}

/// Ends all sessions of a person; within a second none counts anywhere. Returns how many.
pub async fn session_end_all(conn: &mut PgConnection, person: &Person) -> Result<u64, Problem> {
    Ok(store::end(conn, person, None).await?)
}

/// Ends the session with this token, if there is one: before somebody signs in anew.
pub async fn session_end_by_token(conn: &mut PgConnection, token: &str) -> Result<(), Problem> {
    store::end_by_hash(conn, &hex(&hash(token))).await?;
    Ok(())
}
