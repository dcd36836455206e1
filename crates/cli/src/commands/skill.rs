//! `questhall skill`: skills and what builds on what.

use clap::Subcommand;
use community::ids::SkillId;
use community::skills;
use kernel::{PageQuery, Problem, UserId};

use super::operator::{on_database, one, operator, pages, read, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

#[derive(Debug, Subcommand)]
pub(crate) enum SkillCommand {
    /// The skill tree, with a member's points if one is named.
    Tree {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
    },
    /// Make a skill.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change a skill.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The skill.
        skill: SkillId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// What learning brought a member, the latest first.
    Rewards {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Retire a skill.
    Retire {
        #[command(flatten)]
        guild: Guild,
        /// The skill.
        skill: SkillId,
    },
}

pub(crate) async fn run(global: &Global, command: &SkillCommand, screen: &Screen) -> Result<(), Failure> {
    use SkillCommand as C;
    use skills::ops;
    on_database(global, async |pool| match command {
        C::Tree { guild, user } => {
            let tree = ops::skill_tree(pool, guild.id, *user).await.map_err(Problem::from)?;
            let columns = ["id", "slug", "domain", "depth", "max_level", "level", "skill_points", "unlocked"];
            rows_of(screen, &tree.skills, &columns)
        }
        C::Create { guild, body } => {
            one(screen, ops::skill_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, skill, body } => {
            one(screen, ops::skill_update(pool, guild.id, *skill, read(body)?, operator()).await)
        }
        C::Rewards { guild, user, limit } => {
            let rows =
                pages(*limit, async |page: PageQuery| ops::reward_list(pool, guild.id, *user, &page).await);
            let columns =
                ["created_at", "event_type", "xp", "skill_id", "skill_points", "source_type", "source_id"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Retire { guild, skill } => {
            one(screen, ops::skill_retire(pool, guild.id, *skill, operator()).await)
        }
    })
    .await
}
