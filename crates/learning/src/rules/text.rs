//! Texts as answers: what counts as the same, and patterns that are anchored and linear in time.

use regex::RegexBuilder;
use unicode_normalization::UnicodeNormalization as _;

/// The longest pattern, in bytes, and the most memory a compiled one may take.
const MAX_PATTERN: usize = 1_000;
const MAX_COMPILED: usize = 1 << 20;

/// The text as it is compared: NFC, trimmed, white space within collapsed to single blanks; case folded where case does
/// not matter.
pub fn normalised(text: &str, case_sensitive: bool) -> String {
    let collapsed = text.nfc().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    if case_sensitive {
        return collapsed;
    }
    // Up, then down: so that ß and SS, ſ and s, ς and σ meet, as full case folding has it.
    collapsed.to_uppercase().to_lowercase().nfc().collect()
}

/// A pattern that the whole of a normalised answer must match.
#[derive(Debug, Clone)]
pub struct Pattern(regex::Regex);

impl Pattern {
    /// Compiles a pattern of the `regex` crate's language (no look-around, no back-references), or says what is wrong.
    pub fn new(pattern: &str, case_sensitive: bool) -> Result<Self, String> {
        if pattern.is_empty() || pattern.len() > MAX_PATTERN {
            return Err(format!("must be 1 to {MAX_PATTERN} bytes long"));
        }
        // By itself first: `a)|(?:b` would else break out of the anchors.
        let alone = RegexBuilder::new(pattern).size_limit(MAX_COMPILED).build();
        if let Err(error) = alone {
            let text = error.to_string();
            let reason =
                text.lines().last().unwrap_or("it cannot be read").trim().trim_start_matches("error: ");
            return Err(format!("is no pattern that can be used: {reason}"));
        }
        RegexBuilder::new(&format!(r"\A(?:{pattern}\n?)\z"))
            .case_insensitive(!case_sensitive)
            .size_limit(MAX_COMPILED)
            .build()
            .map(Self)
            .map_err(|_| "is no pattern that can be used: it is too large, or ends in a comment".to_owned())
    }

    /// Whether all of the text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(&normalised(text, true))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (one, other, same_case, any_case) in [
            ("  bubble \t\n sort ", "bubble sort", true, true),
            ("Bubble Sort", "bubble sort", false, true),
            ("e\u{301}", "é", true, true),
            ("STRASSE", "straße", false, true),
            ("bubblesort", "bubble sort", false, false),
            ("ΟΔΟΣ", "οδος", false, true),
        ] {
            assert_eq!(normalised(one, true) == normalised(other, true), same_case, "{one} {other}");
            assert_eq!(normalised(one, false) == normalised(other, false), any_case, "{one} {other}");
        }
    }

    #[test]
    fn patterns_are_anchored() {
        let pattern = Pattern::new("a|b", true).unwrap();
        assert!(
            pattern.matches("a")
                && pattern.matches(" b ")
                && !pattern.matches("ab")
                && !pattern.matches("xa")
        );
        let multi = Pattern::new("(?m)^a$", true).unwrap();
        assert!(multi.matches("a") && !multi.matches("b a"));
        assert!(Pattern::new("O\\(n\\)", false).unwrap().matches("o(N)"));
    }

    #[test]
    fn patterns_that_could_hang_or_escape_are_refused() {
        for wrong in ["", "(", "a)|(?:b", r"(a)\1", "(?=a)", "a{1000}{1000}", &"a".repeat(1_001)] {
            assert!(Pattern::new(wrong, true).is_err(), "{wrong}");
        }
        // Exponential for a backtracker; here linear.
        assert!(!Pattern::new("(a*)*b", true).unwrap().matches(&"a".repeat(50_000)));
    }

    proptest! {
        #[test]
        fn normalising_again_changes_nothing(text in "\\PC{0,30}", case_sensitive: bool) {
            let once = normalised(&text, case_sensitive);
            prop_assert_eq!(normalised(&once, case_sensitive), once);
        }
    }
}
