//! Roles that follow Discord's while people stay signed in.
//!
//! Whoever signs in by Discord gives us leave to ask about them again; it is kept sealed ([`crate::vault`]). While they send
//! requests, Discord is asked every `sessions.roles_minutes`: in the background, so that nobody waits. When Discord does
//! not answer, what it said last counts for `sessions.roles_grace_minutes` more; after that the database itself lets roles
//! that follow Discord count as that of a plain member. Whoever comes back after a pause that long waits for
//! Discord's answer, a few seconds at most. Who takes the leave back loses those roles at once.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, Problem, UserId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::discord::Discord;
use super::provider::{self, Granted};
use super::told::{GuildsKnown, told_by};
use crate::actor::{Actor, By, Origin, Person};
use crate::problems::SIGN_IN_FAILED;
use crate::roles;
use crate::sessions::SessionPolicy;
use crate::vault::{Vault, VaultError};
use crate::web::App;

/// Longest that Discord is asked about one person.
const PATIENCE: Duration = Duration::from_secs(10);
/// For how long nobody else asks about the same person, whatever came of it; longer than [`PATIENCE`].
const PAUSE_SECONDS: i32 = 15;
/// For how long nobody is asked about after Discord did not answer.
const AWAY: TimeDelta = TimeDelta::seconds(10);

/// What one process knows of asking Discord.
pub(crate) struct Following {
    clock: Clock,
    guilds: OnceLock<GuildsKnown>,
    /// About whom it is asking.
    asking: Mutex<HashSet<UserId>>,
    asked: Notify,
    away_until: Mutex<Option<DateTime<Utc>>>,
}

impl Following {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            guilds: OnceLock::new(),
            asking: Mutex::default(),
            asked: Notify::new(),
            away_until: Mutex::default(),
        }
    }

    pub(crate) fn know_guilds(&self, known: GuildsKnown) {
        // The first one stays: there is one community.
        let _ = self.guilds.set(known);
    }

    pub(crate) fn guilds(&self) -> Option<&GuildsKnown> {
        self.guilds.get()
    }

    fn is_away(&self) -> bool {
        let until = *self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.now() < until)
    }

    fn went_away(&self) {
        *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now() + AWAY);
    }

    /// Whether it falls to the caller to ask about somebody; until the answer is dropped, to nobody else in this process.
    fn turn(&self, user: UserId) -> Option<Turn<'_>> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.insert(user).then(|| Turn { following: self, user })
    }

    /// Waits until nobody in this process asks about somebody.
    async fn settled(&self, user: UserId) {
        loop {
            let asked = self.asked.notified();
            if !self.asking.lock().unwrap_or_else(PoisonError::into_inner).contains(&user) {
                return;
            }
            asked.await;
        }
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Following(…)")
    }
}

struct Turn<'a> {
    following: &'a Following,
    user: UserId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut asking = self.following.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.remove(&self.user);
        drop(asking);
        self.following.asked.notify_waiters();
    }
}

/// The holder of a session, with roles as fresh as the settings want them.
#[kernel::boxed]
pub(crate) async fn current(app: &App, actor: Actor, token: &str) -> Result<Actor, Problem> {
    let Some((user, age)) = actor.session().and_then(|session| match session.person {
        Person::User(user) => Some((user, session.discord_age?)),
        Person::Admin { .. } => None,
    }) else {
        return Ok(actor);
    };
    let policy = app.settings().get::<SessionPolicy>(None).await?;
    if age < policy.roles_minutes * 60 || app.http().discord.is_none() || app.following().is_away() {
        return Ok(actor);
    }
    if age < policy.roles_seconds() {
        let app = app.clone();
        tokio::spawn(async move { follow(&app, user).await });
        return Ok(actor);
    }
    match follow(app, user).await {
        Asked::Told => {}
        // A page sends many requests at once: they all wait for the one answer.
        Asked::ByAnother => app.following().settled(user).await,
        Asked::Nothing => return Ok(actor),
    }
    app.keys().forget(token);
    Ok(app.keys().session(token).await?.unwrap_or(actor))
}

/// What came of asking Discord about somebody.
enum Asked {
    /// It told, just now if not on our asking.
    Told,
    /// Somebody else in this process is about it.
    ByAnother,
    /// It did not tell.
    Nothing,
}

/// Asks Discord about somebody, unless somebody does already, and has their roles follow.
async fn follow(app: &App, user: UserId) -> Asked {
    let Some(_turn) = app.following().turn(user) else { return Asked::ByAnother };
    match tokio::time::timeout(PATIENCE, ask(app, user)).await {
        Ok(Ok(true)) => Asked::Told,
        Ok(Ok(false)) => Asked::Nothing,
        Ok(Err(problem)) => {
            app.following().went_away();
            tracing::warn!(%user, problem = problem.detail(), "roles cannot follow Discord; those that do lapse if this lasts");
            Asked::Nothing
        }
        Err(_) => {
            app.following().went_away();
            tracing::warn!(%user, "Discord takes too long; roles that follow it lapse if this lasts");
            Asked::Nothing
        }
    }
}

async fn ask(app: &App, user: UserId) -> Result<bool, Problem> {
    let (Some(discord), Some(known)) = (&app.http().discord, app.following().guilds()) else {
        return Ok(false);
    };
    let leased = sqlx::query!(
        r#"
        UPDATE access.discord_leaves SET tried_at = now()
        WHERE user_id = $1 AND (tried_at IS NULL OR tried_at < now() - make_interval(secs => $2::integer))
        RETURNING sealed, access_until > now() + interval '1 minute' AS "fresh!"
        "#,
        user.get(),
        PAUSE_SECONDS,
    )
    .fetch_optional(&mut *db::acquire(app.pool()).await?)
    .await?;
    // Another node asks, or somebody did so just now: it is worth another look at what they found.
    let Some(leased) = leased else { return Ok(true) };
    let vault = &app.http().vault;
    let mut leave = Kept { sealed: leased.sealed, tokens: Tokens::default() };
    leave.tokens = Tokens::open(vault, user, &leave.sealed)?;
    let told = match told(app, discord, known, user, &mut leave, leased.fresh).await {
        Err(problem) if problem.slug() == SIGN_IN_FAILED.slug => None,
        told => Some(told?),
    };
    let mut tx = db::begin(app.pool()).await?;
    if let Some(grants) = told {
        roles::follow_discord(&mut tx, By::System, &Origin::default(), user, &grants).await?;
        sqlx::query!("UPDATE access.discord_leaves SET read_at = now() WHERE user_id = $1", user.get())
            .execute(&mut *tx)
            .await?;
    } else {
        // They may have signed in anew meanwhile: then there is other leave, and theirs is another story.
        let gone = sqlx::query!(
            "DELETE FROM access.discord_leaves WHERE user_id = $1 AND sealed = $2",
            user.get(),
            leave.sealed,
        )
        .execute(&mut *tx)
        .await?;
        if gone.rows_affected() == 1 {
            tracing::info!(%user, "Discord tells us nothing about them any more; roles that follow it end");
            roles::follow_discord(&mut tx, By::System, &Origin::default(), user, &[]).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// Leave, as it is in the database at the moment.
struct Kept {
    sealed: Vec<u8>,
    tokens: Tokens,
}

/// What Discord says they are, with leave that is renewed where it has to be.
async fn told(
    app: &App,
    discord: &Discord,
    known: &GuildsKnown,
    user: UserId,
    leave: &mut Kept,
    fresh: bool,
) -> Result<Vec<roles::FromDiscord>, Problem> {
    if fresh {
        match told_by(app.pool(), &provider::Leave::new(discord, &leave.tokens.access), known).await {
            Err(problem) if problem.slug() == SIGN_IN_FAILED.slug => {}
            told => return of(user, told?),
        }
    }
    let refresh = leave.tokens.refresh.as_deref().unwrap_or_default();
    let granted = provider::renew(discord, refresh).await?;
    let kept = keep(&mut *db::acquire(app.pool()).await?, &app.http().vault, user, &granted).await?;
    *leave = Kept { sealed: kept, tokens: Tokens::of(&granted) };
    of(user, told_by(app.pool(), &provider::Leave::new(discord, &granted.access_token), known).await?)
}

fn of(
    user: UserId,
    (told, grants): (provider::Oneself, Vec<roles::FromDiscord>),
) -> Result<Vec<roles::FromDiscord>, Problem> {
    if told.id == user {
        return Ok(grants);
    }
    Err(Problem::internal_message("Discord told of somebody else than it was asked about"))
}

/// What is sealed.
#[derive(Default, Serialize, Deserialize)]
struct Tokens {
    access: String,
    refresh: Option<String>,
}

impl Tokens {
    fn of(granted: &Granted) -> Self {
        Self { access: granted.access_token.clone(), refresh: granted.refresh_token.clone() }
    }

    fn open(vault: &Vault, user: UserId, sealed: &[u8]) -> Result<Self, VaultError> {
        let opened = vault.open(&context(user), sealed)?;
        serde_json::from_slice(&opened).map_err(|_| VaultError::Damaged)
    }
}

fn context(user: UserId) -> String {
    format!("access.discord_leaves:{user}")
}

/// Keeps leave to ask about somebody, sealed; answers with how it is kept. When they were last asked about stays.
async fn keep(
    conn: &mut PgConnection,
    vault: &Vault,
    user: UserId,
    granted: &Granted,
) -> Result<Vec<u8>, Problem> {
    let tokens = serde_json::to_vec(&Tokens::of(granted)).map_err(|error| Problem::internal(&error))?;
    let sealed = vault.seal(&context(user), &tokens)?;
    sqlx::query!(
        r#"
        INSERT INTO access.discord_leaves (user_id, sealed, access_until, read_at)
        VALUES ($1, $2, now() + make_interval(secs => $3::bigint::double precision), 'epoch')
        ON CONFLICT (user_id) DO UPDATE SET sealed = EXCLUDED.sealed, access_until = EXCLUDED.access_until
        "#,
        user.get(),
        sealed,
        granted.expires_in.clamp(0, 366 * 86_400),
    )
    .execute(conn)
    .await?;
    Ok(sealed)
}

/// The same in the transaction in which they sign in: Discord has just been asked about them.
pub(super) async fn begin(
    conn: &mut PgConnection,
    vault: &Vault,
    user: UserId,
    granted: &Granted,
) -> Result<(), Problem> {
    keep(conn, vault, user, granted).await?;
    sqlx::query!(
        "UPDATE access.discord_leaves SET read_at = now(), tried_at = NULL WHERE user_id = $1",
        user.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes leave to ask about people who are signed in no more, at most `batch` of them.
pub async fn discord_leaves_clean(conn: &mut PgConnection, batch: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM access.discord_leaves WHERE user_id IN (
            SELECT l.user_id FROM access.discord_leaves l
            WHERE l.updated_at < now() - interval '1 hour'
              AND NOT EXISTS (SELECT FROM access.sessions s
                              WHERE s.user_id = l.user_id AND s.revoked_at IS NULL AND s.expires_at > now())
            LIMIT $1 FOR UPDATE OF l SKIP LOCKED
        )
        "#,
        batch,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Seals anew what is not sealed by the key that seals now, a part of it at a time; what does not open is removed: whoever it
/// was about signs in again. Tells how many of each there were.
pub async fn discord_leaves_reseal(conn: &mut PgConnection, vault: &Vault) -> sqlx::Result<(u64, u64)> {
    let any = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM access.discord_leaves) AS "any!""#)
        .fetch_one(&mut *conn)
        .await?;
    // Without secrets no key is needed, nor made.
    if !any {
        return Ok((0, 0));
    }
    let mark = vault.mark().map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let stored = sqlx::query!(
        r#"
        SELECT user_id AS "user_id: UserId", sealed FROM access.discord_leaves
        WHERE substring(sealed FOR $2::integer) <> $1
        ORDER BY user_id LIMIT 1000 FOR NO KEY UPDATE
        "#,
        mark,
        i32::try_from(mark.len()).unwrap_or(i32::MAX),
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut users, mut anew, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    for row in stored {
        let context = context(row.user_id);
        match vault.open(&context, &row.sealed).and_then(|opened| vault.seal(&context, &opened)) {
            Ok(sealed) => {
                users.push(row.user_id.get());
                anew.push(sealed);
            }
            Err(error) => {
                tracing::error!(%error, user = %row.user_id, "leave to ask Discord does not open");
                lost.push(row.user_id.get());
            }
        }
    }
    let done = sqlx::query!(
        "UPDATE access.discord_leaves l SET sealed = s.sealed
           FROM unnest($1::bigint[], $2::bytea[]) AS s (user_id, sealed) WHERE l.user_id = s.user_id",
        &users,
        &anew,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM access.discord_leaves WHERE user_id = ANY($1)", &lost).execute(conn).await?;
    Ok((done.rows_affected(), lost.len() as u64))
}
