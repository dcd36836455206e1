//! Names that people give and read: what a name may be is decided here, whoever's it is.

mod skeleton;

use std::fmt;

pub use skeleton::skeleton;

/// A name as it is kept: trimmed, of a length, and made of characters that are seen as what they are.
///
/// Refused are control characters and those that are not drawn or turn the text around, wherever they stand; white space
/// but the plain blank; private and unassigned characters; and heaps of combining marks. Joiners and variation selectors
/// stand only where emoji and the scripts that need them have them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is no name. `Display` goes on after the field's name: "must …".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// Empty, or nothing of it is drawn.
    Empty {
        /// The most characters it may have.
        max: usize,
    },
    /// Longer than it may be.
    Long {
        /// The most characters it may have.
        max: usize,
    },
    /// It holds a character that cannot be seen as what it is.
    Hidden(char),
    /// Three combining marks and more on one character.
    Heap,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { max } | Self::Long { max } => {
                write!(f, "must be 1 to {max} characters that can be seen, none of them a control character")
            }
            Self::Hidden(c) => write!(
                f,
                "must not contain U+{:04X}: control characters, and those that can't be seen, are not allowed",
                u32::from(*c)
            ),
            Self::Heap => f.write_str("must not heap more than two combining marks on a character"),
        }
    }
}

impl std::error::Error for NameFault {}

impl Name {
    /// The name in a text.
    pub fn new(text: &str, max: usize) -> Result<Self, NameFault> {
        name_check(text, max).map(|name| Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as text, for good.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether the two look alike without being the same.
    pub fn resembles(&self, other: &str) -> bool {
        self.0 != other && skeleton(&self.0) == skeleton(other)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name as [`Name`] keeps it; `None` when it is no such name.
pub fn name(text: &str, max: usize) -> Option<&str> {
    name_check(text, max).ok()
}

/// The same, with what is wrong.
pub fn name_check(text: &str, max: usize) -> Result<&str, NameFault> {
    let text = text.trim();
    if text.chars().count() > max {
        return Err(NameFault::Long { max });
    }
    if !text.chars().any(shows) {
        return Err(NameFault::Empty { max });
    }
    if let Some(c) = hidden(text) {
        return Err(NameFault::Hidden(c));
    }
    let mut marks = 0;
    for c in text.chars() {
        marks = if combines(c) { marks + 1 } else { 0 };
        if marks > 2 {
            return Err(NameFault::Heap);
        }
    }
    Ok(text)
}

/// A name that somebody else gave, such as Discord: what [`Name`] refuses is left out, and what is too long is cut. `None` when
/// nothing is left.
pub fn cleaned(text: &str, max: usize) -> Option<String> {
    let mut kept = String::with_capacity(text.len());
    let mut marks = 0;
    let mut rest = text.chars().peekable();
    let mut before = None;
    while let Some(c) = rest.next() {
        let c = if c.is_whitespace() && !c.is_control() { ' ' } else { c };
        marks = if combines(c) { marks + 1 } else { 0 };
        if marks > 2 || !stands(before, c, rest.peek().copied()) {
            continue;
        }
        kept.push(c);
        before = Some(c);
    }
    let cut: String = kept.trim().chars().take(max).collect();
    // What was left out may have been what a joiner joined.
    name_check(&cut, max).ok().map(str::to_owned)
}

/// The first character that may not stand where it stands.
fn hidden(text: &str) -> Option<char> {
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if !stands(before, c, rest.peek().copied()) {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

/// Whether a character may stand between these two.
fn stands(before: Option<char>, c: char, after: Option<char>) -> bool {
    let beyond_greek = |c: Option<char>| c.is_some_and(|c| u32::from(c) >= 0x0590);
    match u32::from(c) {
        0x20 => true,
        // Joiners: between emoji, and in scripts from Hebrew on; among Latin, Greek and Cyrillic they hide.
        0x200C | 0x200D => beyond_greek(before) && beyond_greek(after),
        // Variation selectors: behind a sign, an emoji or a keycap's digit.
        0xFE00..=0xFE0F => {
            before.is_some_and(|b| u32::from(b) >= 0x0590 || b.is_ascii_digit() || "#*©®".contains(b))
        }
        // Tags: only in the flags of England, Scotland and Wales.
        0xE0020..=0xE007F => {
            before.is_some_and(|b| b == '\u{1F3F4}' || (0xE0020..=0xE007E).contains(&u32::from(b)))
        }
        0xE000..=0xF8FF | 0xF_0000..=0x10_FFFF => false,
        _ => shows(c),
    }
}

/// Whether a character is drawn: those that are not are white space and Unicode's `Default_Ignorable_Code_Point`.
pub fn shows(c: char) -> bool {
    let hidden = matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E
        | 0x2060..=0x206F | 0x2800 | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3
        | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF);
    !hidden && !c.is_whitespace() && !c.is_control()
}

/// Whether a character is a mark on the one before it, of those with which texts are defaced.
fn combines(c: char) -> bool {
    matches!(u32::from(c),
        0x0300..=0x036F | 0x0483..=0x0489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

/// The first character that a terminal would take for an order: a control character other than a tab or a line's end.
pub fn control(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
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
            ("E\u{301}lan", Some("E\u{301}lan")),
            ("Nguyê\u{303}n", Some("Nguyê\u{303}n")),
            ("\u{1f980}", Some("\u{1f980}")),
            (
                "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
                Some("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}"),
            ),
            ("\u{2764}\u{fe0f} 1\u{fe0f}\u{20e3}", Some("\u{2764}\u{fe0f} 1\u{fe0f}\u{20e3}")),
            ("\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}", Some("\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}")),
            ("مرحبا", Some("مرحبا")),
            ("می\u{200c}خواهم", Some("می\u{200c}خواهم")),
            ("", None),
            (" \u{a0}\u{3000}", None),
            ("\u{200b}\u{feff}", None),
            ("\u{3164}", None),
            ("a\nb", None),
            ("a\0b", None),
            ("abcdefghijk", None),
            // Hidden among others.
            ("a\u{200d}b", None),
            ("ad\u{200b}min", None),
            ("\u{202e}nimda", None),
            ("ad\u{ad}min", None),
            ("a\u{a0}b", None),
            ("a\u{e000}", None),
            ("ab\u{e0041}", None),
            ("a\u{fe0f}", None),
            ("Z\u{300}\u{301}\u{302}", None),
        ] {
            assert_eq!(name(text, 10), kept, "{text:?}");
        }
    }

    #[test]
    fn what_others_named_is_cleaned() {
        assert_eq!(cleaned("\u{202e}Ad\u{200b}a\u{a0}L\n", 100).as_deref(), Some("Ada L"));
        assert_eq!(cleaned("Z\u{300}\u{301}\u{302}\u{303}o", 100).as_deref(), Some("Z\u{300}\u{301}o"));
        assert_eq!(cleaned("\u{200b}\u{3164}", 100), None);
        assert_eq!(cleaned("abcdef", 3).as_deref(), Some("abc"));
    }

    #[test]
    fn what_looks_alike_is_told() {
        let name = |text: &str| Name::new(text, 100).unwrap();
        for (one, other) in [
            ("Аdа", "Ada"),
            ("ＡＤＡ", "ada"),
            ("B0b", "Bob"),
            ("paypa1", "PayPal"),
            ("Mοd", "Mod"),
            ("A.d-a", "Ada"),
        ] {
            assert!(name(one).resembles(other), "{one} {other}");
        }
        assert!(!name("Ada").resembles("Ada"), "the same is no look-alike");
        assert!(!name("Adam").resembles("Ada"));
    }

    #[test]
    fn orders_to_a_terminal_are_found() {
        assert_eq!(control("a\tb\r\nc"), None);
        assert_eq!(control("مرحبا \u{1f980}"), None);
        for order in ['\0', '\u{8}', '\u{1b}', '\u{7f}', '\u{9b}'] {
            assert_eq!(control(&format!("a{order}b")), Some(order));
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_kept_again(text in "\\PC{0,20}") {
            if let Some(kept) = name(&text, 12) {
                prop_assert!(kept.chars().count() <= 12 && !kept.is_empty());
                prop_assert_eq!(name(kept, 12), Some(kept));
            }
            if let Some(kept) = cleaned(&text, 12) {
                prop_assert_eq!(name(&kept, 12), Some(kept.as_str()));
            }
        }
    }
}
