//! What may be typed. Slices with many commands have theirs beside what these do, in [`crate::commands`].

mod access;
#[cfg(test)]
mod slices;
mod webhook;

use std::{net::SocketAddr, path::PathBuf};

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use kernel::GuildId;

pub(crate) use self::access::{AdminCommand, AuditLogArgs, KeyCommand, RoleCommand, SettingsCommand};
pub(crate) use self::webhook::{SecretsCommand, WebhookCommand};

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 the answer is no (a campaign with mistakes, drift, something missing, migrations to apply) · \
2 the command line is wrong · 3 something could not be set up or reached (settings, database, folder, port) · \
4 refused (no such thing, or not in its present state) · 5 a mistake of Questhall's own

Settings come from questhall.toml, from QUESTHALL_* variables (QUESTHALL_HTTP__LISTEN is http.listen), from DATABASE_URL \
and from the options here, each stronger than the one before. See docs/operators-guide.md.";

/// Campaigns of coding challenges for your community, in one process.
#[derive(Debug, Parser)]
#[command(name = "questhall", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Settings file [default: questhall.toml, where there is one].
    #[arg(long, global = true, value_name = "FILE", env = "QUESTHALL_CONFIG", help_heading = "Settings")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the private PostgreSQL [default: /var/lib/questhall for root, else ~/.local/share/questhall].
    #[arg(long, global = true, value_name = "DIR", help_heading = "Settings")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Use this database instead of a private one: `postgres://user@host/name`.
    #[arg(long, global = true, value_name = "URL", help_heading = "Settings")]
    pub(crate) database_url: Option<String>,
    /// Any other setting, such as `--set http.listen=0.0.0.0:8080`; may be repeated.
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = setting, help_heading = "Settings")]
    pub(crate) set: Vec<(String, String)>,
    /// Answer in JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring up everything in one process: database, migrations, API, timers.
    Up(UpArgs),
    /// Run some roles of a node beside others, on a database that is there and migrated.
    Serve(ServeArgs),
    /// The database's schema.
    Db {
        #[command(subcommand)]
        command: DbCommand,
    },
    /// Campaigns: as folders (check, import, export), and through their life (publish, start, close, claim, cancel).
    Campaign {
        #[command(subcommand)]
        command: crate::commands::campaign::CampaignCommand,
    },
    /// Take events from a file into a guild's lake: a JSON object a line. Run it again after an interruption: each counts once.
    Ingest(IngestArgs),
    /// Write made-up events that look like a real community's, a JSON object a line.
    GenerateEvents(GenerateArgs),
    /// API keys.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Who may do what in a guild.
    Role {
        #[command(subcommand)]
        command: RoleCommand,
    },
    /// Local administrators, who sign in with a password in development.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// What administrators changed, newest first.
    AuditLog(AuditLogArgs),
    /// What administrators choose while it runs; see docs/settings.md.
    Settings {
        #[command(subcommand)]
        command: SettingsCommand,
    },
    /// Webhooks of a guild.
    Webhook {
        #[command(subcommand)]
        command: WebhookCommand,
    },
    /// The key that seals the secrets in the database.
    Secrets {
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// Bytes of a guild: balances, payments, rules, reports.
    Economy {
        #[command(subcommand)]
        command: crate::commands::economy::EconomyCommand,
    },
    /// Squads of a guild, and who is in them.
    Squad {
        #[command(subcommand)]
        command: crate::commands::squad::SquadCommand,
    },
    /// Moderation of a guild: cases, rules of automod, appeals, raids, what failed on Discord.
    Mod {
        #[command(subcommand)]
        command: crate::commands::moderation::ModCommand,
    },
    /// Members of a guild: profiles, leaderboard, activity; copies and deletion on request; XP from another bot.
    Member {
        #[command(subcommand)]
        command: crate::commands::member::MemberCommand,
    },
    /// A guild's event lake: what is in it, why an event earned what it did, how it fares.
    Lake {
        #[command(subcommand)]
        command: crate::commands::lake::LakeCommand,
    },
    /// Seasons of a guild: make, change, roll over; archived standings.
    Season {
        #[command(subcommand)]
        command: crate::commands::season::SeasonCommand,
    },
    /// Categories of channels, and what interactions in them are worth.
    Category {
        #[command(subcommand)]
        command: crate::commands::category::CategoryCommand,
    },
    /// Timed multipliers, such as a double-XP weekend.
    Multiplier {
        #[command(subcommand)]
        command: crate::commands::multiplier::MultiplierCommand,
    },
    /// Achievements: make, change, grant, revoke.
    Achievement {
        #[command(subcommand)]
        command: crate::commands::achievement::AchievementCommand,
    },
    /// The quest board.
    Board {
        #[command(subcommand)]
        command: crate::commands::board::BoardCommand,
    },
    /// The shop and what was bought.
    Shop {
        #[command(subcommand)]
        command: crate::commands::shop::ShopCommand,
    },
    /// Give members XP, gold and stars, or take them.
    Award {
        #[command(subcommand)]
        command: crate::commands::award::AwardCommand,
    },
    /// Announcements: the queue, the channels, and your own words.
    Announcement {
        #[command(subcommand)]
        command: crate::commands::announcement::AnnouncementCommand,
    },
    /// Skills and what builds on what.
    Skill {
        #[command(subcommand)]
        command: crate::commands::skill::SkillCommand,
    },
    /// Learning paths as folders: begin one, check, try, import and export; and a list of what is there.
    Path {
        #[command(subcommand)]
        command: crate::commands::path::PathCommand,
    },
    /// What comes of learning when it is counted: figures of quests, steps and questions.
    Insight {
        #[command(subcommand)]
        command: crate::commands::insight::InsightCommand,
    },
    /// Credentials for what members completed: badges, what was issued, revoking, signing keys.
    Credential {
        #[command(subcommand)]
        command: crate::commands::credential::CredentialCommand,
    },
    /// Find quests and paths of a guild by words, and by meaning where there is a model.
    Search(crate::commands::search::SearchCommand),
    /// How well recommending what to learn would have done, on a record of learners or on simulated ones.
    Recommend {
        #[command(subcommand)]
        command: crate::commands::recommend::RecommendCommand,
    },
    /// What learners hand in, for those who grade: list, claim, judge, extend.
    Assessment {
        #[command(subcommand)]
        command: crate::commands::assessment::AssessmentCommand,
    },
    /// Re-derive balances, XP, points and standings from their journals, and report what differs.
    Audit(AuditArgs),
    /// Print the API's OpenAPI document.
    Openapi(OpenapiArgs),
    /// Say what is missing on this machine, and how to mend it.
    Doctor,
    /// Measure Questhall's speed on this machine, each figure beside the limit of the same run.
    Bench(bench::Args),
    /// Print a completion script for a shell.
    Completions {
        /// bash, elvish, fish, powershell or zsh.
        shell: clap_complete::Shell,
    },
    /// Print the version, and that of the schema.
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Set up a small running campaign with players in it, and go on playing.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Address to listen on [default: 127.0.0.1:8080]; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// What this node does: `http`, `worker`, `scheduler`, or several with commas [default: all].
    #[arg(long, value_name = "ROLES")]
    pub(crate) roles: Option<String>,
    /// Address to listen on [default: 127.0.0.1:8080]; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Apply the migrations that are missing. Any number of nodes may do so at once.
    Migrate,
    /// List the migrations; exit code 1 when some are missing.
    Status,
    /// Print the SQL that lets a role run nodes without owning anything; for the owner to run, again after every upgrade.
    Grants {
        /// The role, which is there already.
        role: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// The file; `-` reads standard input.
    pub(crate) file: PathBuf,
    /// The guild in which it happened.
    #[arg(long)]
    pub(crate) guild: GuildId,
    /// How many of the refused lines are told.
    #[arg(long, default_value_t = 20)]
    pub(crate) show: usize,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// How many events.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: usize,
    /// How many members.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) members: usize,
    /// How many channels; a tenth as many for voice.
    #[arg(long, default_value_t = 60)]
    pub(crate) channels: usize,
    /// What decides everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// When the first event happens [default: so many days ago].
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Days over which the events are spread.
    #[arg(long, default_value_t = 30)]
    pub(crate) days: u16,
    /// Write them here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only this guild.
    #[arg(long)]
    pub(crate) guild: Option<GuildId>,
    /// Bring what members, seasons, counters, balances, totals, streaks and squads have drifted back to the journals, while
    /// everything goes on, and readers of the outbox that a restored dump left in another cluster's future to here; other slices' drift is only reported.
    #[arg(long)]
    pub(crate) repair: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OpenapiArgs {
    /// Write it here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
