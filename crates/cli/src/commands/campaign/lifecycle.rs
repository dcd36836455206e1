//! A campaign through its life, by the operator: published, started, closed, its rewards opened and claimed; or cancelled.

use campaigns::{
    model::{Campaign, RewardClaim, Status},
    ops::{self, Asker},
};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use db::Database;
use jobs::Wake;
use kernel::{CampaignId, UserId};
use serde_json::json;

use super::guild_of;
use crate::{
    failure::Failure,
    screen::{Screen, counted, table},
};

#[derive(Debug, Subcommand)]
pub(crate) enum LifecycleCommand {
    /// Show where a campaign is in its life, and what comes next.
    Show {
        /// The campaign.
        campaign: CampaignId,
    },
    /// Let members see and enter a draft; it starts by itself at its start time.
    Publish {
        /// The campaign.
        campaign: CampaignId,
        /// Start then, instead of at the time in its settings.
        #[arg(long, value_name = "TIME")]
        start: Option<DateTime<Utc>>,
    },
    /// Start a campaign now, published or not.
    Start {
        /// The campaign.
        campaign: CampaignId,
    },
    /// End a running campaign now.
    Close {
        /// The campaign.
        campaign: CampaignId,
    },
    /// Let members claim the rewards of a closed campaign now, instead of when the delay is over.
    OpenRewards {
        /// The campaign.
        campaign: CampaignId,
    },
    /// Claim a member's reward in their place.
    Claim {
        /// The campaign.
        campaign: CampaignId,
        /// The member.
        #[arg(long)]
        user: UserId,
    },
    /// Call a campaign off; fees go back if it never started.
    Cancel {
        /// The campaign.
        campaign: CampaignId,
    },
    /// Remove a draft, or a campaign that has expired.
    Delete {
        /// The campaign.
        campaign: CampaignId,
    },
}

impl LifecycleCommand {
    fn campaign(&self) -> CampaignId {
        match self {
            Self::Show { campaign }
            | Self::Publish { campaign, .. }
            | Self::Start { campaign }
            | Self::Close { campaign }
            | Self::OpenRewards { campaign }
            | Self::Claim { campaign, .. }
            | Self::Cancel { campaign }
            | Self::Delete { campaign } => *campaign,
        }
    }
}

pub(super) async fn run(
    database: &Database,
    command: &LifecycleCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    use LifecycleCommand as C;
    let (pool, id) = (database.pool(), command.campaign());
    let guild = guild_of(database, id).await?;
    // Engines of other processes hear of new timers through the database.
    let wake = &Wake::default();
    let campaign = match command {
        C::Show { .. } => ops::campaign_get(pool, guild, id, true).await?,
        C::Publish { start, .. } => ops::campaign_publish(pool, wake, guild, Asker::CLI, id, *start).await?,
        C::Start { .. } => ops::campaign_start(pool, wake, guild, Asker::CLI, id).await?,
        C::Close { .. } => ops::campaign_close(pool, wake, guild, Asker::CLI, id).await?,
        C::OpenRewards { .. } => ops::campaign_open_rewards(pool, wake, guild, Asker::CLI, id).await?,
        C::Cancel { .. } => ops::campaign_cancel(pool, wake, guild, Asker::CLI, id).await?,
        C::Claim { user, .. } => {
            let claim = ops::reward_claim(pool, wake, guild, id, *user).await?;
            return screen.answer(&claim, claimed);
        }
        C::Delete { .. } => {
            ops::campaign_delete(pool, guild, Asker::CLI, id).await?;
            return screen.answer(&json!({}), |_| format!("Campaign {id} is gone."));
        }
    };
    screen.answer(&campaign, told)
}

fn claimed(claim: &RewardClaim) -> String {
    let RewardClaim { user_id, rank, bytes, xp, gold, .. } = claim;
    format!("Member {user_id}, rank {rank}, got {bytes} bytes, {xp} XP and {gold} gold.")
}

/// The campaign in a few lines, the last of which says what comes next.
fn told(campaign: &Campaign) -> String {
    let time = |at: Option<DateTime<Utc>>| at.map(|at| at.format("%Y-%m-%d %H:%M UTC").to_string());
    let rows = [
        ("name", Some(campaign.settings.name.clone())),
        ("status", Some(standing(campaign))),
        ("challenges", Some(format!("{}, {} released", campaign.challenges, campaign.challenges_released))),
        ("starts", time(campaign.settings.start_time).filter(|_| campaign.started_at.is_none())),
        ("started", time(campaign.started_at)),
        ("ends", time(campaign.end_time).filter(|_| campaign.closed_at.is_none())),
        ("closed", time(campaign.closed_at)),
        ("rewards open", time(campaign.reward_claim_at)),
        ("cancelled", time(campaign.cancelled_at)),
    ];
    let rows = rows.into_iter().filter_map(|(what, value)| Some([what.to_owned(), value?]));
    format!("{}\n\n{}", table(["campaign", &campaign.id.to_string()], rows), next(campaign))
}

/// Where it is, in words that tell a draft from what is published, and what was called off from what is over.
pub(super) fn standing(campaign: &Campaign) -> String {
    match campaign.status {
        Status::Created if campaign.published_at.is_none() => "draft".to_owned(),
        Status::Created => "published".to_owned(),
        Status::Expired if campaign.cancelled_at.is_some() => "cancelled".to_owned(),
        other => other.to_string(),
    }
}

/// What an operator does next, with the command for it.
pub(super) fn next(campaign: &Campaign) -> String {
    let id = campaign.id;
    match campaign.status {
        Status::Created if campaign.published_at.is_none() => {
            let then = match campaign.settings.start_time {
                Some(at) => format!("it then starts on {}", at.format("%Y-%m-%d at %H:%M UTC")),
                None => "it has no start time yet: give one with --start TIME".to_owned(),
            };
            format!(
                "It is a draft: nobody sees it, and it does not start by itself. Publish it with `questhall campaign publish \
                 {id}` ({then}), or start it now with `questhall campaign start {id}`."
            )
        }
        Status::Created => format!(
            "It starts by itself; now with `questhall campaign start {id}`, never with `questhall campaign cancel {id}`."
        ),
        Status::Running => format!("It closes by itself; now with `questhall campaign close {id}`."),
        Status::Closed => format!(
            "Rewards can be claimed when the delay is over; now with `questhall campaign open-rewards {id}`."
        ),
        Status::RewardClaim => {
            "Members claim their rewards; for one of them, `questhall campaign claim`.".to_owned()
        }
        Status::Expired => format!("It is over. `questhall campaign delete {id}` removes it."),
    }
}

/// What an import made, and what to do with it.
pub(super) fn imported(campaign: &Campaign) -> String {
    let challenges = counted(campaign.challenges, "challenge");
    format!(
        "{} ({challenges}) is in guild {} as campaign {}, {}.\n{}",
        campaign.settings.name,
        campaign.guild_id,
        campaign.id,
        standing(campaign),
        next(campaign)
    )
}
