//! The cheap part of word rules, as rules of Discord's own `AutoMod`: what it blocks never appears.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::rule::{Config, Rule, RuleType};
use super::verdict::Act;
use crate::error::Error;
use crate::model::RuleId;

/// Most rules about words in a guild.
const RULES: usize = 6;
/// Most words of a rule.
const WORDS: usize = 1_000;
/// Longest word.
const LONGEST: usize = 60;
/// Most patterns of a rule, and the longest.
const PATTERNS: (usize, usize) = (10, 260);
/// Most roles and channels that a rule exempts.
const EXEMPT: (usize, usize) = (20, 50);

/// Rules for Discord's `AutoMod`, and what stays ours.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = NativeRules)]
pub struct Native {
    /// Bodies for `POST /guilds/{guild}/auto-moderation/rules`.
    #[schema(value_type = Vec<Object>)]
    pub rules: Vec<Value>,
    /// Of which of ours each is made, in the same order.
    #[serde(skip)]
    #[schema(ignore)]
    pub of: Vec<RuleId>,
    /// What Discord would not take, as sentences.
    pub left_out: Vec<String>,
}

/// Compiles what of the rules Discord can judge by itself: words, patterns and mentions of rules that delete and do nothing else, as what Discord
/// blocks never comes to us, and so neither to a case nor to an alert of ours. Ours go on judging: they see through disguises, and surfaces that
/// Discord's do not.
pub fn native(rules: &[Rule]) -> Result<Native, Error> {
    let mut native = Native { rules: Vec::new(), of: Vec::new(), left_out: Vec::new() };
    let mut about_words = 0;
    let mut about_mentions = 0;
    for rule in rules.iter().filter(|rule| rule.rule.is_active && !rule.rule.dry_run) {
        let name = &rule.rule.name;
        let mut left_out = |why: &str| native.left_out.push(format!("“{name}” {why}."));
        let is_native = |kind| matches!(kind, RuleType::Words | RuleType::Regex | RuleType::Mentions);
        if is_native(rule.rule.rule_type) && rule.rule.action != Act::Delete {
            left_out("does more than delete: what Discord blocks would come to no case");
            continue;
        }
        let (trigger, metadata) = match Config::read(rule.rule.rule_type, &rule.rule.config)? {
            Config::Words(words) => {
                let (fit, long): (Vec<String>, Vec<String>) =
                    words.words.into_iter().partition(|word| word.chars().count() <= LONGEST);
                if !long.is_empty() {
                    left_out(&format!("has {} words of more than {LONGEST} characters", long.len()));
                }
                if fit.len() > WORDS {
                    left_out(&format!("has more than {WORDS} words"));
                }
                (1, json!({ "keyword_filter": fit.into_iter().take(WORDS).collect::<Vec<_>>() }))
            }
            Config::Regex(patterns) => {
                let of_all = patterns.patterns.len();
                let fit: Vec<String> = patterns
                    .patterns
                    .into_iter()
                    .filter(|pattern| pattern.chars().count() <= PATTERNS.1)
                    .take(PATTERNS.0)
                    .collect();
                if fit.len() < of_all {
                    left_out(&format!("has {} patterns that are too many or too long", of_all - fit.len()));
                }
                (1, json!({ "regex_patterns": fit }))
            }
            Config::Mentions(mentions) if mentions.count <= 50 => (
                5,
                json!({ "mention_total_limit": mentions.count, "mention_raid_protection_enabled": false }),
            ),
            _ => continue,
        };
        if metadata
            .as_object()
            .is_some_and(|fields| fields.values().any(|list| list.as_array().is_some_and(Vec::is_empty)))
        {
            continue;
        }
        let (taken, most) = if trigger == 1 { (&mut about_words, RULES) } else { (&mut about_mentions, 1) };
        if *taken == most {
            left_out("does not fit: Discord takes no more rules of the kind");
            continue;
        }
        let (roles, channels) = (&rule.rule.exempt_role_ids, &rule.rule.exempt_channel_ids);
        if roles.len() > EXEMPT.0 || channels.len() > EXEMPT.1 {
            left_out("exempts more roles or channels than Discord takes");
            continue;
        }
        *taken += 1;
        native.of.push(rule.id);
        native.rules.push(json!({
            "name": name,
            "event_type": 1,
            "trigger_type": trigger,
            "trigger_metadata": metadata,
            "actions": actions(rule),
            "enabled": true,
            "exempt_roles": roles,
            "exempt_channels": channels,
        }));
    }
    Ok(native)
}

/// The message does not appear; where the rule tells a channel, Discord tells it.
fn actions(rule: &Rule) -> Vec<Value> {
    let mut actions = vec![json!({ "type": 1, "metadata": {} })];
    if let Some(channel) = rule.rule.alert_channel_id {
        actions.push(json!({ "type": 2, "metadata": { "channel_id": channel } }));
    }
    actions
}
