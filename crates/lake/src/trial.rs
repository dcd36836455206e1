//! What an event would earn by what is configured now: nothing is counted, and no limit moves on.

use access::settings::settings_read;
use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, fields};
use progress::rewards::{
    self, Cooldown, Explanation, Figures, MessageReactions, Multiplier, Pair, Refused, Reward, RewardSettings,
};
use sqlx::PgPool;

use crate::categories::Interaction;
use crate::error::Error;
use crate::multipliers::model::Factors;
use crate::multipliers::{factors_of, multipliers_of};

/// An event that did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// What would be done.
    pub interaction: Interaction,
    /// Where.
    pub channel_id: Option<ChannelId>,
    /// When; now, if left out.
    pub at: Option<DateTime<Utc>>,
    /// Of a message, what it would be like.
    pub figures: Figures,
}

/// What it would earn.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// XP and stars.
    pub reward: Reward,
    /// How they come about.
    pub steps: Vec<Explanation>,
    /// What its place and time multiply by.
    pub factors: Factors,
    /// Why it would earn nothing, as a sentence.
    pub refused: Option<&'static str>,
}

/// What an event would earn somebody who was not rewarded lately and has no role that earns nothing.
pub async fn earn(pool: &PgPool, guild: GuildId, trial: &Trial) -> Result<Tried, Error> {
    let mut conn = db::acquire(pool).await?;
    let at = match trial.at {
        Some(at) => fields::time("at", at)?,
        None => db::now(&mut conn).await?,
    };
    let settings: RewardSettings = settings_read(&mut conn, Some(guild)).await?;
    let multipliers = multipliers_of(&mut conn, guild).await?;
    let weighed = multipliers.active_at(trial.interaction, trial.channel_id, at);
    let closed = trial.channel_id.is_some_and(|channel| settings.no_xp_channels.contains(&channel));
    let reward =
        if closed { Err(Refused::Channel) } else { reward_of(&settings, trial, &weighed.multipliers, at) };
    let factors = factors_of(&weighed);
    Ok(match reward {
        Ok(reward) => Tried { steps: rewards::explain(&reward.steps), factors, reward, refused: None },
        Err(refused) => {
            let refused = Some(rewards::refusal(refused));
            Tried { reward: Reward::default(), steps: Vec::new(), factors, refused }
        }
    })
}

fn reward_of(
    settings: &RewardSettings,
    trial: &Trial,
    multipliers: &[Multiplier],
    at: DateTime<Utc>,
) -> Result<Reward, Refused> {
    let reactions = |settings: &RewardSettings| {
        let (mut pair, mut message) = (Pair::default(), MessageReactions::default());
        rewards::reaction_rewards(settings, (multipliers, multipliers), &mut pair, &mut message, 1, at)
    };
    match trial.interaction {
        Interaction::Message => {
            rewards::message_reward(settings, trial.figures, multipliers, &mut Cooldown::default(), at)
        }
        Interaction::ReactionGiven => reactions(settings).map(|(giver, _)| giver),
        Interaction::ReactionReceived => reactions(settings).map(|(_, receiver)| receiver),
        Interaction::ThreadCreate => Ok(rewards::thread_reward(settings, multipliers)),
        Interaction::VoiceTick => Ok(rewards::tick_reward(settings, multipliers)),
    }
}
