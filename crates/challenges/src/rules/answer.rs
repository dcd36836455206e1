//! Comparing an answer with the expected one.

use subtle::ConstantTimeEq;

/// The most bytes an answer may have (4 KiB, before trimming).
pub const MAX_ANSWER_BYTES: usize = 4096;

/// The answer as it is judged: without white space at either end (Unicode's notion of it). Nothing else is changed:
/// `42`, `42.0` and `042` are three answers.
pub fn trimmed(answer: &str) -> &str {
    answer.trim()
}

/// Whether two answers are the same after trimming, in a time that depends on their lengths alone: how many of the first
/// characters are right cannot be measured.
pub fn answers_equal(given: &str, expected: &str) -> bool {
    trimmed(given).as_bytes().ct_eq(trimmed(expected).as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn white_space_at_the_ends_does_not_count_and_anything_else_does() {
        assert!(answers_equal(" 42\r\n", "42"));
        assert!(answers_equal("42", "\t42 "));
        for other in ["42.0", "042", "4 2", "", "forty-two"] {
            assert!(!answers_equal(other, "42"), "{other}");
        }
        assert!(!answers_equal("Yes", "yes"));
    }

    proptest! {
        #[test]
        fn agrees_with_plain_comparison(a in ".{0,20}", b in ".{0,20}") {
            prop_assert_eq!(answers_equal(&a, &b), a.trim() == b.trim());
            let padded = format!(" {a}\n");
            prop_assert!(answers_equal(&padded, &a));
        }
    }
}
