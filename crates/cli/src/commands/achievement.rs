//! `questhall achievement`: achievements: made, changed, granted, revoked.

use clap::Subcommand;
use kernel::{PageQuery, UserId};
use progress::achievements;
use progress::ids::AchievementId;

use super::operator::{on_database, one, operator, pages, read, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

#[derive(Debug, Subcommand)]
pub(crate) enum AchievementCommand {
    /// List achievements.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Retired ones too.
        #[arg(long)]
        all: bool,
    },
    /// Make an achievement; who has reached it gets it.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change an achievement.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Let nobody earn it any more.
    Retire {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
    },
    /// Grant an achievement by hand.
    Grant {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
        /// To whom.
        user: UserId,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Revoke an achievement.
    Revoke {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
        /// From whom.
        user: UserId,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Take back what was paid for it.
        #[arg(long)]
        take_back: bool,
    },
    /// Who has an achievement.
    Earners {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// What a member has, and how far they are with the rest.
    Progress {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
    },
}

pub(crate) async fn run(
    global: &Global,
    command: &AchievementCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    use AchievementCommand as C;
    use achievements::ops;
    on_database(global, async |pool| match command {
        C::List { guild, all } => {
            let rows = pages(usize::MAX, async |page: PageQuery| {
                ops::achievement_list(pool, guild.id, *all, &page).await
            });
            let columns =
                ["id", "name", "requirement_type", "requirement_value", "rarity", "earned_by", "active"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Create { guild, body } => {
            one(screen, ops::achievement_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, achievement, body } => {
            one(screen, ops::achievement_update(pool, guild.id, *achievement, read(body)?, operator()).await)
        }
        C::Retire { guild, achievement } => {
            one(screen, ops::achievement_retire(pool, guild.id, *achievement, operator()).await)
        }
        C::Grant { guild, achievement, user, reason } => {
            let grant = achievements::model::GrantAchievement { user_id: *user, reason: reason.clone() };
            one(screen, ops::achievement_grant(pool, guild.id, *achievement, grant, operator()).await)
        }
        C::Revoke { guild, achievement, user, reason, take_back } => {
            let revoke = achievements::model::RevokeAchievement {
                user_id: *user,
                reason: reason.clone(),
                take_back: *take_back,
            };
            one(screen, ops::achievement_revoke(pool, guild.id, *achievement, revoke, operator()).await)
        }
        C::Earners { guild, achievement, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                ops::earner_list(pool, guild.id, *achievement, &page).await
            });
            rows_of(screen, &rows.await?, &["user_id", "name", "earned_at", "granted_by"])
        }
        C::Progress { guild, user } => {
            let rows = pages(usize::MAX, async |page: PageQuery| {
                ops::progress_list(pool, guild.id, *user, &page).await
            });
            rows_of(screen, &rows.await?, &["achievement_id", "name", "value", "threshold", "earned_at"])
        }
    })
    .await
}
