//! `questhall economy`: bytes of a guild, by the operator.

use std::{collections::BTreeMap, io::Write as _, path::PathBuf};

use access::{By, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand};
use economy::{
    Kind,
    export::{self, Filter},
    model::{
        AwardKind, AwardRequest, Config, ConfigEdit, DailyReceipt, LeaderboardRow, Occasion, Receipt,
        Transaction, TransferRequest,
    },
    ops,
    reports::{self, Report},
};
use futures::TryStreamExt as _;
use kernel::{Bytes, GuildId, Problem, RoleId, UserId};
use serde_json::json;
use sqlx::PgPool;

use super::operator::pages;
use crate::{
    args::{Global, Guild},
    failure::{Code, Failure, OrFail},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum EconomyCommand {
    /// What a member has.
    Balance {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
    },
    /// Transactions, newest first.
    History {
        #[command(flatten)]
        guild: Guild,
        /// Only those that this member gave or received.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
        /// Only those of this kind, such as transfer, daily or award.
        #[arg(long)]
        kind: Option<Kind>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Members by what they have, the richest first.
    Leaderboard {
        #[command(flatten)]
        guild: Guild,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Have a member pay another, by the guild's rules.
    Transfer {
        #[command(flatten)]
        guild: Guild,
        /// Who pays.
        from: UserId,
        /// Who is paid.
        to: UserId,
        /// How many bytes.
        amount: i64,
        /// Why; both can read it.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Claim today's bytes for a member, once a UTC date; claims on consecutive dates multiply.
    Daily {
        #[command(flatten)]
        guild: Guild,
        /// Who claims.
        user: UserId,
    },
    /// Give a member bytes from the house; written to the audit log.
    Award(Decree),
    /// Take bytes that a member has; written to the audit log.
    Fine(Decree),
    /// A day's economy in figures: minted, burnt, velocity, concentration.
    Report {
        #[command(flatten)]
        guild: Guild,
        /// The UTC day; today, as of now, unless told.
        #[arg(long)]
        day: Option<NaiveDate>,
    },
    /// The ledger as CSV, the oldest transactions first.
    Export {
        #[command(flatten)]
        guild: Guild,
        /// Write it here instead of to standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Only those that this member gave or received.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
        /// Only those of this kind.
        #[arg(long)]
        kind: Option<Kind>,
        /// Only those from then on, such as 2026-12-01T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        from: Option<DateTime<Utc>>,
        /// Only those before then.
        #[arg(long, value_name = "TIME")]
        until: Option<DateTime<Utc>>,
    },
    /// The guild's rules; options change them, which is written to the audit log.
    Config(ConfigArgs),
}

#[derive(Debug, Args)]
pub(crate) struct Decree {
    #[command(flatten)]
    guild: Guild,
    /// The member.
    user: UserId,
    /// How many bytes.
    amount: i64,
    /// Why; the member can read it.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    guild: Guild,
    /// What a new member gets, once.
    #[arg(long, value_name = "BYTES")]
    starting_balance: Option<i32>,
    /// What a daily claim pays, before its multiplier.
    #[arg(long, value_name = "BYTES")]
    daily_amount: Option<i32>,
    /// The largest transfer.
    #[arg(long, value_name = "BYTES")]
    max_transfer: Option<i32>,
    /// Hours between two transfers of a giver.
    #[arg(long, value_name = "HOURS")]
    cooldown_hours: Option<i32>,
    /// Whether the first message of a day claims.
    #[arg(long, value_name = "true|false")]
    daily_by_message: Option<bool>,
    /// Whether the guild plays with bytes.
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,
    /// A role, and how many bytes received in all it takes; all of them, repeated.
    #[arg(long = "role-reward", value_name = "ROLE=BYTES", value_parser = pair::<RoleId, i64>)]
    role_rewards: Vec<(RoleId, i64)>,
    /// No role rewards.
    #[arg(long, conflicts_with = "role_rewards")]
    no_role_rewards: bool,
    /// From how many days on a claim is multiplied by what; all of them, repeated.
    #[arg(long = "streak-bonus", value_name = "DAYS=TIMES", value_parser = pair::<i32, i32>)]
    streak_bonuses: Vec<(i32, i32)>,
    /// No streak bonuses.
    #[arg(long, conflicts_with = "streak_bonuses")]
    no_streak_bonuses: bool,
}

impl ConfigArgs {
    fn edit(&self) -> ConfigEdit {
        fn all<K: Ord + Copy, V: Copy>(given: &[(K, V)], none: bool) -> Option<BTreeMap<K, V>> {
            (none || !given.is_empty()).then(|| given.iter().copied().collect())
        }
        ConfigEdit {
            starting_balance: self.starting_balance,
            daily_amount: self.daily_amount,
            max_transfer: self.max_transfer,
            cooldown_hours: self.cooldown_hours,
            role_rewards: all(&self.role_rewards, self.no_role_rewards),
            streak_bonuses: all(&self.streak_bonuses, self.no_streak_bonuses),
            daily_by_message: self.daily_by_message,
            is_enabled: self.enabled,
        }
    }
}

fn pair<K: std::str::FromStr, V: std::str::FromStr>(text: &str) -> Result<(K, V), String> {
    let parsed = text.split_once('=').and_then(|(key, value)| Some((key.parse().ok()?, value.parse().ok()?)));
    parsed.ok_or_else(|| "must be two whole numbers, as in 8=2".to_owned())
}

pub(crate) async fn run(global: &Global, command: &EconomyCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| carry_out(database.pool(), command, screen).await).await
}

async fn carry_out(pool: &PgPool, command: &EconomyCommand, screen: &Screen) -> Result<(), Failure> {
    match command {
        EconomyCommand::Balance { guild, user } => {
            let balance = ops::balance_get(pool, guild.id, *user).await.map_err(Problem::from)?;
            screen.answer(&balance, |balance| balance.balance.to_string())
        }
        EconomyCommand::History { guild, user, kind, limit } => {
            let rows =
                pages(*limit, async |page| ops::history(pool, guild.id, *user, *kind, &page).await).await?;
            screen.answer(&rows, |rows| history(rows))
        }
        EconomyCommand::Leaderboard { guild, limit } => {
            let rows = pages(*limit, async |page| ops::leaderboard(pool, guild.id, &page).await).await?;
            screen.answer(&rows, |rows| leaderboard(rows))
        }
        EconomyCommand::Transfer { guild, from, to, amount, reason } => {
            let request =
                TransferRequest { receiver_id: *to, amount: Bytes::new(*amount), reason: reason.clone() };
            let receipt = ops::transfer(pool, guild.id, *from, &request).await.map_err(Problem::from)?;
            screen.answer(&receipt, paid)
        }
        EconomyCommand::Daily { guild, user } => {
            let receipt =
                ops::daily_claim(pool, guild.id, *user, Occasion::Command).await.map_err(Problem::from)?;
            screen.answer(&receipt, claimed)
        }
        EconomyCommand::Award(decree) => decreed(pool, decree, AwardKind::Award, screen).await,
        EconomyCommand::Fine(decree) => decreed(pool, decree, AwardKind::Fine, screen).await,
        EconomyCommand::Report { guild, day } => {
            let day = match day {
                Some(day) => *day,
                None => db::now(&mut *db::acquire(pool).await?).await?.date_naive(),
            };
            let report = reports::report_make(pool, guild.id, day).await.map_err(Problem::from)?;
            screen.answer(&report, told)
        }
        EconomyCommand::Export { guild, out, user, kind, from, until } => {
            let filter = Filter { user: *user, kind: *kind, from: *from, until: *until };
            write_csv(pool, guild.id, filter, out.as_ref(), screen).await
        }
        EconomyCommand::Config(args) => {
            let (guild, edit) = (args.guild.id, args.edit());
            let config = if edit == ConfigEdit::default() {
                ops::config_get(pool, guild).await
            } else {
                ops::config_put(pool, guild, &edit, By::Cli, &Origin::default()).await
            };
            screen.answer(&config.map_err(Problem::from)?, rules)
        }
    }
}

async fn decreed(pool: &PgPool, decree: &Decree, kind: AwardKind, screen: &Screen) -> Result<(), Failure> {
    let request = AwardRequest {
        user_id: decree.user,
        amount: Bytes::new(decree.amount),
        kind,
        reason: decree.reason.clone(),
    };
    let receipt = ops::award(pool, decree.guild.id, &request, By::Cli, &Origin::default())
        .await
        .map_err(Problem::from)?;
    screen.answer(&receipt, paid)
}

fn paid(receipt: &Receipt) -> String {
    let Transaction { amount, giver_name, receiver_name, kind, .. } = &receipt.transaction;
    let whose = if *kind == Kind::Award { receiver_name } else { giver_name };
    format!("{giver_name} paid {receiver_name} {amount}; {whose} has {} now.", receipt.balance)
}

fn claimed(receipt: &DailyReceipt) -> String {
    let DailyReceipt { amount, date, streak, balance, transaction, .. } = receipt;
    let who = &transaction.receiver_name;
    format!("{who} claimed {amount} for {date}, day {streak} in a row; {who} has {balance} now.")
}

fn history(rows: &[Transaction]) -> String {
    table(
        ["at", "kind", "from", "to", "bytes", "reason"],
        rows.iter().map(|row| {
            [
                row.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                row.kind.to_string(),
                row.giver_name.clone(),
                row.receiver_name.clone(),
                row.amount.to_string(),
                row.reason.clone().unwrap_or_default(),
            ]
        }),
    )
}

fn leaderboard(rows: &[LeaderboardRow]) -> String {
    table(
        ["rank", "member", "name", "bytes"],
        rows.iter().map(|row| {
            [row.rank.to_string(), row.user_id.to_string(), row.name.clone(), row.balance.to_string()]
        }),
    )
}

fn told(report: &Report) -> String {
    let mut rows = vec![
        ["day".to_owned(), report.day.to_string()],
        ["minted".to_owned(), report.issued.to_string()],
        ["burnt".to_owned(), report.returned.to_string()],
        ["between members".to_owned(), report.transferred.to_string()],
        ["in circulation".to_owned(), report.in_circulation.to_string()],
        ["transactions".to_owned(), report.transaction_count.to_string()],
        ["active members".to_owned(), report.active_users.to_string()],
        ["holders".to_owned(), report.holders.to_string()],
        ["velocity".to_owned(), format!("{:.3}", report.velocity)],
        ["held by ten".to_owned(), format!("{:.1} %", report.top10_share * 100.0)],
        ["gini".to_owned(), format!("{:.3}", report.gini)],
    ];
    rows.extend(report.by_kind.iter().map(|(kind, bytes)| [format!("{kind} (kind)"), bytes.to_string()]));
    table(["figure", "seen"], rows)
}

fn rules(config: &Config) -> String {
    let pairs = |pairs: Vec<String>| if pairs.is_empty() { "none".to_owned() } else { pairs.join(", ") };
    let rewards = config.role_rewards.iter().map(|(role, bytes)| format!("{role}={bytes}")).collect();
    let bonuses = config.streak_bonuses.iter().map(|(days, times)| format!("{days}={times}")).collect();
    table(
        ["rule", "value"],
        [
            ["starting balance".to_owned(), config.starting_balance.to_string()],
            ["daily amount".to_owned(), config.daily_amount.to_string()],
            ["daily by message".to_owned(), config.daily_by_message.to_string()],
            ["streak bonuses".to_owned(), pairs(bonuses)],
            ["max transfer".to_owned(), config.max_transfer.to_string()],
            ["cooldown hours".to_owned(), config.cooldown_hours.to_string()],
            ["role rewards".to_owned(), pairs(rewards)],
            ["enabled".to_owned(), config.is_enabled.to_string()],
        ],
    )
}

/// To a file that is there only once it is whole, or to standard output.
async fn write_csv(
    pool: &PgPool,
    guild: GuildId,
    filter: Filter,
    out: Option<&PathBuf>,
    screen: &Screen,
) -> Result<(), Failure> {
    let mut chunks = std::pin::pin!(export::csv(pool.clone(), guild, filter));
    let Some(path) = out else {
        while let Some(chunk) = chunks.try_next().await? {
            screen.print(chunk.trim_end_matches("\r\n"))?;
        }
        return Ok(());
    };
    let partial = path.with_extension("partial");
    let mut file = std::fs::File::create(&partial).or_fail(Code::Unavailable)?;
    let mut lines = 0;
    while let Some(chunk) = chunks.try_next().await? {
        lines += chunk.matches("\r\n").count();
        file.write_all(chunk.as_bytes()).or_fail(Code::Unavailable)?;
    }
    file.sync_all().or_fail(Code::Unavailable)?;
    std::fs::rename(&partial, path).or_fail(Code::Unavailable)?;
    let transactions = lines.saturating_sub(1);
    screen.answer(&json!({ "file": path, "transactions": transactions }), |_| {
        format!("{transactions} transactions are in {}.", path.display())
    })
}
