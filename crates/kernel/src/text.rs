//! Names that people give and read.

/// A name as it is kept: without blanks around it, 1 to `max` characters long, none of them a control character, and one of
/// them at least to be seen. `None` when it is no such name.
pub fn name(text: &str, max: usize) -> Option<&str> {
    let text = text.trim();
    let fits = text.chars().count() <= max && !text.chars().any(char::is_control);
    (fits && text.chars().any(shows)).then_some(text)
}

/// Whether a character is drawn: those that are not are white space and Unicode's `Default_Ignorable_Code_Point`.
fn shows(c: char) -> bool {
    let hidden = matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E
        | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8 | 0x1BCA0..=0x1BCA3
        | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF);
    !hidden && !c.is_whitespace() && !c.is_control()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_can_be_seen() {
        for (text, kept) in [
            (" Ada ", Some("Ada")),
            ("Élan vital", Some("Élan vital")),
            ("a\u{200d}b", Some("a\u{200d}b")),
            ("\u{1f980}", Some("\u{1f980}")),
            ("مرحبا", Some("مرحبا")),
            ("", None),
            (" \u{a0}\u{3000}", None),
            ("\u{200b}\u{feff}", None),
            ("\u{3164}", None),
            ("a\nb", None),
            ("a\0b", None),
            ("abcdefghijk", None),
        ] {
            assert_eq!(name(text, 10), kept, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_kept_again(text in "\\PC{0,20}") {
            if let Some(kept) = name(&text, 12) {
                prop_assert!(kept.chars().count() <= 12 && !kept.is_empty());
                prop_assert_eq!(name(kept, 12), Some(kept));
            }
        }
    }
}
