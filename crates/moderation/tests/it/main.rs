//! Moderation against a real PostgreSQL, a database per test; automod by its table of cases; and over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod appeals;
mod automod;
mod cases;
mod effects;
mod hits;
mod raids;

use access::{Author, By, Origin};
use kernel::{GuildId, UserId};
use moderation::effects::{Leased, claim};
use moderation::model::{Case, Moderator, NewCase, Standing};
use moderation::{Error, ops};
use sqlx::PgPool;
use std::time::Duration;

/// The guild of most tests.
pub(crate) const GUILD: GuildId = GuildId::new(1);
/// A member.
pub(crate) const ADA: UserId = UserId::new(7);
/// A moderator.
pub(crate) const MOD: UserId = UserId::new(70);

static NOWHERE: Origin = Origin { ip: None, request_id: None };

/// The operator.
pub(crate) fn operator() -> Author<'static> {
    Author::new(By::Cli, &NOWHERE)
}

/// A moderator of this number.
pub(crate) fn moderator(id: UserId) -> Moderator {
    Moderator { id, tag: format!("mod{id}") }
}

/// Makes a case as a moderator.
pub(crate) async fn make_as(pool: &PgPool, by: UserId, new: NewCase) -> Result<Case, Error> {
    ops::case_make(pool, GUILD, new, &moderator(by), &Standing::default(), operator()).await
}

/// Makes a case that must succeed.
pub(crate) async fn make(pool: &PgPool, new: NewCase) -> Case {
    make_as(pool, MOD, new).await.unwrap()
}

/// What is due now, for a minute.
pub(crate) async fn due(pool: &PgPool) -> Vec<Leased> {
    claim(pool, None, None, Duration::from_mins(1), 100).await.unwrap()
}

/// A number from a statement.
pub(crate) async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}
