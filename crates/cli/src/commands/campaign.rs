//! `questhall campaign`: folders made, checked, tried, imported and exported; what is there; and a campaign through its life.

mod check;
mod lifecycle;
mod try_out;

use std::path::{Path, PathBuf};

use campaigns::{
    authoring::{self, Bundle},
    model::{Campaign, Status},
    ops::{self, Asker},
};
use clap::Subcommand;
use db::Database;
use jobs::Wake;
use kernel::{CampaignId, GuildId, PageQuery};

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    guilds,
    screen::{Screen, table},
    setup,
};

use check::CheckArgs;
use lifecycle::LifecycleCommand;
use try_out::TryArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum CampaignCommand {
    /// Make the folder of a new campaign, with one challenge in it that works.
    New {
        /// The folder to make.
        dir: PathBuf,
        /// What the campaign is called [default: as its folder].
        #[arg(long)]
        name: Option<String>,
    },
    /// Run every generator of a campaign's folder and say what is wrong, with file and line. Needs no database.
    Check(CheckArgs),
    /// Run one challenge's generator once and show what it makes: input, answers, time, standard error. Needs no database.
    Try(TryArgs),
    /// Make a campaign's folder of what other systems keep: Kattis problem packages, task generators with `generate(user, target_dir)`,
    /// an unpacked export of `CTFd`. Says by name what could not be carried over.
    Convert {
        /// The package, the folder of packages, or the export.
        source: PathBuf,
        /// The folder to make.
        dir: PathBuf,
    },
    /// Put a campaign's folder into a guild, as a draft; or bring a campaign to what its folder says (--campaign).
    Import {
        /// The folder that holds campaign.toml.
        dir: PathBuf,
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The campaign to bring up to date, instead of making a new one.
        #[arg(long, value_name = "ID")]
        campaign: Option<CampaignId>,
        /// Make another campaign although the guild has one of this name.
        #[arg(long, conflicts_with = "campaign")]
        new: bool,
        /// Do not run the generators first.
        #[arg(long)]
        unchecked: bool,
        /// Take a guild that is not known here yet.
        #[arg(long)]
        new_guild: bool,
    },
    /// Write a campaign into a new folder, from which it can be imported again.
    Export {
        /// The campaign.
        campaign: CampaignId,
        /// The folder to make.
        dir: PathBuf,
    },
    /// List campaigns, newest first.
    List {
        /// Only this guild's.
        #[arg(long)]
        guild: Option<GuildId>,
    },
    #[command(flatten)]
    Lifecycle(LifecycleCommand),
}

pub(crate) async fn run(global: &Global, command: &CampaignCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    match command {
        CampaignCommand::New { dir, name } => {
            let written = authoring::start(dir, name.as_deref()).or_fail(Code::Unavailable)?;
            screen.answer(&written, |written| {
                let files: Vec<String> = written.iter().map(|file| format!("  {}\n", file.display())).collect();
                let dir = dir.display();
                format!(
                    "{}\nChange what you like, then:\n  questhall campaign check {dir}\n  questhall campaign try \
                     {dir}/01-sums\n  questhall campaign import {dir} --guild YOUR_GUILD",
                    files.concat()
                )
            })
        }
        CampaignCommand::Check(args) => check::run(global, args, screen).await,
        CampaignCommand::Try(args) => try_out::run(global, args, screen).await,
        CampaignCommand::Convert { source, dir } => {
            check::ensure_folder(source)?;
            let converted = authoring::convert(source, dir).or_fail(Code::Unavailable)?;
            screen.answer(&converted, |converted| {
                let dir = dir.display();
                let made: Vec<String> =
                    converted.challenges.iter().map(|slug| format!("  {dir}/{slug}\n")).collect();
                let left: Vec<String> = converted.left_out.iter().map(|left| format!("  {left}\n")).collect();
                let left = if left.is_empty() {
                    String::new()
                } else {
                    format!("\nNot carried over, or to be looked at:\n{}", left.concat())
                };
                format!("{}{left}\nThen:\n  questhall campaign check {dir}", made.concat())
            })
        }
        CampaignCommand::Import { dir, guild, campaign, new, unchecked, new_guild } => {
            let bundle = if *unchecked { read(dir)? } else { check::checked(global, dir, screen).await? };
            setup::with_database(global, async |database| {
                guilds::ensure_known(database.pool(), *guild, *new_guild).await?;
                if campaign.is_none() && !new {
                    refuse_double(database, *guild, &bundle, dir).await?;
                }
                let campaign = import(database, *guild, &bundle, *campaign).await?;
                screen.answer(&campaign, lifecycle::imported)
            })
            .await
        }
        CampaignCommand::Export { campaign, dir } => {
            setup::with_database(global, async |database| {
                let guild = guild_of(database, *campaign).await?;
                let bundle = authoring::bundle_export(database.pool(), guild, *campaign).await?;
                authoring::write(&bundle, dir).or_fail(Code::Unavailable)?;
                screen.answer(&bundle, |bundle| format!("{} is in {}.", bundle.campaign.name, dir.display()))
            })
            .await
        }
        CampaignCommand::List { guild } => {
            setup::with_database(global, async |database| list(database, *guild, screen).await).await
        }
        CampaignCommand::Lifecycle(command) => {
            setup::with_database(global, async |database| lifecycle::run(database, command, screen).await)
                .await
        }
    }
}

/// A folder that is right, or its mistakes.
fn read(dir: &Path) -> Result<Bundle, Failure> {
    check::ensure_folder(dir)?;
    authoring::read(dir).map_err(|findings| {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        Failure::new(Code::No, format!("{} cannot be imported:\n{}", dir.display(), lines.join("\n")))
    })
}

/// Refuses a folder that was imported already: mostly its campaign is to be brought up to date.
async fn refuse_double(
    database: &Database,
    guild: GuildId,
    bundle: &Bundle,
    dir: &Path,
) -> Result<(), Failure> {
    let name = &bundle.campaign.name;
    let there = campaigns_of(database, guild).await?;
    let Some(campaign) =
        there.iter().find(|there| there.settings.name == *name && there.status != Status::Expired)
    else {
        return Ok(());
    };
    let (id, dir) = (campaign.id, dir.display());
    Err(Failure::new(
        Code::Refused,
        format!(
            "guild {guild} has a campaign called {name} already: {id}, {}. To bring that one to what the folder says: \
             `questhall campaign import {dir} --guild {guild} --campaign {id}`. To make another one, add --new",
            lifecycle::standing(campaign)
        ),
    ))
}

/// A guild's campaigns, newest first.
async fn campaigns_of(database: &Database, guild: GuildId) -> Result<Vec<Campaign>, Failure> {
    let mut campaigns = Vec::new();
    let mut cursor = None;
    loop {
        let query = PageQuery { limit: Some(kernel::page::MAX_LIMIT), cursor };
        let page = ops::campaign_list(database.pool(), guild, None, true, &query).await?;
        campaigns.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(campaigns);
        }
    }
}

/// Puts a bundle into a guild, as the operator.
async fn import(
    database: &Database,
    guild: GuildId,
    bundle: &Bundle,
    into: Option<CampaignId>,
) -> Result<Campaign, Failure> {
    // Engines of other processes hear of new timers through the database.
    let wake = Wake::default();
    Ok(authoring::bundle_import(database.pool(), &wake, guild, Asker::CLI, bundle, into).await?)
}

async fn guild_of(database: &Database, campaign: CampaignId) -> Result<GuildId, Failure> {
    let guild = sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild_id: GuildId" FROM campaigns.campaigns WHERE id = $1"#,
        campaign.get()
    )
    .fetch_optional(&mut *db::acquire(database.pool()).await?)
    .await?;
    guild.ok_or_else(|| Failure::new(Code::Refused, format!("there is no campaign {campaign}")))
}

async fn list(database: &Database, guild: Option<GuildId>, screen: &Screen) -> Result<(), Failure> {
    let guilds = match guild {
        Some(guild) => vec![guild],
        None => {
            sqlx::query_scalar!(
                r#"SELECT DISTINCT guild_id AS "id: GuildId" FROM campaigns.campaigns ORDER BY 1"#
            )
            .fetch_all(&mut *db::acquire(database.pool()).await?)
            .await?
        }
    };
    let mut campaigns: Vec<Campaign> = Vec::new();
    for guild in guilds {
        campaigns.extend(campaigns_of(database, guild).await?);
    }
    screen.answer(&campaigns, |campaigns| {
        let rows = campaigns.iter().map(|campaign| {
            let start = campaign.settings.start_time;
            [
                campaign.id.to_string(),
                campaign.guild_id.to_string(),
                lifecycle::standing(campaign),
                start.map_or("-".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string()),
                campaign.challenges.to_string(),
                campaign.settings.name.clone(),
            ]
        });
        table(["id", "guild", "status", "start (UTC)", "challenges", "name"], rows)
    })
}
