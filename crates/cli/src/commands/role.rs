//! `questhall role`: who may do what in a guild, by the operator.

use access::roles::{Grant, grant_list, grant_put, grant_remove, mapping_list, mapping_put, mapping_remove};
use access::{By, Origin, Role};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use db::Database;
use kernel::{GuildId, Limit, UserId};
use serde_json::json;

use crate::{
    args::Global,
    failure::Failure,
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// List who has which role.
    List {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
    },
    /// Grant a role.
    Grant {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// To whom: a Discord id.
        #[arg(long)]
        user: UserId,
        /// owner, admin, moderator, author, instructor or member.
        role: Role,
        /// From when it does not count any more, such as 2031-01-01T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires: Option<DateTime<Utc>>,
    },
    /// Take a role away.
    Take {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// From whom: a Discord id.
        #[arg(long)]
        user: UserId,
        /// owner, admin, moderator, author, instructor or member.
        role: Role,
    },
    /// List which Discord roles confer which of ours.
    Mappings {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
    },
    /// Have a Discord role confer one of ours on whoever signs in with it.
    Map {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The Discord role's id.
        #[arg(long, value_name = "ID")]
        discord_role: UserId,
        /// admin, moderator, author, instructor or member.
        role: Role,
    },
    /// Have a Discord role confer one of ours no more.
    Unmap {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The Discord role's id.
        #[arg(long, value_name = "ID")]
        discord_role: UserId,
        /// admin, moderator, author, instructor or member.
        role: Role,
    },
}

pub(crate) async fn run(global: &Global, command: &RoleCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| act(database, command, screen).await).await
}

async fn act(database: &Database, command: &RoleCommand, screen: &Screen) -> Result<(), Failure> {
    let origin = Origin::default();
    let mut tx = db::begin(database.pool()).await?;
    match command {
        RoleCommand::List { guild } => return list(database, *guild, screen).await,
        RoleCommand::Mappings { guild } => {
            let mappings = mapping_list(&mut tx, *guild).await?;
            return screen.answer(&mappings, |mappings| {
                let rows = mappings.iter().map(|mapping| {
                    [mapping.discord_role_id.to_string(), mapping.role.clone(), day(mapping.created_at)]
                });
                table(["discord role", "confers", "since"], rows)
            });
        }
        RoleCommand::Grant { guild, user, role, expires } => {
            people::guild_ensure(&mut tx, *guild, None).await.map_err(kernel::Problem::from)?;
            let grant = grant_put(&mut tx, By::Cli, &origin, *guild, *user, *role, *expires).await?;
            tx.commit().await?;
            return screen.answer(&grant, |_| format!("{user} is {role} in guild {guild}."));
        }
        RoleCommand::Take { guild, user, role } => {
            grant_remove(&mut tx, By::Cli, &origin, *guild, *user, *role).await?;
        }
        RoleCommand::Map { guild, discord_role, role } => {
            mapping_put(&mut tx, By::Cli, &origin, *guild, discord_role.get(), *role).await?;
        }
        RoleCommand::Unmap { guild, discord_role, role } => {
            mapping_remove(&mut tx, By::Cli, &origin, *guild, discord_role.get(), *role).await?;
        }
    }
    tx.commit().await?;
    screen.answer(&json!({ "done": true }), |_| "Done.".to_owned())
}

async fn list(database: &Database, guild: GuildId, screen: &Screen) -> Result<(), Failure> {
    let mut connection = db::acquire(database.pool()).await?;
    let limit = Limit::new(Some(kernel::page::MAX_LIMIT))?;
    let mut grants: Vec<Grant> = Vec::new();
    let mut more = true;
    while more {
        let after = grants.last().map(|grant| (grant.user_id.get(), grant.role.clone()));
        let page = grant_list(&mut connection, guild, None, None, after, limit).await?;
        more = page.next.is_some();
        grants.extend(page.items);
    }
    screen.answer(&grants, |grants| {
        let rows = grants.iter().map(|grant| {
            let until = grant.expires_at.map_or_else(|| "for ever".to_owned(), day);
            [grant.user_id.to_string(), grant.role.clone(), grant.source.clone(), until]
        });
        table(["user", "role", "source", "until"], rows)
    })
}

fn day(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}
