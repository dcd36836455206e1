//! Going over all members of all guilds, a part at a time: a job that looked at all of them at once would take longer with every member.

use kernel::GuildId;
use sqlx::PgConnection;

/// Members that one run of a job goes over.
const STEP: i64 = 10_000;

/// Members by guild and id: after one, up to and including another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Guild and user that it begins after.
    pub after: (i64, i64),
    /// Guild and user that it ends with.
    pub until: (i64, i64),
}

impl Span {
    /// Everybody of a guild, or of all of them.
    pub fn of(guild: Option<GuildId>) -> Self {
        match guild {
            Some(guild) => Self { after: (guild.get(), -1), until: (guild.get(), i64::MAX) },
            None => Self { after: (0, 0), until: (i64::MAX, i64::MAX) },
        }
    }

    /// What comes next after what the job of this name went over the last time, as its last result says; from the beginning once it has
    /// come to the end.
    pub async fn next(conn: &mut PgConnection, job: &str) -> sqlx::Result<Self> {
        let last = sqlx::query_scalar!(
            r#"SELECT last_result->>'until' AS "until" FROM jobs.schedules WHERE name = $1"#,
            job
        )
        .fetch_optional(&mut *conn)
        .await?;
        let after = last.flatten().and_then(|text| parse(&text)).unwrap_or((0, 0));
        let until = sqlx::query!(
            "SELECT guild_id, user_id FROM people.members WHERE (guild_id, user_id) > ($1, $2)
              ORDER BY guild_id, user_id OFFSET $3 LIMIT 1",
            after.0,
            after.1,
            STEP - 1,
        )
        .fetch_optional(conn)
        .await?;
        Ok(Self { after, until: until.map_or((i64::MAX, i64::MAX), |row| (row.guild_id, row.user_id)) })
    }

    /// Where it ends, for the job's result; `None` at the end of all.
    pub fn mark(&self) -> Option<String> {
        (self.until.0 != i64::MAX).then(|| format!("{}/{}", self.until.0, self.until.1))
    }
}

fn parse(text: &str) -> Option<(i64, i64)> {
    let (guild, user) = text.split_once('/')?;
    Some((guild.parse().ok()?, user.parse().ok()?))
}
