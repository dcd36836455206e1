//! SQL of a batch: what is read under the guilds' locks, and what is written. Everything goes by arrays, a statement a table.
//!
//! Arrays are unnested where columns are listed and not in `FROM`, where PostgreSQL would first write down all rows: that takes a third
//! of the time.

mod counters;
mod lake;
mod limits;
mod members;
mod voice;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::GuildId;
use sqlx::PgConnection;

pub(super) use self::counters::*;
pub(super) use self::lake::*;
pub(super) use self::limits::*;
pub(super) use self::members::*;
pub(super) use self::voice::*;
use crate::error::Error;
use progress::seasons::calendar::{Calendar, calendars};

/// What a batch is measured by.
pub(super) struct Frame {
    /// The database's time.
    pub(super) now: DateTime<Utc>,
    /// Where the lake's oldest partition begins.
    pub(super) oldest: DateTime<Utc>,
    /// Seasons by guild.
    pub(super) seasons: BTreeMap<GuildId, Calendar>,
}

pub(super) async fn frame(conn: &mut PgConnection, guilds: &[GuildId]) -> Result<Frame, Error> {
    let seasons = calendars(conn, guilds).await?;
    let bounds = sqlx::query!(
        r#"SELECT now() AS "now!", coalesce(min(starts_at), now()) AS "oldest!"
             FROM questhall.month_partitions('lake.event_lake')"#
    )
    .fetch_one(conn)
    .await?;
    Ok(Frame { now: bounds.now, oldest: bounds.oldest, seasons })
}
