//! `questhall lake`: what is in a guild's lake, why it earned what it did, and how the lake fares.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use kernel::{ChannelId, PageQuery, Problem, UserId};
use lake::browse::{self, Explained, ExplainedReward, LakeEvent, LakeHealth, LakeQuery};
use progress::EventType;
use progress::rewards::{Explanation, Why};
use sqlx::PgPool;

use super::operator::pages;
use crate::{
    args::{Global, Guild},
    failure::Failure,
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum LakeCommand {
    /// Events, newest first; each filter narrows them down.
    Events {
        #[command(flatten)]
        guild: Guild,
        /// Only of this type, such as `message_create`.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<EventType>,
        /// Only by this member.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
        /// Only in this channel.
        #[arg(long, value_name = "ID")]
        channel: Option<ChannelId>,
        /// Not before this time, such as 2026-12-01T00:00:00Z [default: 90 days ago].
        #[arg(long, value_name = "TIME")]
        since: Option<DateTime<Utc>>,
        /// Before this time.
        #[arg(long, value_name = "TIME")]
        until: Option<DateTime<Utc>>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Why did this event earn what it earned? Step by step, as it was written down at the time.
    Explain {
        #[command(flatten)]
        guild: Guild,
        /// The event's `source_id`, as `lake events` shows it.
        source: String,
    },
    /// How the lake fares: events by day, size by month, and how large it will become.
    Health {
        #[command(flatten)]
        guild: Guild,
    },
}

pub(crate) async fn run(global: &Global, command: &LakeCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| carry_out(database.pool(), command, screen).await).await
}

async fn carry_out(pool: &PgPool, command: &LakeCommand, screen: &Screen) -> Result<(), Failure> {
    match command {
        LakeCommand::Events { guild, kind, user, channel, since, until, limit } => {
            let rows = pages(*limit, async |PageQuery { limit, cursor }| {
                let query = LakeQuery {
                    event_type: *kind,
                    user_id: *user,
                    channel_id: *channel,
                    since: *since,
                    until: *until,
                    limit,
                    cursor,
                };
                browse::events(pool, guild.id, &query).await
            });
            screen.answer(&rows.await?, |rows| listed(rows))
        }
        LakeCommand::Explain { guild, source } => {
            let explained = browse::explain(pool, guild.id, source).await.map_err(Problem::from)?;
            screen.answer(&explained, told)
        }
        LakeCommand::Health { guild } => {
            let health = browse::health(pool, guild.id).await.map_err(Problem::from)?;
            screen.answer(&health, fares)
        }
    }
}

fn listed(rows: &[LakeEvent]) -> String {
    let id = |id: Option<String>| id.unwrap_or_else(|| "-".to_owned());
    table(
        ["at", "type", "member", "channel", "to", "source", "earned nothing by"],
        rows.iter().map(|row| {
            [
                row.timestamp.format("%Y-%m-%d %H:%M:%S").to_string(),
                row.event_type.clone(),
                row.user_id.to_string(),
                id(row.channel_id.map(|channel| channel.to_string())),
                id(row.target_id.map(|target| target.to_string())),
                id(row.source_id.clone()),
                id(row.refused.clone()),
            ]
        }),
    )
}

/// An event, and each reward from its base to the result.
fn told(explained: &Explained) -> String {
    let LakeEvent { event_type, user_id, channel_id, timestamp, .. } = &explained.event;
    let place = channel_id.map_or_else(String::new, |channel| format!(" in channel {channel}"));
    let mut text = format!("{event_type} by {user_id}{place} at {}", timestamp.format("%Y-%m-%d %H:%M:%S"));
    if let Some(reason) = explained.refused {
        let _ = write!(text, "\nIt earned nothing. {reason}");
    }
    if event_type.parse().is_ok_and(EventType::is_voice) && !explained.rewards.is_empty() {
        text.push_str(&stay(&explained.rewards));
        return text;
    }
    for reward in &explained.rewards {
        let ExplainedReward { user_id, event_type, xp, stars, base_xp, base_stars, steps, .. } = reward;
        let noun = if *stars == 1 { "star" } else { "stars" };
        let _ = writeln!(text, "\n\n{event_type}: {user_id} earned {xp} XP, {stars} {noun}");
        let mut rows = vec![[base_xp.to_string(), base_stars.to_string(), "To begin with.".to_owned()]];
        rows.extend(steps.iter().map(|step| {
            let [xp, stars] = factors(step);
            let name = step.name.as_deref().map_or_else(String::new, |name| format!(" ({name})"));
            [xp, stars, format!("{}{name}", step.reason)]
        }));
        rows.push([
            format!("= {xp}"),
            format!("= {stars}"),
            "Rounded to the nearest whole number.".to_owned(),
        ]);
        text.push_str(&table(["xp", "stars", "why"], rows));
    }
    text
}

/// The ticks of a stay in voice, a line each.
fn stay(ticks: &[ExplainedReward]) -> String {
    let (xp, stars) = ticks
        .iter()
        .fold((0i64, 0i64), |(xp, stars), tick| (xp + i64::from(tick.xp), stars + i64::from(tick.stars)));
    let rows = ticks.iter().map(|tick| {
        let steps = tick.steps.iter().map(|step| {
            let [xp, stars] = factors(step);
            let what = step.name.as_deref().unwrap_or(step.reason);
            match (xp.as_str(), stars.as_str()) {
                (xp, "") => format!("XP {xp} ({what})"),
                ("", stars) => format!("stars {stars} ({what})"),
                (xp, stars) => format!("XP {xp}, stars {stars} ({what})"),
            }
        });
        [
            tick.timestamp.format("%Y-%m-%d %H:%M:%S").to_string(),
            tick.xp.to_string(),
            tick.stars.to_string(),
            steps.collect::<Vec<_>>().join(", "),
        ]
    });
    let rows = table(["tick at", "xp", "stars", "multiplied by"], rows);
    format!("\nThe stay brought {xp} XP and {stars} stars, in {} ticks:\n\n{rows}", ticks.len())
}

/// What a step does to XP and to stars; empty where it leaves them alone.
fn factors(step: &Explanation) -> [String; 2] {
    let cap = step.why == Why::Burst;
    let xp = step.xp.map_or_else(String::new, |xp| if cap { format!("≤ {xp}") } else { format!("× {xp}") });
    [xp, step.stars.map_or_else(String::new, |stars| format!("× {stars}"))]
}

fn fares(health: &LakeHealth) -> String {
    let days = table(
        ["day", "type", "events"],
        health.days.iter().map(|day| [day.day.to_string(), day.event_type.clone(), day.events.to_string()]),
    );
    let months = table(
        ["month", "events (all guilds)", "size"],
        health.months.iter().map(|month| {
            [month.starts_at.format("%Y-%m").to_string(), month.events.to_string(), size(month.bytes)]
        }),
    );
    let off: Vec<&str> = health.switched_off.iter().map(|kind| kind.as_str()).collect();
    let rows = [
        [
            "newest event".to_owned(),
            health.newest.map_or_else(|| "-".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string()),
        ],
        ["in 24 hours".to_owned(), health.last_day.to_string()],
        ["kept for".to_owned(), format!("{} days", health.retention_days)],
        ["switched off".to_owned(), if off.is_empty() { "none".to_owned() } else { off.join(", ") }],
        ["size, all guilds".to_owned(), size(health.bytes)],
        ["an event takes".to_owned(), size(health.bytes_per_event)],
        ["will take".to_owned(), format!("{} at the pace of the last week", size(health.projected_bytes))],
    ];
    format!("{}\n\n{months}\n\n{days}", table(["figure", "seen"], rows))
}

/// Bytes as people read them.
fn size(bytes: i64) -> String {
    const STEP: i64 = 1_024;
    let (mut value, mut rest, mut unit) = (bytes, 0, 0);
    while value >= STEP && unit < 4 {
        rest = value % STEP * 10 / STEP;
        value /= STEP;
        unit += 1;
    }
    let name = ["B", "KiB", "MiB", "GiB", "TiB"][unit];
    if unit == 0 { format!("{value} {name}") } else { format!("{value}.{rest} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1_023), "1023 B");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(size(5 << 30), "5.0 GiB");
        assert_eq!(size(i64::MAX), "8388607.9 TiB");
    }
}
