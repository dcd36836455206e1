//! Audits: what slices keep beside a journal, held against it on request and every week, and brought back.
//!
//! Looking is a periodic job and mending is not: a guild's events wait while it is mended, and a guild at a time is enough. So the
//! job schedules a durable timer for each guild that drifted; whatever dies meanwhile, another node goes on. What was mended is in the
//! log and counted in `questhall_audit_mended_total`; the slice writes it to the audit log, in the transaction that mends.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use jobs::TimerError;
use jobs::schedule::{JobError, Schedule};
use jobs::timers::{At, Due, Handlers, Kind, LeaseSettings};
use kernel::GuildId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::settings::{Field, Group, settings_read};
use crate::{Author, By, Origin};

/// A figure that is not what its journal says, in words that fit every slice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// The guild.
    pub guild_id: GuildId,
    /// Which figure, of what.
    pub what: String,
    /// What is stored.
    pub stored: String,
    /// What the journal adds up to.
    pub derived: String,
}

/// What comes of looking at figures.
pub type Found<'a> = BoxFuture<'a, Result<Vec<Figure>, JobError>>;

/// How a slice's figures are held against their journals.
#[derive(Clone, Copy)]
pub struct Audit {
    /// Every figure, of a guild or of all, that is not what its journal adds up to; none when all is well.
    pub drift: for<'a> fn(&'a mut PgConnection, Option<GuildId>) -> Found<'a>,
    /// What is done about it every week, where the slice can bring its figures back.
    pub weekly: Option<Weekly>,
}

/// The weekly audit of a slice: its job, and the timer that mends a guild.
#[derive(Clone, Copy)]
pub struct Weekly {
    /// The job's name: `slice.audit`.
    pub job: &'static str,
    /// When it runs: each slice at a time of its own, as journals are read from one end to the other.
    pub cron: &'static str,
    /// The kind of the timer that mends a guild: `slice.audit_repair`.
    pub timer: &'static str,
    /// Brings a guild's figures back and answers what they were. Doing it again mends nothing.
    pub repair: for<'a> fn(&'a PgPool, GuildId, Author<'a>) -> Found<'a>,
}

/// What becomes of the drift that the weekly audit finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// Whether it is mended; otherwise it is only reported.
    pub weekly_repair: bool,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { weekly_repair: true }
    }
}

impl Group for AuditSettings {
    const CATEGORY: &'static str = "audit";
    const ABOUT: &'static str = "What becomes of figures that are not what their journals add up to.";
    const FIELDS: &'static [Field] = &[Field::boolean(
        "weekly_repair",
        "Whether the weekly audits mend members, seasons, counters, bytes and squads; otherwise they only report them.",
    )];
}

/// A guild's figures, to be brought back: one waits for each guild and slice.
#[derive(Debug, Serialize, Deserialize)]
struct Repair {}

impl Repair {
    fn kind(name: &'static str) -> Kind<Self> {
        Kind::once(name, |_| "all".to_owned())
    }
}

impl Audit {
    /// The slice's weekly job: looks for drift in all guilds, says what there is, and schedules its repair where that is wanted.
    pub fn schedule(self, slice: &'static str) -> Option<Schedule> {
        let weekly = self.weekly?;
        let mut schedule = Schedule::new(weekly.job, weekly.cron, move |connection| {
            Box::pin(async move {
                let found = (self.drift)(&mut *connection, None).await?;
                told(connection, slice, weekly.timer, &found).await
            })
        });
        schedule.statement_timeout = Duration::from_hours(1);
        Some(schedule)
    }

    /// What runs the timers of the slice's weekly job: one guild at a time. Running one twice mends nothing twice.
    pub fn handlers(self, slice: &'static str, pool: &PgPool) -> Handlers {
        let Some(weekly) = self.weekly else { return Handlers::new() };
        let pool = pool.clone();
        let settings = LeaseSettings { concurrency: 1, ..LeaseSettings::default() };
        Handlers::new().leased(Repair::kind(weekly.timer), settings, move |due: Due<Repair>, _| {
            let pool = pool.clone();
            async move {
                let guild = due.guild()?;
                let here = Origin::default();
                let mended = (weekly.repair)(&pool, guild, Author::new(By::System, &here)).await;
                let mended = mended.map_err(|error| match error {
                    JobError::Database(error) => TimerError::from(error),
                    JobError::Failed(why) => TimerError::Retry(why),
                })?;
                count(slice, guild, &mended);
                Ok(())
            }
        })
    }
}

/// Says which figures of a slice differ from their journals, guild by guild, and schedules repairs where they are wanted. Answers what
/// the job found.
async fn told(
    conn: &mut PgConnection,
    slice: &'static str,
    timer: &'static str,
    found: &[Figure],
) -> Result<Value, JobError> {
    let mut guilds: BTreeMap<GuildId, Vec<&Figure>> = BTreeMap::new();
    for figure in found {
        guilds.entry(figure.guild_id).or_default().push(figure);
    }
    let mut mending = Vec::new();
    for (guild, figures) in guilds {
        let settings: AuditSettings = settings_read(&mut *conn, Some(guild)).await?;
        tracing::warn!(
            slice,
            %guild,
            figures = figures.len(),
            first = ?figures.first(),
            mending = settings.weekly_repair,
            "figures differ from their journals; see `questhall audit`"
        );
        if settings.weekly_repair {
            Repair::kind(timer).schedule(&mut *conn, Some(guild), At::Now, &Repair {}).await?;
            mending.push(guild);
        }
    }
    let examples: Vec<&Figure> = found.iter().take(20).collect();
    Ok(json!({ "drift": found.len(), "mending": mending, "examples": examples }))
}

/// Counts and logs what was mended of a slice in a guild.
fn count(slice: &'static str, guild: GuildId, mended: &[Figure]) {
    let Some(first) = mended.first() else { return };
    metrics::counter!("questhall_audit_mended_total", "slice" => slice)
        .increment(u64::try_from(mended.len()).unwrap_or(u64::MAX));
    tracing::warn!(slice, %guild, figures = mended.len(), ?first, "figures were brought back to their journals");
}
