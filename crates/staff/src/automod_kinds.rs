//! What each kind of automod's rules is told.

use frame::form::Form;
use frame::html::Html;
use moderation::automod::RuleType;
use moderation::model::RaidAction;

use super::sheet::field;

/// What a kind of rules looks for, as a sentence.
pub(super) const fn about(kind: RuleType) -> &'static str {
    match kind {
        RuleType::MessageRate => "Somebody writes so many messages in a short time.",
        RuleType::DuplicateMessages => "Somebody writes the same again and again.",
        RuleType::CrossChannelSpam => "Somebody writes the same in several channels.",
        RuleType::Mentions => "A message mentions too many.",
        RuleType::Links => "A message has a link to where none may lead.",
        RuleType::Invites => "A message invites to another guild.",
        RuleType::Words => "A message has a word that may not be, however it is disguised.",
        RuleType::Regex => "A message matches a regular expression.",
        RuleType::AttachmentTypes => "A file with an ending that may not be is attached.",
        RuleType::EmojiSpam => "A message has too many emoji.",
        RuleType::CapsSpam => "A message is mostly capitals.",
        RuleType::SameContent => "Several accounts write the same.",
        RuleType::UsernameRegex => "The name of who joins matches a regular expression.",
        RuleType::YoungAccount => "Who joins has an account that was made only lately.",
        RuleType::MissingAvatar => "Who joins has no picture.",
        RuleType::JoinRate => "Many join within a short time.",
    }
}

/// Whether what is recorded says what such a rule would have matched.
pub(super) const fn can_be_replayed(kind: RuleType) -> bool {
    matches!(kind, RuleType::MessageRate | RuleType::JoinRate | RuleType::YoungAccount)
}

fn rate(values: &Form, how_many: &str) -> Vec<Html> {
    vec![
        field(&values.number("config.count:int", how_many).between(2, 100).required()),
        field(&values.number("config.seconds:int", "Within so many seconds").between(1, 3_600).required()),
    ]
}

fn list(values: &Form, name: &str, label: &str, help: &str) -> Html {
    field(&values.text(name, label, 4).exact().help(help))
}

fn patterns(values: &Form) -> Vec<Html> {
    vec![
        list(
            values,
            "config.patterns:lines",
            "Patterns",
            "Regular expressions, one a line, without looking back or ahead. Each is tried on what is shown and on its plain form.",
        ),
        field(&values.check("config.case_sensitive:bool", "Capitals matter")),
    ]
}

/// The controls of what a kind of rules is told.
pub(super) fn config_controls(values: &Form, kind: RuleType) -> Vec<Html> {
    match kind {
        RuleType::MessageRate => rate(values, "So many messages"),
        RuleType::DuplicateMessages => rate(values, "The same so many times"),
        RuleType::CrossChannelSpam => rate(values, "In so many channels"),
        RuleType::Mentions => vec![
            field(
                &values
                    .number("config.count:int", "So many are too many")
                    .between(1, 100)
                    .required()
                    .help("Members and roles, each once."),
            ),
            field(&values.check("config.everyone:bool", "@everyone and @here are too many by themselves")),
        ],
        RuleType::Links => vec![
            list(
                values,
                "config.allow:lines",
                "Only these domains",
                "One a line, with what is below them. Any unless told.",
            ),
            list(
                values,
                "config.deny:lines",
                "None of these domains",
                "One a line. With neither list no link is let through.",
            ),
            field(
                &values
                    .check("config.redirectors:bool", "Links that lead on, nobody knows whither, are denied")
                    .help("Unless they are allowed by name."),
            ),
        ],
        RuleType::Invites => {
            vec![list(
                values,
                "config.allow:lines",
                "Invites that may be posted",
                "Their codes, one a line, such as the guild's own.",
            )]
        }
        RuleType::Words => vec![list(
            values,
            "config.words:lines",
            "Words",
            "One a line. bad* is a beginning, *bad an end, *bad* anything with it.",
        )],
        RuleType::Regex | RuleType::UsernameRegex => patterns(values),
        RuleType::AttachmentTypes => vec![
            list(
                values,
                "config.allow:lines",
                "Only these endings",
                "One a line, such as png. Any unless told.",
            ),
            list(values, "config.deny:lines", "None of these endings", "One a line, such as exe."),
        ],
        RuleType::EmojiSpam => {
            vec![field(
                &values.number("config.count:int", "So many are too many").between(1, 1_000).required(),
            )]
        }
        RuleType::CapsSpam => vec![
            field(
                &values
                    .number("config.percent:int", "Of a hundred letters, so many capitals")
                    .between(1, 100)
                    .required(),
            ),
            field(
                &values
                    .number("config.min_letters:int", "From so many letters on")
                    .between(1, 4_000)
                    .help("Shorter texts are let through."),
            ),
        ],
        RuleType::SameContent => vec![
            field(&values.number("config.accounts:int", "By so many accounts").between(2, 100).required()),
            field(
                &values.number("config.seconds:int", "Within so many seconds").between(1, 3_600).required(),
            ),
            field(
                &values
                    .number("config.min_length:int", "From so many characters on")
                    .between(1, 4_000)
                    .help("Many say hello."),
            ),
        ],
        RuleType::YoungAccount => vec![field(
            &values.number("config.hours:int", "Younger than so many hours").between(1, 87_600).required(),
        )],
        RuleType::MissingAvatar => Vec::new(),
        RuleType::JoinRate => joins(values),
    }
}

fn joins(values: &Form) -> Vec<Html> {
    let raid: Vec<(String, String)> =
        std::iter::once((String::new(), "Raid mode is not switched on".to_owned()))
            .chain(RaidAction::ALL.iter().map(|action| {
                let called = match action {
                    RaidAction::Timeout => "Who joins may not speak",
                    RaidAction::Kick => "Who joins is put out",
                    RaidAction::Ban => "Who joins is banned",
                    RaidAction::None => "Only invites are stopped",
                };
                (action.as_str().to_owned(), format!("Raid mode: {}", called.to_lowercase()))
            }))
            .collect();
    vec![
        field(&values.number("config.count:int", "So many").between(2, 10_000).required()),
        field(&values.number("config.seconds:int", "Within so many seconds").between(1, 3_600).required()),
        field(&values.choice("config.raid", "What then", &raid)),
        field(&values.number("config.raid_minutes:int", "Raid mode for so many minutes").between(1, 1_440)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_controls() {
        for kind in RuleType::ALL {
            let controls = config_controls(&Form::new(), kind);
            assert_eq!(controls.is_empty(), kind == RuleType::MissingAvatar, "{kind}");
            assert!(controls.iter().all(|control| control.as_str().contains("name=\"config.")), "{kind}");
            assert!(about(kind).ends_with('.'), "{kind}");
        }
    }
}
