//! What may be required, and which thresholds a change crossed: pure decisions.

use std::collections::HashMap;

use kernel::UserId;
use kernel::fields;

use super::model::{NewAchievement, RequirementScope, RequirementType};
use crate::EventType;
use crate::changes::{Changes, Moved};
use crate::error::Error;
use crate::ids::{AchievementId, SeasonId};

/// Figures of a member in a season (`user_stats`).
pub const SEASON_FIELDS: [&str; 5] =
    ["messages_sent", "reactions_given", "reactions_received", "threads_created", "voice_minutes"];

/// Checks a new achievement, and trims its texts.
pub fn check_new(mut new: NewAchievement) -> Result<NewAchievement, Error> {
    new.name = fields::line("name", &new.name, 200)?;
    new.description = fields::text("description", &new.description, 1_000)?;
    new.category = fields::line("category", &new.category, 50)?;
    fields::within("xp_reward", new.xp_reward, 0, 1_000_000)?;
    fields::within("gold_reward", new.gold_reward, 0, 1_000_000)?;
    new.badge_image_url = new.badge_image_url.map(|url| fields::url("badge_image_url", &url)).transpose()?;
    match (new.requirement_type, new.requirement_value) {
        (RequirementType::Custom, None) => {}
        (RequirementType::Custom, Some(_)) => {
            return Err(Error::Invalid("requirement_value", "must be null for `custom`".to_owned()));
        }
        (_, Some(value)) => check_value(value)?,
        (_, None) => return Err(Error::Invalid("requirement_value", "is missing".to_owned())),
    }
    check_field(&new)?;
    Ok(new)
}

/// Checks a threshold.
pub fn check_value(value: i32) -> Result<(), Error> {
    fields::within("requirement_value", value, 1, i32::MAX)?;
    Ok(())
}

fn check_field(new: &NewAchievement) -> Result<(), Error> {
    let fits = |field: &str| {
        SEASON_FIELDS.contains(&field)
            || (new.requirement_scope == RequirementScope::Lifetime
                && EventType::ALL.iter().any(|kind| kind.as_str() == field))
    };
    match (new.requirement_type, new.requirement_field.as_deref()) {
        (RequirementType::CounterThreshold, Some(field)) if fits(field) => Ok(()),
        (RequirementType::CounterThreshold, _) => {
            let mut known = SEASON_FIELDS.to_vec();
            if new.requirement_scope == RequirementScope::Lifetime {
                known.extend(EventType::ALL.iter().map(|kind| kind.as_str()));
            }
            Err(Error::Invalid("requirement_field", format!("must be one of {}", known.join(", "))))
        }
        (_, None) => Ok(()),
        (_, Some(_)) => {
            Err(Error::Invalid("requirement_field", "is for `counter_threshold` alone".to_owned()))
        }
    }
}

/// An achievement reached by a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crossing {
    /// By whom.
    pub user_id: UserId,
    /// Which.
    pub achievement_id: AchievementId,
    /// In which season.
    pub season_id: Option<SeasonId>,
}

/// A guild's thresholds by measure (`progress.member_measures`), rising.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thresholds(HashMap<String, Vec<(i64, AchievementId)>>);

impl Thresholds {
    /// Of these achievements: measure, threshold, achievement.
    pub fn new(all: impl IntoIterator<Item = (String, i64, AchievementId)>) -> Self {
        let mut by_measure: HashMap<String, Vec<(i64, AchievementId)>> = HashMap::new();
        for (measure, threshold, achievement) in all {
            by_measure.entry(measure).or_default().push((threshold, achievement));
        }
        for thresholds in by_measure.values_mut() {
            thresholds.sort_unstable();
        }
        Self(by_measure)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one is held against this measure.
    pub fn has(&self, measure: &str) -> bool {
        self.0.contains_key(measure)
    }

    /// All of them: measure, threshold, achievement.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64, AchievementId)> {
        self.0.iter().flat_map(|(measure, all)| all.iter().map(|(value, id)| (measure.as_str(), *value, *id)))
    }

    /// The achievements whose threshold the figure reached or passed just now.
    fn crossed(&self, measure: &str, moved: Moved) -> impl Iterator<Item = AchievementId> {
        let all = self.0.get(measure).map(Vec::as_slice).unwrap_or_default();
        let from = all.partition_point(|(threshold, _)| *threshold <= moved.before);
        let to = all.partition_point(|(threshold, _)| *threshold <= moved.after).max(from);
        all[from..to].iter().map(|(_, achievement)| *achievement)
    }

    /// Every threshold that a batch of events crossed. Those over sums of all seasons are not among them: see
    /// [`Thresholds::to_be_summed`].
    pub fn crossings(&self, changes: &Changes) -> Vec<Crossing> {
        let mut crossings = Vec::new();
        if self.is_empty() {
            return crossings;
        }
        let active = changes.season_id.map(SeasonId::new);
        for member in &changes.members {
            let mut add = |measure: &str, moved: Moved, season_id| {
                if moved.after > moved.before {
                    crossings.extend(self.crossed(measure, moved).map(|achievement_id| Crossing {
                        user_id: member.user_id,
                        achievement_id,
                        season_id,
                    }));
                }
            };
            add("xp", member.xp, active);
            add("stars", member.stars, active);
            for (kind, moved) in &member.counters {
                add(counter(*kind), *moved, active);
            }
            for season in &member.seasons {
                let of = Some(SeasonId::new(season.season_id));
                add("season_xp", season.xp, of);
                add("season_stars", season.stars, of);
                add("season:messages_sent", season.messages_sent, of);
                add("season:reactions_given", season.reactions_given, of);
                add("season:reactions_received", season.reactions_received, of);
                add("season:threads_created", season.threads_created, of);
                add("season:voice_minutes", season.voice_minutes, of);
            }
        }
        crossings
    }

    /// Members with a figure that rose and whose sum over all seasons a threshold is held against: only the database
    /// knows the sum.
    pub fn to_be_summed(&self, changes: &Changes) -> Vec<UserId> {
        let (reactions, minutes) = (self.has("total:reactions_received"), self.has("total:voice_minutes"));
        if !reactions && !minutes {
            return Vec::new();
        }
        let rose = |moved: Moved| moved.after > moved.before;
        let members = changes.members.iter().filter(|member| {
            member.seasons.iter().any(|season| {
                (reactions && rose(season.reactions_received)) || (minutes && rose(season.voice_minutes))
            })
        });
        members.map(|member| member.user_id).collect()
    }
}

/// The measure of a lifetime counter.
const fn counter(kind: EventType) -> &'static str {
    match kind {
        EventType::MessageCreate => "events:message_create",
        EventType::ReactionAdd => "events:reaction_add",
        EventType::ReactionRemove => "events:reaction_remove",
        EventType::ThreadCreate => "events:thread_create",
        EventType::VoiceJoin => "events:voice_join",
        EventType::VoiceLeave => "events:voice_leave",
        EventType::VoiceMove => "events:voice_move",
        EventType::MemberJoin => "events:member_join",
        EventType::MemberLeave => "events:member_leave",
    }
}

#[cfg(test)]
mod tests {
    use kernel::GuildId;
    use proptest::prelude::*;

    use super::*;
    use crate::changes::MemberChange;

    fn xp(before: i64, after: i64) -> Changes {
        let still = Moved::default();
        Changes {
            guild_id: GuildId::new(1),
            season_id: None,
            members: vec![MemberChange {
                user_id: UserId::new(7),
                xp: Moved { before, after },
                stars: still,
                level: still,
                counters: Vec::new(),
                seasons: Vec::new(),
            }],
        }
    }

    #[test]
    fn counters_are_named_as_the_lake_names_them() {
        for kind in EventType::ALL {
            assert_eq!(counter(kind), format!("events:{}", kind.as_str()));
        }
    }

    proptest! {
        #[test]
        fn exactly_the_thresholds_passed_are_crossed_and_each_once(
            thresholds in prop::collection::vec(1i64..200, 0..20), steps in prop::collection::vec(0i64..40, 0..12),
        ) {
            let all = Thresholds::new(
                thresholds.iter().zip(1..).map(|(value, n)| ("xp".to_owned(), *value, AchievementId::new(n))),
            );
            let (mut at, mut earned) = (0, Vec::new());
            for step in steps {
                earned.extend(all.crossings(&xp(at, at + step)).into_iter().map(|c| c.achievement_id.get()));
                at += step;
            }
            earned.sort_unstable();
            let mut wanted: Vec<i32> =
                thresholds.iter().zip(1..).filter(|(value, _)| **value <= at).map(|(_, n)| n).collect();
            wanted.sort_unstable();
            prop_assert_eq!(earned, wanted);
            prop_assert!(all.crossings(&xp(at, 0)).is_empty());
        }
    }
}
