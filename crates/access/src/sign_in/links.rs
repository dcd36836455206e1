//! Links that the command line prints, by which somebody comes in without a password: one to set an installation up, and those of the
//! demo.
//!
//! Promises: only a link's hash is kept; it expires; the one for setting up works once, however many press its button in the same
//! moment; those of the demo sign in members of the demo, on a developer's machine and from that machine alone.

use axum::http::{HeaderMap, header};
use kernel::{Problem, UserId};
use sqlx::PgConnection;

use crate::actor::{By, Origin, Person};
use crate::keys::{hash, hex, random};
use crate::operators::operator_add;
use crate::sessions::cookie::Cookie;
use crate::sessions::{self, NewSession, csrf};
use crate::web::App;

/// What a link's secret begins with.
const PREFIX: &str = "qhl_";

kernel::decl_words! {
    /// What a link is for.
    pub enum Purpose {
        /// Setting the installation up: whoever opens it becomes an operator.
        SetUp = "set_up",
        /// Looking around in the demo.
        Demo = "demo",
    }
}

/// Makes a link's secret, good for so many minutes. It is told here and never again. `user` is whom one of the demo signs in.
pub async fn link_make(
    conn: &mut PgConnection,
    user: Option<UserId>,
    minutes: i32,
) -> Result<String, Problem> {
    let secret = random(PREFIX).map_err(|error| Problem::internal(&error))?;
    let purpose = if user.is_some() { Purpose::Demo } else { Purpose::SetUp };
    sqlx::query!(
        "INSERT INTO access.sign_in_links (token_hash, purpose, user_id, expires_at)
         VALUES ($1, $2, $3, now() + make_interval(mins => $4))",
        hex(&hash(&secret)),
        purpose.as_str(),
        user.map(UserId::get),
        minutes,
    )
    .execute(conn)
    .await?;
    Ok(secret)
}

/// Takes back all links of a purpose that were made before: the newest ones are those that somebody has before them.
pub async fn links_withdraw(conn: &mut PgConnection, purpose: Purpose) -> sqlx::Result<u64> {
    let gone = sqlx::query!("DELETE FROM access.sign_in_links WHERE purpose = $1", purpose.as_str());
    Ok(gone.execute(conn).await?.rows_affected())
}

/// Whether a link for setting up would work.
pub async fn set_up_link_good(conn: &mut PgConnection, secret: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM access.sign_in_links
                           WHERE token_hash = $1 AND purpose = 'set_up' AND expires_at > now()) AS "good!""#,
        hex(&hash(secret)),
    )
    .fetch_one(conn)
    .await
}

/// Uses the link for setting up, once: makes `user` an operator and signs them in.
pub async fn set_up_sign_in(
    app: &App,
    origin: &Origin,
    headers: &HeaderMap,
    secret: &str,
    user: UserId,
) -> Result<NewSession, Problem> {
    csrf::refuse_other_sites(app.http(), headers)?;
    let mut tx = db::begin(app.pool()).await?;
    let used = sqlx::query!(
        "DELETE FROM access.sign_in_links WHERE token_hash = $1 AND purpose = 'set_up' AND expires_at > now()",
        hex(&hash(secret)),
    )
    .execute(&mut *tx)
    .await?;
    if used.rows_affected() == 0 {
        return Err(gone());
    }
    // The link came from the machine itself, as the command line does.
    operator_add(&mut tx, By::System, user).await?;
    stand_in(&mut tx, user).await?;
    let (new, old) = begin(app, &mut tx, origin, headers, &Person::User(user)).await?;
    tx.commit().await?;
    forget(app, old);
    Ok(new)
}

/// What somebody is called who came by the link, until they sign in with Discord or a guild says what they are called.
const STANDS_IN: &str = "Owner (by the set-up link)";

/// Gives somebody a name of whom nothing but their id is known.
async fn stand_in(conn: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO people.users AS u (id, discord_name) VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT pk_users DO UPDATE SET discord_name = excluded.discord_name WHERE u.discord_name IS NULL",
        user.get(),
        STANDS_IN,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Signs in whom a link of the demo stands for. It can be opened again until it expires.
pub async fn demo_sign_in(
    app: &App,
    origin: &Origin,
    headers: &HeaderMap,
    secret: &str,
) -> Result<NewSession, Problem> {
    // Nobody is told that there is such a page where there may be no demo.
    let from_here = origin.ip.is_some_and(|ip| ip.to_canonical().is_loopback());
    if !app.http().development || !from_here {
        return Err(Problem::not_found("page"));
    }
    csrf::refuse_other_sites(app.http(), headers)?;
    let mut tx = db::begin(app.pool()).await?;
    let user = sqlx::query_scalar!(
        r#"SELECT user_id AS "user!: UserId" FROM access.sign_in_links
            WHERE token_hash = $1 AND purpose = 'demo' AND expires_at > now()"#,
        hex(&hash(secret)),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(gone)?;
    let (new, old) = begin(app, &mut tx, origin, headers, &Person::User(user)).await?;
    tx.commit().await?;
    forget(app, old);
    Ok(new)
}

fn gone() -> Problem {
    Problem::not_found("link; it was used, or has expired: start Questhall again, which prints another one")
}

/// Begins a session, and ends the one that the browser held before.
pub(super) async fn begin(
    app: &App,
    conn: &mut PgConnection,
    origin: &Origin,
    headers: &HeaderMap,
    person: &Person,
) -> Result<(NewSession, Option<String>), Problem> {
    let old = Cookie::Session.read(app.http(), headers);
    if let Some(old) = &old {
        sessions::session_end_by_token(&mut *conn, old).await?;
    }
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let new = sessions::session_start(conn, person, origin, agent).await?;
    Ok((new, old))
}

/// Once it is committed: the session that ended counts nowhere any more.
pub(super) fn forget(app: &App, old: Option<String>) {
    if let Some(old) = old {
        app.keys().forget(&old);
    }
}

/// Removes links that have expired, a batch at a time.
pub async fn sign_in_links_clean(conn: &mut PgConnection, batch: i64) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "DELETE FROM access.sign_in_links WHERE token_hash IN
            (SELECT token_hash FROM access.sign_in_links WHERE expires_at < now() ORDER BY expires_at LIMIT $1)",
        batch,
    );
    Ok(gone.execute(conn).await?.rows_affected())
}
