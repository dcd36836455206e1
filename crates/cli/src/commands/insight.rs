//! `questhall insight`: what comes of learning when it is counted.

use std::fmt::Write as _;
use std::io::Write as _;

use chrono::{Days, NaiveDate};
use clap::Subcommand;
use futures::TryStreamExt as _;
use insight::rules::estimate::Estimate;
use insight::{csv, ops};
use learning::ids::QuestId;

use crate::{
    args::{Global, Guild},
    failure::{Code, Failure, OrFail},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum InsightCommand {
    /// Count what has happened since it was last counted; it happens by itself, too.
    Count {
        #[command(flatten)]
        guild: Guild,
        /// Everything again, from the first event on.
        #[arg(long)]
        all: bool,
    },
    /// A quest, version by version: who completes it, who gives up and where.
    Quest {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: QuestId,
    },
    /// A quest's questions: how many are right, and which keys may be wrong.
    Items {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: QuestId,
    },
    /// Figures by quest and day, as CSV.
    Days {
        #[command(flatten)]
        guild: Guild,
        /// The first day; 90 days before the last unless told.
        #[arg(long)]
        from: Option<NaiveDate>,
        /// The last day; today, UTC, unless told.
        #[arg(long)]
        until: Option<NaiveDate>,
        /// Only this quest's.
        #[arg(long)]
        quest: Option<QuestId>,
    },
}

/// A share with its interval.
fn percent(one: &Estimate) -> String {
    let text = |value: f64| format!("{:.0}", value * 100.0);
    match (one.value, one.low, one.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("{} % ({}–{}) of {}", text(value), text(low), text(high), one.n)
        }
        (Some(value), ..) => format!("{} % of {}", text(value), one.n),
        _ => format!("– of {}", one.n),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}

/// A word of the API's, as it stands there.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
        .replace('_', " ")
}

pub(crate) async fn run(global: &Global, command: &InsightCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| {
        let pool = database.pool();
        match command {
            InsightCommand::Count { guild, all } => {
                let counted = if *all {
                    ops::guild_recount(pool, guild.id).await?
                } else {
                    ops::guild_count(pool, guild.id).await?
                };
                screen.answer(&counted, |counted| {
                    format!(
                        "{} events folded, {} first tries taken; figures made of {} days, {} quests, {} steps.",
                        counted.events, counted.first_tries, counted.days, counted.quests, counted.subjects
                    )
                })
            }
            InsightCommand::Quest { guild, quest } => {
                let figures = ops::quest_figures(pool, guild.id, *quest).await?;
                screen.answer(&figures, |figures| {
                    let mut text = figures.title.clone();
                    for version in &figures.versions {
                        let _ = write!(text,
                            "\n\nVersion {}: completed {}, {} under way, median {} minutes.\n",
                            version.version,
                            percent(&version.completion),
                            version.under_way,
                            number(version.median_minutes.value)
                        );
                        let rows = version.steps.iter().map(|step| {
                            [
                                step.place.to_string(),
                                step.title.clone(),
                                step.reached.to_string(),
                                percent(&step.done),
                                percent(&step.left),
                                percent(&step.survival),
                                number(step.difficulty),
                            ]
                        });
                        text.push_str(&table(
                            ["", "step", "reached", "done", "given up here", "still there", "difficulty"],
                            rows,
                        ));
                    }
                    if let Some(change) = &figures.change {
                        let _ = write!(text,
                            "\nVersion {} beside {}: {}.",
                            change.to,
                            change.from,
                            word(change.verdict)
                        );
                    }
                    text
                })
            }
            InsightCommand::Items { guild, quest } => {
                let items = ops::item_list(pool, guild.id, *quest).await?;
                screen.answer(&items, |items| {
                    let rows = items.iter().map(|one| {
                        [
                            one.subject.clone().unwrap_or_default(),
                            one.item.clone(),
                            percent(&one.facility),
                            number(one.discrimination.value),
                            number(one.upper_lower),
                            word(one.verdict),
                        ]
                    });
                    table(["step", "question", "right", "discrimination", "best − worst", "verdict"], rows)
                })
            }
            InsightCommand::Days { guild, from, until, quest } => {
                let until = match until {
                    Some(until) => *until,
                    None => db::now(&mut *db::acquire(pool).await?).await?.date_naive(),
                };
                let from = from.or_else(|| until.checked_sub_days(Days::new(90))).unwrap_or(until);
                let mut lines = std::pin::pin!(csv::days(pool.clone(), guild.id, *quest, (from, until)));
                let mut out = std::io::stdout();
                while let Some(chunk) = lines.try_next().await? {
                    out.write_all(chunk.as_bytes()).or_fail(Code::Unavailable)?;
                }
                Ok(())
            }
        }
    })
    .await
}
