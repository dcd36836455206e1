//! The weekly audit: it looks for drift everywhere, and has each guild's mended unless the guild wants to be told only.
//!
//! Looking is a periodic job and mending is not: a guild's events wait while it is mended, and a guild at a time is enough. So the
//! job schedules a durable timer for each guild that drifted; whatever dies meanwhile, another node goes on. Every slice that keeps
//! figures beside a journal has such an audit; they report by [`told`] and heed one setting.

use std::collections::BTreeMap;
use std::fmt;

use jobs::schedule::JobError;
use jobs::timers::{self, At, NewTimer};
use kernel::GuildId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::settings::{Field, Group, settings_read};

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

/// Says which figures of a slice differ from their journals, guild by guild, and schedules the slice's repairs, timers of the kind
/// `timer`, where they are wanted. Answers what the job found.
pub async fn told<D: fmt::Debug + Serialize + Sync>(
    conn: &mut PgConnection,
    slice: &'static str,
    timer: &'static str,
    found: &[D],
    guild_of: impl Fn(&D) -> GuildId,
) -> Result<Value, JobError> {
    let mut guilds: BTreeMap<GuildId, Vec<&D>> = BTreeMap::new();
    for drift in found {
        guilds.entry(guild_of(drift)).or_default().push(drift);
    }
    let mut mending = Vec::new();
    for (guild, drifts) in guilds {
        let settings: AuditSettings = settings_read(&mut *conn, Some(guild)).await?;
        tracing::warn!(
            slice,
            %guild,
            figures = drifts.len(),
            first = ?drifts.first(),
            mending = settings.weekly_repair,
            "figures differ from their journals; see `questhall audit`"
        );
        if settings.weekly_repair {
            let timer = NewTimer {
                kind: timer,
                guild_id: Some(guild),
                dedupe_key: Some(guild.to_string()),
                at: At::Now,
                payload: json!({}),
            };
            timers::schedule(&mut *conn, timer).await?;
            mending.push(guild);
        }
    }
    let examples: Vec<&D> = found.iter().take(20).collect();
    Ok(json!({ "drift": found.len(), "mending": mending, "examples": examples }))
}

/// Counts and logs what was mended of a slice in a guild.
pub fn mended<D: fmt::Debug>(slice: &'static str, guild: GuildId, drifts: &[D]) {
    let Some(first) = drifts.first() else { return };
    metrics::counter!("questhall_audit_mended_total", "slice" => slice)
        .increment(u64::try_from(drifts.len()).unwrap_or(u64::MAX));
    tracing::warn!(slice, %guild, figures = drifts.len(), ?first, "figures were brought back to their journals");
}
