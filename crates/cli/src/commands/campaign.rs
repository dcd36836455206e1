//! `questhall campaign`: folders made, checked, tried, imported and exported; and what is there.

mod check;
mod try_out;

use std::path::Path;

use campaigns::{
    authoring::{self, Bundle},
    model::Campaign,
    ops::{self, Asker},
};
use db::Database;
use jobs::Wake;
use kernel::{CampaignId, GuildId, PageQuery};

use crate::{
    args::{CampaignCommand, Global},
    failure::{Code, Failure, OrFail},
    screen::{Screen, table},
    setup,
};

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
        CampaignCommand::Import { dir, guild, campaign, unchecked } => {
            let bundle = if *unchecked { read(dir)? } else { check::checked(global, dir, screen).await? };
            setup::with_database(global, async |database| {
                let campaign = import(database, *guild, &bundle, *campaign).await?;
                screen.answer(&campaign, |campaign| {
                    format!(
                        "{} ({} challenges) is in guild {guild} as campaign {}, {}.",
                        campaign.settings.name, campaign.challenges, campaign.id, campaign.status
                    )
                })
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

/// Puts a bundle into a guild, as the operator.
pub(crate) async fn import(
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
    .fetch_optional(database.pool())
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
            .fetch_all(database.pool())
            .await?
        }
    };
    let mut campaigns: Vec<Campaign> = Vec::new();
    for guild in guilds {
        let mut cursor = None;
        loop {
            let query = PageQuery { limit: Some(kernel::page::MAX_LIMIT), cursor };
            let page = ops::campaign_list(database.pool(), guild, None, true, &query).await?;
            campaigns.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    screen.answer(&campaigns, |campaigns| {
        let rows = campaigns.iter().map(|campaign| {
            let start = campaign.settings.start_time;
            [
                campaign.id.to_string(),
                campaign.guild_id.to_string(),
                campaign.status.to_string(),
                start.map_or("-".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string()),
                campaign.challenges.to_string(),
                campaign.settings.name.clone(),
            ]
        });
        table(["id", "guild", "status", "start (UTC)", "challenges", "name"], rows)
    })
}
