//! `questhall squad`: squads of a guild, by the operator.

use access::{By, Origin};
use clap::{Subcommand, ValueEnum};
use kernel::{PageQuery, Problem, RoleId, SquadId, UserId};
use sqlx::PgPool;
use squads::{
    Assignment, MembershipChange, NewSquad, Squad, SquadEdit, ops,
    pages::{self, Measure, SquadPage, SquadRank},
};

use super::operator::pages as all_pages;
use crate::{
    args::{Global, Guild},
    failure::Failure,
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum SquadCommand {
    /// List squads in the order of their making.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Retired ones too.
        #[arg(long)]
        all: bool,
    },
    /// A squad's page: its standing, members and campaigns.
    Show {
        #[command(flatten)]
        guild: Guild,
        /// The squad's id, as `squad list` shows it.
        squad: SquadId,
    },
    /// Squads by what they have.
    Leaderboard {
        #[command(flatten)]
        guild: Guild,
        /// By what.
        #[arg(long, value_enum, default_value_t = Comparison::Xp)]
        by: Comparison,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Make a squad.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// Its name.
        name: String,
        /// What it is about.
        #[arg(long)]
        description: Option<String>,
        /// The Discord role that follows membership.
        #[arg(long, value_name = "ID")]
        role: Option<RoleId>,
        /// What it costs to move there.
        #[arg(long, value_name = "BYTES", default_value_t = 50)]
        switch_cost: i32,
        /// How many it takes at most.
        #[arg(long, value_name = "N")]
        max_members: Option<i32>,
    },
    /// Change a squad; what is not said stays.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The squad.
        squad: SquadId,
        /// Its name.
        #[arg(long)]
        name: Option<String>,
        /// What it is about; empty for nothing.
        #[arg(long)]
        description: Option<String>,
        /// The Discord role that follows membership.
        #[arg(long, value_name = "ID")]
        role: Option<RoleId>,
        /// No Discord role.
        #[arg(long, conflicts_with = "role")]
        no_role: bool,
        /// What it costs to move there.
        #[arg(long, value_name = "BYTES")]
        switch_cost: Option<i32>,
        /// How many it takes at most.
        #[arg(long, value_name = "N")]
        max_members: Option<i32>,
        /// As many as come.
        #[arg(long, conflicts_with = "max_members")]
        no_max_members: bool,
    },
    /// Retire a squad; its members are in none then.
    Retire {
        #[command(flatten)]
        guild: Guild,
        /// The squad.
        squad: SquadId,
    },
    /// Put a member into a squad, from another one or none, for nothing.
    Move {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
        /// Where to.
        squad: SquadId,
        /// Although a running campaign forbids it.
        #[arg(long)]
        force: bool,
    },
    /// Take a member out of a squad.
    Remove {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
        /// The squad.
        squad: SquadId,
    },
}

/// By what squads are compared, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Comparison {
    /// XP of the members in all.
    Xp,
    /// Bytes that the members hold in all.
    Bytes,
    /// Campaigns won.
    Wins,
}

impl From<Comparison> for Measure {
    fn from(by: Comparison) -> Self {
        match by {
            Comparison::Xp => Self::Xp,
            Comparison::Bytes => Self::Bytes,
            Comparison::Wins => Self::Wins,
        }
    }
}

pub(crate) async fn run(global: &Global, command: &SquadCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| carry_out(database.pool(), command, screen).await).await
}

async fn carry_out(pool: &PgPool, command: &SquadCommand, screen: &Screen) -> Result<(), Failure> {
    let origin = Origin::default();
    match command {
        SquadCommand::List { guild, all } => {
            let rows = all_pages(usize::MAX, async |page: PageQuery| {
                ops::squad_list(pool, guild.id, *all, &page).await
            })
            .await?;
            screen.answer(&rows, |rows| list(rows))
        }
        SquadCommand::Show { guild, squad } => {
            let page = pages::squad_page(pool, guild.id, *squad).await.map_err(Problem::from)?;
            screen.answer(&page, shown)
        }
        SquadCommand::Leaderboard { guild, by, limit } => {
            let by = Measure::from(*by);
            let rows = all_pages(*limit, async |page: PageQuery| {
                pages::leaderboard(pool, guild.id, by, &page).await
            })
            .await?;
            screen.answer(&rows, |rows| leaderboard(rows))
        }
        SquadCommand::Create { guild, name, description, role, switch_cost, max_members } => {
            let new = NewSquad {
                name: name.clone(),
                description: description.clone(),
                role_id: *role,
                switch_cost: *switch_cost,
                max_members: *max_members,
            };
            let made =
                ops::squad_create(pool, guild.id, new, By::Cli, &origin).await.map_err(Problem::from)?;
            screen.answer(&made, |squad| squad.id.to_string())
        }
        SquadCommand::Edit { .. } => edit(pool, command, screen).await,
        SquadCommand::Retire { guild, squad } => {
            let retired = ops::squad_deactivate(pool, guild.id, *squad, By::Cli, &origin)
                .await
                .map_err(Problem::from)?;
            screen.answer(&retired, |squad| format!("{} is retired.", squad.name))
        }
        SquadCommand::Move { guild, user, squad, force } => {
            let assignment = Assignment { user_id: *user, force: *force };
            let change = ops::member_assign(pool, guild.id, *squad, &assignment, By::Cli, &origin)
                .await
                .map_err(Problem::from)?;
            screen.answer(&change, changed)
        }
        SquadCommand::Remove { guild, user, squad } => {
            let change = ops::member_remove(pool, guild.id, *squad, *user, By::Cli, &origin)
                .await
                .map_err(Problem::from)?;
            screen.answer(&change, changed)
        }
    }
}

async fn edit(pool: &PgPool, command: &SquadCommand, screen: &Screen) -> Result<(), Failure> {
    let SquadCommand::Edit {
        guild,
        squad,
        name,
        description,
        role,
        no_role,
        switch_cost,
        max_members,
        no_max_members,
    } = command
    else {
        return Ok(());
    };
    let edit = SquadEdit {
        name: name.clone(),
        description: description.clone().map(|text| Some(text).filter(|text| !text.is_empty())),
        role_id: role.map(Some).or(no_role.then_some(None)),
        switch_cost: *switch_cost,
        max_members: max_members.map(Some).or(no_max_members.then_some(None)),
    };
    let after = ops::squad_update(pool, guild.id, *squad, edit, By::Cli, &Origin::default())
        .await
        .map_err(Problem::from)?;
    screen.answer(&after, |squad| list(std::slice::from_ref(squad)))
}

fn changed(change: &MembershipChange) -> String {
    let squad = |id: Option<SquadId>| id.map_or("none".to_owned(), |id| id.to_string());
    format!("Member {}: {} → {}.", change.user_id, squad(change.from_squad_id), squad(change.to_squad_id))
}

fn list(squads: &[Squad]) -> String {
    let rows = squads.iter().map(|squad| {
        let room = squad.max_members.map_or(String::new(), |max| format!(" of {max}"));
        [
            squad.id.to_string(),
            squad.name.clone(),
            format!("{}{room}", squad.member_count),
            squad.switch_cost.to_string(),
            squad.role_id.map_or("none".to_owned(), |role| role.to_string()),
            if squad.is_active { "active" } else { "retired" }.to_owned(),
        ]
    });
    table(["id", "name", "members", "switch cost", "role", "state"], rows)
}

fn leaderboard(rows: &[SquadRank]) -> String {
    table(
        ["rank", "squad", "name", "members", "xp", "bytes", "wins"],
        rows.iter().map(|row| {
            [
                row.rank.to_string(),
                row.squad_id.to_string(),
                row.name.clone(),
                row.member_count.to_string(),
                row.xp.to_string(),
                row.bytes.to_string(),
                row.wins.to_string(),
            ]
        }),
    )
}

fn shown(page: &SquadPage) -> String {
    let mut text = list(std::slice::from_ref(&page.squad));
    if let Some(standing) = &page.standing {
        let rows = [
            ["xp".to_owned(), standing.xp.to_string(), standing.rank_by_xp.to_string()],
            ["bytes".to_owned(), standing.bytes.to_string(), standing.rank_by_bytes.to_string()],
            ["wins".to_owned(), standing.wins.to_string(), standing.rank_by_wins.to_string()],
        ];
        text = format!("{text}\n\n{}", table(["standing", "has", "rank"], rows));
    }
    let members = page.members.iter().map(|member| {
        [
            member.user_id.to_string(),
            member.name.clone(),
            member.xp.to_string(),
            member.balance.to_string(),
            member.joined_at.format("%Y-%m-%d").to_string(),
        ]
    });
    let campaigns = page.campaigns.iter().map(|campaign| {
        [
            campaign.campaign_id.to_string(),
            campaign.name.clone(),
            campaign.status.clone(),
            campaign.rank.map_or(String::new(), |rank| rank.to_string()),
        ]
    });
    format!(
        "{text}\n\n{}\n\n{}",
        table(["member", "name", "xp", "bytes", "since"], members),
        table(["campaign", "name", "state", "rank"], campaigns)
    )
}
