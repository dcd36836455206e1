//! The tree as Discord takes it, and as people read it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::kinds::{Command, Leaf, Opt, Takes};
use super::tree::TREE;

const SUBCOMMAND: u8 = 1;

impl Takes {
    const fn kind(self) -> u8 {
        match self {
            Self::Text => 3,
            Self::Number(..) => 4,
            Self::YesNo => 5,
            Self::Member => 6,
            Self::Channel => 7,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number(..) => "number",
            Self::YesNo => "yes or no",
            Self::Member => "member",
            Self::Channel => "channel",
        }
    }
}

fn option(option: &Opt) -> Value {
    let mut value = json!({
        "type": option.takes.kind(), "name": option.name, "description": option.about.en,
        "description_localizations": { "de": option.about.de }, "required": option.required,
    });
    if let Takes::Number(min, max) = option.takes {
        value["min_value"] = json!(min);
        value["max_value"] = json!(max);
    }
    if option.choose.is_some() {
        value["autocomplete"] = json!(true);
        value["max_length"] = json!(200);
    }
    value
}

fn options(leaf: &Leaf) -> Vec<Value> {
    leaf.options.iter().map(option).collect()
}

fn command(command: &Command) -> Value {
    let options: Vec<Value> = match command.leaves {
        [only] if only.name.is_empty() => options(only),
        leaves => leaves
            .iter()
            .map(|leaf| {
                json!({
                    "type": SUBCOMMAND, "name": leaf.name, "description": leaf.about.en,
                    "description_localizations": { "de": leaf.about.de }, "options": options(leaf),
                })
            })
            .collect(),
    };
    json!({
        "type": 1, "name": command.name, "name_localizations": { "de": command.name_de },
        "description": command.about.en, "description_localizations": { "de": command.about.de },
        "options": options, "default_member_permissions": command.seen.bits(),
        // In servers, by being installed there.
        "contexts": [0], "integration_types": [0],
    })
}

/// All commands, as Discord takes them.
pub fn describe() -> Value {
    TREE.iter().map(command).collect()
}

/// The reference, in Markdown.
pub fn reference() -> String {
    let mut text = String::from("| command | what it does | answer |\n|---|---|---|\n");
    for command in TREE {
        for leaf in command.leaves {
            let mut typed = format!("/{}", command.name);
            if !leaf.name.is_empty() {
                typed.push(' ');
                typed.push_str(leaf.name);
            }
            for option in leaf.options {
                let word = format!("{}: {}", option.name, option.takes.word());
                let (before, after) = if option.required { (" ", "") } else { (" [", "]") };
                typed.extend([before, &word, after]);
            }
            let seen = if leaf.private { "for who asks" } else { "for all" };
            let needs = leaf.needs.map(|scope| format!("; takes `{scope}`")).unwrap_or_default();
            let _ = writeln!(text, "| `{typed}` | {} | {seen}{needs} |", leaf.about.en);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_tree_keeps_to_discords_limits() {
        assert!(TREE.len() <= 100);
        let names: BTreeSet<&str> = TREE.iter().map(|command| command.name).collect();
        assert_eq!(names.len(), TREE.len(), "a name stands twice");
        let name = |name: &str| {
            (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        let about = |text: crate::words::Text| {
            [text.en, text.de].into_iter().all(|text| (1..=100).contains(&text.chars().count()))
        };
        for command in TREE {
            assert!(name(command.name) && name(command.name_de) && about(command.about), "{}", command.name);
            assert!(command.leaves.len() <= 25 && !command.leaves.is_empty());
            for leaf in command.leaves {
                assert_eq!(leaf.name.is_empty(), command.leaves.len() == 1 && leaf.name.is_empty());
                assert!(leaf.name.is_empty() || name(leaf.name), "{} {}", command.name, leaf.name);
                assert!(about(leaf.about) && leaf.options.len() <= 25);
                let optional = leaf.options.iter().skip_while(|option| option.required);
                assert!(
                    optional.clone().all(|option| !option.required),
                    "{}: required ones come first",
                    command.name
                );
                for option in leaf.options {
                    assert!(name(option.name) && about(option.about), "{} {}", command.name, option.name);
                    if let Some(scope) = leaf.needs {
                        assert!(
                            access::scope::named().iter().any(|known| known.name == scope),
                            "{scope} is no scope"
                        );
                    }
                }
            }
        }
    }
}
