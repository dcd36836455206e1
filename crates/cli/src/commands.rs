//! What may be typed, and a file per command: what it takes beside what it does.

pub(crate) mod achievement;
pub(crate) mod admin;
pub(crate) mod announcement;
pub(crate) mod assessment;
pub(crate) mod audit;
pub(crate) mod audit_log;
pub(crate) mod award;
pub(crate) mod bench;
pub(crate) mod board;
pub(crate) mod campaign;
pub(crate) mod category;
pub(crate) mod completions;
pub(crate) mod credential;
pub(crate) mod db;
pub(crate) mod discord;
pub(crate) mod doctor;
pub(crate) mod economy;
pub(crate) mod generate_events;
pub(crate) mod ingest;
pub(crate) mod insight;
pub(crate) mod key;
pub(crate) mod lake;
pub(crate) mod member;
pub(crate) mod moderation;
pub(crate) mod multiplier;
pub(crate) mod openapi;
pub(crate) mod path;
pub(crate) mod recommend;
pub(crate) mod role;
pub(crate) mod search;
pub(crate) mod season;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod settings;
pub(crate) mod shop;
pub(crate) mod skill;
pub(crate) mod squad;
pub(crate) mod up;
pub(crate) mod version;
pub(crate) mod webhook;

mod import_xp;
mod operator;
mod operators;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::args::Global;
use crate::failure::Failure;
use crate::screen::Screen;

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

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring up everything in one process: database, migrations, API, timers.
    Up(up::UpArgs),
    /// Run some roles of a node beside others, on a database that is there and migrated.
    Serve(serve::ServeArgs),
    /// The database's schema.
    Db {
        #[command(subcommand)]
        command: db::DbCommand,
    },
    /// Campaigns: as folders (check, import, export), and through their life (publish, start, close, claim, cancel).
    Campaign {
        #[command(subcommand)]
        command: campaign::CampaignCommand,
    },
    /// Take events from a file into a guild's lake: a JSON object a line. Run it again after an interruption: each counts once.
    Ingest(ingest::IngestArgs),
    /// Write made-up events that look like a real community's, a JSON object a line.
    GenerateEvents(generate_events::GenerateArgs),
    /// API keys.
    Key {
        #[command(subcommand)]
        command: key::KeyCommand,
    },
    /// Who may do what in a guild.
    Role {
        #[command(subcommand)]
        command: role::RoleCommand,
    },
    /// Local administrators, who sign in with a password in development.
    Admin {
        #[command(subcommand)]
        command: admin::AdminCommand,
    },
    /// Who, signed in with Discord, may do what concerns the whole installation.
    Operator {
        #[command(subcommand)]
        command: operators::OperatorCommand,
    },
    /// What administrators changed, newest first.
    AuditLog(audit_log::AuditLogArgs),
    /// What administrators choose while it runs; see docs/settings.md.
    Settings {
        #[command(subcommand)]
        command: settings::SettingsCommand,
    },
    /// Webhooks of a guild.
    Webhook {
        #[command(subcommand)]
        command: webhook::WebhookCommand,
    },
    /// The key that seals the secrets in the database.
    Secrets {
        #[command(subcommand)]
        command: secrets::SecretsCommand,
    },
    /// Bytes of a guild: balances, payments, rules, reports.
    Economy {
        #[command(subcommand)]
        command: economy::EconomyCommand,
    },
    /// Squads of a guild, and who is in them.
    Squad {
        #[command(subcommand)]
        command: squad::SquadCommand,
    },
    /// Moderation of a guild: cases, rules of automod, appeals, raids, what failed on Discord.
    Mod {
        #[command(subcommand)]
        command: moderation::ModCommand,
    },
    /// A guild on Discord: set up from it, what Discord itself judges, what is done there.
    Discord {
        #[command(subcommand)]
        command: discord::DiscordCommand,
    },
    /// Members of a guild: profiles, leaderboard, activity; copies and deletion on request; XP from another bot.
    Member {
        #[command(subcommand)]
        command: member::MemberCommand,
    },
    /// A guild's event lake: what is in it, why an event earned what it did, how it fares.
    Lake {
        #[command(subcommand)]
        command: lake::LakeCommand,
    },
    /// Seasons of a guild: make, change, roll over; archived standings.
    Season {
        #[command(subcommand)]
        command: season::SeasonCommand,
    },
    /// Categories of channels, and what interactions in them are worth.
    Category {
        #[command(subcommand)]
        command: category::CategoryCommand,
    },
    /// Timed multipliers, such as a double-XP weekend.
    Multiplier {
        #[command(subcommand)]
        command: multiplier::MultiplierCommand,
    },
    /// Achievements: make, change, grant, revoke.
    Achievement {
        #[command(subcommand)]
        command: achievement::AchievementCommand,
    },
    /// The quest board.
    Board {
        #[command(subcommand)]
        command: board::BoardCommand,
    },
    /// The shop and what was bought.
    Shop {
        #[command(subcommand)]
        command: shop::ShopCommand,
    },
    /// Give members XP, gold and stars, or take them.
    Award {
        #[command(subcommand)]
        command: award::AwardCommand,
    },
    /// Announcements: the queue, the channels, and your own words.
    Announcement {
        #[command(subcommand)]
        command: announcement::AnnouncementCommand,
    },
    /// Skills and what builds on what.
    Skill {
        #[command(subcommand)]
        command: skill::SkillCommand,
    },
    /// Learning paths as folders: begin one, check, try, import and export; and a list of what is there.
    Path {
        #[command(subcommand)]
        command: path::PathCommand,
    },
    /// What comes of learning when it is counted: figures of quests, steps and questions.
    Insight {
        #[command(subcommand)]
        command: insight::InsightCommand,
    },
    /// Credentials for what members completed: badges, what was issued, revoking, signing keys.
    Credential {
        #[command(subcommand)]
        command: credential::CredentialCommand,
    },
    /// Find quests and paths of a guild by words, and by meaning where there is a model.
    Search(search::SearchCommand),
    /// How well recommending what to learn would have done, on a record of learners or on simulated ones.
    Recommend {
        #[command(subcommand)]
        command: recommend::RecommendCommand,
    },
    /// What learners hand in, for those who grade: list, claim, judge, extend.
    Assessment {
        #[command(subcommand)]
        command: assessment::AssessmentCommand,
    },
    /// Re-derive balances, XP, points and standings from their journals, and report what differs.
    Audit(audit::AuditArgs),
    /// Print the API's OpenAPI document.
    Openapi(openapi::OpenapiArgs),
    /// Say what is missing on this machine, and how to mend it.
    Doctor,
    /// Measure Questhall's speed on this machine, each figure beside the limit of the same run.
    Bench(::bench::Args),
    /// Print a completion script for a shell.
    Completions {
        /// bash, elvish, fish, powershell or zsh.
        shell: clap_complete::Shell,
    },
    /// Print the version, and that of the schema.
    Version,
}

/// Does what was typed.
pub(crate) async fn run(cli: &Cli, screen: &Screen) -> Result<(), Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Up(args) => Box::pin(up::run(global, args, screen)).await,
        Command::Serve(args) => Box::pin(serve::run(global, args, screen)).await,
        Command::Db { command } => db::run(global, command, screen).await,
        Command::Campaign { command } => campaign::run(global, command, screen).await,
        Command::Ingest(args) => ingest::run(global, args, screen).await,
        Command::GenerateEvents(args) => generate_events::run(args),
        Command::Key { command } => key::run(global, command, screen).await,
        Command::Role { command } => role::run(global, command, screen).await,
        Command::Admin { command } => admin::run(global, command, screen).await,
        Command::Operator { command } => operators::run(global, command, screen).await,
        Command::AuditLog(args) => audit_log::run(global, args, screen).await,
        Command::Settings { command } => settings::run(global, command, screen).await,
        Command::Webhook { command } => webhook::run(global, command, screen).await,
        Command::Secrets { command } => secrets::run(global, *command, screen).await,
        Command::Economy { command } => economy::run(global, command, screen).await,
        Command::Squad { command } => squad::run(global, command, screen).await,
        Command::Mod { command } => moderation::run(global, command, screen).await,
        Command::Discord { command } => discord::run(global, command, screen).await,
        Command::Member { command } => member::run(global, command, screen).await,
        Command::Lake { command } => lake::run(global, command, screen).await,
        Command::Season { command } => season::run(global, command, screen).await,
        Command::Category { command } => category::run(global, command, screen).await,
        Command::Multiplier { command } => multiplier::run(global, command, screen).await,
        Command::Achievement { command } => achievement::run(global, command, screen).await,
        Command::Board { command } => board::run(global, command, screen).await,
        Command::Shop { command } => shop::run(global, command, screen).await,
        Command::Award { command } => award::run(global, command, screen).await,
        Command::Announcement { command } => announcement::run(global, command, screen).await,
        Command::Skill { command } => skill::run(global, command, screen).await,
        Command::Path { command } => path::run(global, command, screen).await,
        Command::Insight { command } => insight::run(global, command, screen).await,
        Command::Credential { command } => credential::run(global, command, screen).await,
        Command::Search(command) => search::run(global, command, screen).await,
        Command::Recommend { command } => recommend::run(command, screen),
        Command::Assessment { command } => assessment::run(global, command, screen).await,
        Command::Audit(args) => audit::run(global, args, screen).await,
        Command::Openapi(args) => openapi::run(args, screen),
        Command::Doctor => doctor::run(global, screen).await,
        Command::Bench(args) => self::bench::run(global, args, screen).await,
        Command::Completions { shell } => completions::run(*shell, &mut Cli::command(), screen),
        Command::Version => version::run(screen),
    }
}

#[cfg(test)]
mod tests {
    use access::slice::Terminal;
    use server::SLICES;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Commands about the program itself.
    const OF_THE_PROGRAM: &[&str] = &["up", "serve", "db", "openapi", "bench", "completions", "version"];

    #[test]
    fn every_slice_has_commands_or_a_reason_and_every_command_a_slice() {
        let mut named: Vec<&str> = OF_THE_PROGRAM.to_vec();
        for slice in SLICES {
            match slice.terminal {
                Terminal::Commands(commands) => {
                    assert!(!commands.is_empty(), "{} has no commands, and does not say why", slice.name);
                    named.extend(commands);
                }
                Terminal::None(why) => assert!(!why.is_empty(), "{} does not say why", slice.name),
            }
        }
        named.sort_unstable();
        let cli = Cli::command();
        let mut there: Vec<&str> = cli
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(clap::Command::get_name)
            .collect();
        there.sort_unstable();
        assert_eq!(named, there);
    }
}
