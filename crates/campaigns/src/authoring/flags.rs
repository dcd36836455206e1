//! Answers that are the same for everybody, written into `challenge.toml` where others have a generator. To the rest of the
//! house they are a generator, too: one that always says the same.

use serde::Deserialize;

/// What such a challenge gives participants as their input.
const NO_INPUT: &str = "This challenge has no input of its own.";
const HEAD: &str = "# Everybody has the same answers: `flags` in challenge.toml.\nFLAGS = ";

/// `flags`: the right answers, or a list of them for each part.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Flags {
    OnePart(Vec<String>),
    Parts(Vec<Vec<String>>),
}

impl Flags {
    /// The right answers by part.
    pub(super) fn parts(self) -> Vec<Vec<String>> {
        match self {
            Self::OnePart(flags) => vec![flags],
            Self::Parts(parts) => parts,
        }
    }
}

/// The generator that says these answers. A list of texts is written alike in JSON and in Python.
pub(super) fn script_of(flags: &[Vec<String>]) -> String {
    let flags = serde_json::json!(flags);
    format!(
        "{HEAD}{flags}\nimport json\n\nprint(json.dumps({{\"input\": \"{NO_INPUT}\", \"result\": [{{\"any\": flags}} for flags in \
         FLAGS]}}))\n"
    )
}

/// The answers that a generator made of flags says; `None` for any other script.
pub(super) fn flags_of(script: &str) -> Option<Vec<Vec<String>>> {
    let flags: Vec<Vec<String>> = serde_json::from_str(script.strip_prefix(HEAD)?.lines().next()?).ok()?;
    (script_of(&flags) == script).then_some(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_back_from_their_script() {
        let flags = vec![vec!["FLAG{snow\"flake}".to_owned(), "å\n🎲".to_owned()], vec!["2".to_owned()]];
        assert_eq!(flags_of(&script_of(&flags)), Some(flags.clone()));
        assert_eq!(flags_of(&(script_of(&flags) + "print(1)\n")), None);
        assert_eq!(flags_of("print(1)"), None);
    }
}
