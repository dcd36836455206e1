//! Comparing an answer with the expected one.

use subtle::ConstantTimeEq;

// What a generator may say is what a participant may submit, and both are read alike.
pub use sandbox::generator::{MAX_ANSWER_BYTES, canonical};

/// Whether two answers are the same but for white space at their ends and the kind of their line ends, in a time that
/// depends on their lengths alone: how many of the first characters are right cannot be measured.
pub fn answers_equal(given: &str, expected: &str) -> bool {
    canonical(given).as_bytes().ct_eq(canonical(expected).as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn white_space_at_the_ends_does_not_count_and_anything_else_does() {
        assert!(answers_equal(" 42\r\n", "42"));
        assert!(answers_equal("42", "\t42 "));
        assert!(answers_equal("a\r\nb\rc", "a\nb\nc") && answers_equal("a\nb", "a\r\nb"));
        for other in ["42.0", "042", "4 2", "", "forty-two"] {
            assert!(!answers_equal(other, "42"), "{other}");
        }
        assert!(!answers_equal("Yes", "yes"));
    }

    proptest! {
        #[test]
        fn agrees_with_plain_comparison(a in ".{0,20}", b in ".{0,20}") {
            prop_assert_eq!(answers_equal(&a, &b), canonical(&a) == canonical(&b));
            let padded = format!(" {a}\n");
            prop_assert!(answers_equal(&padded, &a));
        }
    }
}
