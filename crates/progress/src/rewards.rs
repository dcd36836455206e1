//! What an event earns: a pure calculation over settings, the event's figures and the state of the limits.
//!
//! Promises:
//! * The same settings, figures and state give the same reward, on every machine and in every order of calls.
//! * Every factor and every limit that had a say is in [`Reward::steps`] or the reason why there is none, so that a reward can be
//!   explained years later from the journal alone, whatever became of the settings.
//!
//! The formula (spec.md section 7): `base × quality × category × timed events`, rounded to the nearest whole number (halves up);
//! for reactions received, XP times `1 / (1 + n)` with the n reactions of that pair rewarded that day, stars times the share
//! of distinct reactors among the message's reactions; then the cap of a burst.
//!
//! Map: `settings` what an administrator may choose · `calculate` base, quality, multipliers · `limits` cooldown, pairs, bursts ·
//! `voice` ticks · `explain` the steps as sentences.

mod calculate;
mod explain;
mod limits;
mod settings;
mod voice;

pub use calculate::{
    Figures, Multiplier, Refused, Reward, Step, Why, message_reward, reaction_rewards, thread_reward,
    tick_reward,
};
pub use explain::{Explanation, explain, refusal};
pub use limits::{Cooldown, MessageReactions, Pair};
pub use settings::{Invalid, RewardSettings};
pub use voice::{Sitting, Tick, settle};
