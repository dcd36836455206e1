//! `questhall member`: members of a guild, what they earned, and their rights to a copy and to be forgotten.

use std::path::PathBuf;

use access::personal::Keepers;
use access::{By, Origin};
use chrono::NaiveDate;
use clap::Subcommand;
use kernel::{PageQuery, Problem, UserId};
use lake::days::{self, DayFigures, DayQuery};
use people::{Member, MemberEdit, names, ops, preferences, privacy};
use progress::activity::{self, Activity, ActivityQuery};
use progress::ids::SeasonId;
use progress::leaderboard::{self, LeaderboardQuery, Placed};
use progress::member_seasons::{self, MemberSeason};
use progress::{Event, Profile, profile};
use sqlx::PgPool;

use super::import_xp::{ImportXpArgs, import_xp};
use super::operator::pages;
use crate::{
    args::{Global, Guild},
    failure::{Code, Failure, OrFail},
    screen::{Screen, counted, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// List members by id, those who left included.
    List {
        #[command(flatten)]
        guild: Guild,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show a member: XP, level, rank, gold, stars.
    Show {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
    },
    /// Add a member, or change what is known of one.
    Put {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
        /// Their name.
        #[arg(long)]
        name: Option<String>,
        /// Whether it is a bot: bots earn nothing.
        #[arg(long, value_name = "true|false")]
        bot: Option<bool>,
    },
    /// The leaderboard: of all time by XP, or of a season by stars.
    Leaderboard {
        #[command(flatten)]
        guild: Guild,
        /// Of this season, as `season list` shows it.
        #[arg(long, value_name = "ID")]
        season: Option<SeasonId>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// What a member did in each season, the latest first.
    Seasons {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
        /// How many seasons.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// The journal of XP, stars and gold, newest first: a member's, or the guild's.
    Activity {
        #[command(flatten)]
        guild: Guild,
        /// The member; left out, everybody.
        user: Option<UserId>,
        /// Only of this kind, such as `LEVEL_UP`; of `MESSAGE` and what else events bring, a member's only.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<Event>,
        /// How many entries.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// XP, stars and events day by day: a member's, or the guild's.
    Days {
        #[command(flatten)]
        guild: Guild,
        /// The member; left out, everybody.
        user: Option<UserId>,
        /// The first UTC day [default: 29 days before the last].
        #[arg(long)]
        from: Option<NaiveDate>,
        /// The last UTC day [default: today].
        #[arg(long)]
        to: Option<NaiveDate>,
    },
    /// Names of members, also of those who left.
    Names {
        #[command(flatten)]
        guild: Guild,
        /// The members, 200 at most.
        #[arg(required = true)]
        users: Vec<UserId>,
    },
    /// What is announced about a member; with options, change it.
    Preferences {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
        /// Levels they reach.
        #[arg(long, value_name = "true|false")]
        level_ups: Option<bool>,
        /// Achievements they earn.
        #[arg(long, value_name = "true|false")]
        achievements: Option<bool>,
        /// Awards they are given.
        #[arg(long, value_name = "true|false")]
        awards: Option<bool>,
        /// In which language they read what is there in several: de, pt-BR; `none` leaves it to their program.
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
    },
    /// Copy all that is known of a member, as JSON; written to the audit log.
    Export {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
        /// Write it here instead of to standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Forget a member who asks for it; there is no way back. Written to the audit log.
    Erase {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
        /// Why, for the audit log.
        #[arg(long)]
        reason: String,
    },
    /// Import XP from another bot's file, such as MEE6's; the same file again changes nothing.
    Import(ImportXpArgs),
}

pub(crate) async fn run(global: &Global, command: &MemberCommand, screen: &Screen) -> Result<(), Failure> {
    if let MemberCommand::Import(args) = command {
        return import_xp(global, args, screen).await;
    }
    setup::log_quietly();
    setup::with_database(global, async |database| carry_out(database.pool(), command, screen).await).await
}

async fn carry_out(pool: &PgPool, command: &MemberCommand, screen: &Screen) -> Result<(), Failure> {
    use MemberCommand as C;
    match command {
        C::List { guild, limit } => {
            let rows = pages(*limit, async |page| ops::member_list(pool, guild.id, &page).await).await?;
            screen.answer(&rows, |rows| listed(rows))
        }
        C::Show { guild, user } => {
            let profile = profile::member_profile(pool, guild.id, *user).await.map_err(Problem::from)?;
            screen.answer(&profile, shown)
        }
        C::Put { guild, user, name, bot } => {
            let edit = MemberEdit { name: name.clone(), is_bot: *bot, ..MemberEdit::default() };
            let origin = Origin::default();
            ops::member_put(pool, guild.id, *user, &edit, By::Cli, &origin).await.map_err(Problem::from)?;
            let profile = profile::member_profile(pool, guild.id, *user).await.map_err(Problem::from)?;
            screen.answer(&profile, shown)
        }
        C::Leaderboard { guild, season, limit } => {
            let rows = pages(*limit, async |PageQuery { limit, cursor }| {
                let query = LeaderboardQuery { season_id: *season, limit, cursor };
                leaderboard::leaderboard(pool, guild.id, &query).await
            });
            screen.answer(&rows.await?, |rows| placed(rows))
        }
        C::Seasons { guild, user, limit } => {
            let rows = pages(*limit, async |page| {
                member_seasons::member_seasons(pool, guild.id, *user, &page).await
            })
            .await?;
            screen.answer(&rows, |rows| seasons(rows))
        }
        C::Activity { guild, user, kind, limit } => {
            let rows = pages(*limit, async |PageQuery { limit, cursor }| {
                let query = ActivityQuery { event_type: *kind, limit, cursor };
                activity::activity(pool, guild.id, *user, &query).await
            })
            .await?;
            screen.answer(&rows, |rows| journal(rows))
        }
        C::Days { guild, user, from, to } => {
            let days = days::days(pool, guild.id, *user, &DayQuery { from: *from, to: *to }).await?;
            screen.answer(&days, |days| chart(days))
        }
        C::Names { guild, users } => {
            let names = names::names(pool, guild.id, users).await?;
            screen.answer(&names, |names| {
                table(["member", "name"], names.iter().map(|one| [one.user_id.to_string(), one.name.clone()]))
            })
        }
        C::Preferences { guild, user, level_ups, achievements, awards, language } => {
            let (id, user) = (guild.id, *user);
            let mut wanted = preferences::preferences_get(pool, id, user).await.map_err(Problem::from)?;
            if level_ups.is_some() || achievements.is_some() || awards.is_some() || language.is_some() {
                wanted.announce_level_up = level_ups.unwrap_or(wanted.announce_level_up);
                wanted.announce_achievements = achievements.unwrap_or(wanted.announce_achievements);
                wanted.announce_awards = awards.unwrap_or(wanted.announce_awards);
                if let Some(language) = language {
                    wanted.language = (language != "none").then(|| language.clone());
                }
                wanted = preferences::preferences_put(pool, id, user, wanted).await.map_err(Problem::from)?;
            }
            screen.answer(&wanted, |wanted| {
                let said = |yes: bool| if yes { "announced" } else { "not announced" }.to_owned();
                table(
                    ["what", "is"],
                    [
                        ["level-ups".to_owned(), said(wanted.announce_level_up)],
                        ["achievements".to_owned(), said(wanted.announce_achievements)],
                        ["awards".to_owned(), said(wanted.announce_awards)],
                        ["language".to_owned(), wanted.language.clone().unwrap_or_else(|| "-".to_owned())],
                    ],
                )
            })
        }
        C::Export { guild, user, out } => {
            let copy =
                privacy::member_export(pool, &keepers(), guild.id, *user, By::Cli, &Origin::default()).await;
            let text = serde_json::to_string_pretty(&copy.map_err(Problem::from)?)
                .map_err(|error| Failure::new(Code::Internal, format!("the copy is no JSON: {error}")))?;
            let Some(path) = out else { return screen.print(&text) };
            std::fs::write(path, text).or_fail(Code::Unavailable)?;
            screen.answer(&serde_json::json!({ "file": path }), |_| {
                format!("All that is known of them is in {}.", path.display())
            })
        }
        C::Erase { guild, user, reason } => {
            let origin = Origin::default();
            let gone =
                privacy::member_erase(pool, &keepers(), guild.id, *user, reason, By::Cli, &origin).await;
            screen.answer(&gone.map_err(Problem::from)?, |gone| {
                let person =
                    if gone.person { "" } else { " They are in other guilds, where nothing changed." };
                format!("They are forgotten, with {} of theirs.{person}", counted(gone.rows, "row"))
            })
        }
        C::Import(_) => Ok(()),
    }
}

/// What every slice keeps of members.
fn keepers() -> Keepers {
    Keepers::of(server::SLICES)
}

fn listed(rows: &[Member]) -> String {
    table(
        ["member", "name", "level", "xp", "gold", "stars", "joined", "left"],
        rows.iter().map(|row| {
            [
                row.user_id.to_string(),
                row.name.clone() + if row.is_bot { " (bot)" } else { "" },
                row.level.to_string(),
                row.xp.to_string(),
                row.gold.to_string(),
                row.stars.to_string(),
                row.joined_at.format("%Y-%m-%d").to_string(),
                row.left_at.map_or_else(|| "-".to_owned(), |at| at.format("%Y-%m-%d").to_string()),
            ]
        }),
    )
}

fn shown(profile: &Profile) -> String {
    let Profile { member, rank, level_xp, next_level_xp } = profile;
    let left = next_level_xp.map(|next| next - member.xp.get());
    let mut rows = vec![
        ["member", &member.user_id.to_string()].map(str::to_owned),
        ["name".to_owned(), member.name.clone() + if member.is_bot { " (bot)" } else { "" }],
        ["rank".to_owned(), rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string())],
        ["xp".to_owned(), member.xp.to_string()],
        ["level".to_owned(), format!("{}, since {level_xp} XP", member.level)],
        ["to the next".to_owned(), left.map_or_else(|| "-".to_owned(), |left| format!("{left} XP"))],
        ["gold".to_owned(), member.gold.to_string()],
        ["stars".to_owned(), member.stars.to_string()],
        ["joined".to_owned(), member.joined_at.format("%Y-%m-%d %H:%M:%S").to_string()],
    ];
    rows.extend(member.left_at.map(|at| ["left".to_owned(), at.format("%Y-%m-%d %H:%M:%S").to_string()]));
    table(["figure", "value"], rows)
}

fn placed(rows: &[Placed]) -> String {
    table(
        ["rank", "member", "name", "level", "xp", "stars"],
        rows.iter().map(|row| {
            [
                row.rank.to_string(),
                row.user_id.to_string(),
                row.name.clone(),
                row.level.to_string(),
                row.xp.to_string(),
                row.stars.to_string(),
            ]
        }),
    )
}

fn seasons(rows: &[MemberSeason]) -> String {
    table(
        [
            "season", "name", "until", "rank", "xp", "stars", "messages", "given", "received", "threads",
            "voice",
        ],
        rows.iter().map(|row| {
            [
                row.season_id.to_string(),
                row.name.clone(),
                row.ends_at.format("%Y-%m-%d %H:%M").to_string(),
                row.rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string()),
                row.season_xp.to_string(),
                row.season_stars.to_string(),
                row.messages_sent.to_string(),
                row.reactions_given.to_string(),
                row.reactions_received.to_string(),
                row.threads_created.to_string(),
                format!("{} min", row.voice_minutes),
            ]
        }),
    )
}

/// What an entry of the journal is about, as far as its metadata says.
fn what(row: &Activity) -> String {
    let told = &row.metadata;
    if let Some(level) = told["level"].as_i64() {
        return format!("level {level}");
    }
    let text = ["name", "title", "item", "reason"].into_iter().find_map(|key| told[key].as_str());
    let shown: String = text.unwrap_or("-").chars().take(40).collect();
    shown
}

fn journal(rows: &[Activity]) -> String {
    table(
        ["at", "member", "for", "xp", "stars", "gold", "what", "source", "cause"],
        rows.iter().map(|row| {
            [
                row.timestamp.format("%Y-%m-%d %H:%M:%S").to_string(),
                row.user_id.to_string(),
                row.event_type.clone(),
                row.xp.to_string(),
                row.stars.to_string(),
                row.gold.to_string(),
                what(row),
                row.source_system.clone(),
                row.source_event_id.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        }),
    )
}

fn chart(days: &[DayFigures]) -> String {
    table(
        ["day", "xp", "stars", "events"],
        days.iter().map(|day| {
            let events = day.events.iter().map(|(kind, count)| format!("{kind} {count}"));
            [
                day.day.to_string(),
                day.xp.to_string(),
                day.stars.to_string(),
                events.collect::<Vec<_>>().join(", "),
            ]
        }),
    )
}
