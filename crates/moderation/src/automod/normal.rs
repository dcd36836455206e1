//! The plain form of a text, in which words are compared: compatible forms made one, what is not drawn dropped, accents heaped on letters dropped,
//! capitals made small; and beside it the same with look-alikes of other scripts as Latin letters.
//!
//! Places are kept, so that a match is held against the word's bounds in what is shown.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;

use super::verdict::Step;

/// A text in its plain forms. Kept and used again, so that judging allocates little.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// The plain form.
    pub(super) folded: String,
    /// The same with look-alikes as Latin letters; empty where it is the same.
    pub(super) skeleton: String,
    /// For each byte of `folded` where in what is shown it comes from; empty where that is the same place.
    folded_from: Vec<u32>,
    /// The same for `skeleton`.
    skeleton_from: Vec<u32>,
    is_ascii: bool,
}

impl Plain {
    /// Makes the plain forms of a text that is shown.
    pub(super) fn make(&mut self, shown: &str) {
        self.folded.clear();
        self.skeleton.clear();
        self.folded_from.clear();
        self.skeleton_from.clear();
        self.is_ascii = shown.is_ascii();
        if self.is_ascii {
            self.folded.push_str(shown);
            self.folded.make_ascii_lowercase();
            return;
        }
        self.fold(shown);
        self.map_look_alikes();
    }

    /// The forms that differ: words are looked for in each.
    pub(super) fn views(&self) -> impl Iterator<Item = View<'_>> {
        let folded =
            View { text: &self.folded, from: (!self.is_ascii).then_some(self.folded_from.as_slice()) };
        let skeleton = View { text: &self.skeleton, from: Some(self.skeleton_from.as_slice()) };
        std::iter::once(folded).chain((!self.skeleton.is_empty()).then_some(skeleton))
    }

    fn fold(&mut self, shown: &str) {
        let mut chars = shown.char_indices().peekable();
        let mut cluster = String::new();
        while let Some((at, c)) = chars.next() {
            let from = u32::try_from(at).unwrap_or(u32::MAX);
            if c.is_ascii() && chars.peek().is_none_or(|(_, next)| next.is_ascii()) {
                self.folded.push(c.to_ascii_lowercase());
                self.folded_from.push(from);
                continue;
            }
            if is_invisible(c) {
                continue;
            }
            let alone = chars.peek().is_none_or(|(_, next)| !is_invisible(*next) && !combines(*next));
            // Pictures are what they are.
            if alone && matches!(c, '\u{1F300}'..='\u{1FAFF}') {
                self.folded.push(c);
                self.folded_from.resize(self.folded.len(), from);
                continue;
            }
            cluster.clear();
            cluster.push(c);
            // What combines with it is made one with it; what is not drawn in between does not part them.
            while let Some((_, next)) = chars.peek() {
                if is_invisible(*next) {
                    chars.next();
                } else if combines(*next) && cluster.len() < 64 {
                    cluster.push(*next);
                    chars.next();
                } else if combines(*next) {
                    chars.next();
                } else {
                    break;
                }
            }
            for c in cluster.nfkc().flat_map(char::to_lowercase) {
                if is_heaped(c) || is_invisible(c) {
                    continue;
                }
                let c = match c {
                    // Full stops of other scripts, as browsers take them in addresses.
                    '\u{3002}' => '.',
                    other => styled(other),
                };
                self.folded.push(c);
                self.folded_from.resize(self.folded.len(), from);
            }
        }
    }

    /// Look-alikes become Latin letters in words that mix scripts; in words of look-alikes alone only where nothing else in the text is
    /// really of that script.
    fn map_look_alikes(&mut self) {
        if self.folded.is_ascii() {
            return;
        }
        let words = words(&self.folded);
        let prose = words.iter().any(|word| {
            let word = &self.folded[word.clone()];
            !word.bytes().any(|b| b.is_ascii_alphabetic())
                && word.chars().any(|c| !c.is_ascii() && c.is_alphabetic() && look_alike(c).is_none())
        });
        let mut changed = false;
        let mut copied = 0;
        for range in words {
            let word = &self.folded[range.clone()];
            if word.is_ascii() {
                continue;
            }
            let mixed = word.bytes().any(|b| b.is_ascii_alphabetic());
            let all = word.chars().all(|c| c.is_ascii() || look_alike(c).is_some());
            if !(mixed || (all && !prose)) {
                continue;
            }
            self.copy(copied..range.start);
            for (n, c) in self.folded[range.clone()].char_indices() {
                let mapped = if c.is_ascii() { c } else { look_alike(c).unwrap_or(c) };
                changed |= mapped != c;
                self.skeleton.push(mapped);
                let from = self.folded_from[range.start + n];
                self.skeleton_from.resize(self.skeleton.len(), from);
            }
            copied = range.end;
        }
        if changed {
            self.copy(copied..self.folded.len());
        } else {
            self.skeleton.clear();
            self.skeleton_from.clear();
        }
    }

    fn copy(&mut self, range: std::ops::Range<usize>) {
        self.skeleton.push_str(&self.folded[range.clone()]);
        self.skeleton_from.extend_from_slice(&self.folded_from[range]);
    }
}

/// One of the forms, with where it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) text: &'a str,
    from: Option<&'a [u32]>,
}

impl View<'_> {
    /// Where in what is shown a match lies.
    pub(super) fn origin(&self, start: usize, end: usize, shown: &str) -> std::ops::Range<usize> {
        let Some(from) = self.from else { return start..end };
        let first = from.get(start).map_or(shown.len(), |at| *at as usize);
        let last = from.get(end.saturating_sub(1)).map_or(first, |at| *at as usize);
        let width = shown.get(last..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        first..(last + width).max(first)
    }

    /// Whether a match begins where a word of what is shown does.
    pub(super) fn begins_word(&self, start: usize, shown: &str) -> bool {
        let at = self.from.map_or(start, |from| from.get(start).map_or(shown.len(), |at| *at as usize));
        // In the middle of one character that became several.
        if start > 0
            && self.from.is_some_and(|from| from.get(start) == from.get(start - 1))
            && self.text.is_char_boundary(start)
        {
            return false;
        }
        !shown[..at].chars().rev().find(|c| !is_invisible(*c) && !combines(*c)).is_some_and(is_of_word)
    }

    /// Whether a match ends where a word of what is shown does.
    pub(super) fn ends_word(&self, end: usize, shown: &str) -> bool {
        if end >= self.text.len() {
            return true;
        }
        if self.from.is_some_and(|from| from.get(end) == from.get(end - 1)) {
            return false;
        }
        let at = self.from.map_or(end, |from| from[end] as usize);
        !shown[at..].chars().find(|c| !is_invisible(*c) && !combines(*c)).is_some_and(is_of_word)
    }
}

/// The steps that changed something of a piece of what is shown.
pub(super) fn steps(piece: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let any = |test: fn(char) -> bool| piece.chars().any(test);
    if any(is_invisible) {
        steps.push(Step::Invisible);
    }
    if piece.chars().any(|c| !c.is_ascii() && (std::iter::once(c).nfkc().next() != Some(c) || styled(c) != c))
    {
        steps.push(Step::Compatible);
    }
    let plainly = |c: char| std::iter::once(c).nfkc().flat_map(char::to_lowercase);
    if piece.chars().any(|c| !c.is_ascii() && plainly(c).any(|c| look_alike(c).is_some())) {
        steps.push(Step::Confusable);
    }
    if any(is_heaped) {
        steps.push(Step::Marks);
    }
    if any(char::is_uppercase) {
        steps.push(Step::Case);
    }
    steps
}

/// The plain form of a pattern, and the same with look-alikes as Latin letters.
pub(super) fn pattern(word: &str) -> (String, String) {
    let mut plain = Plain::default();
    plain.make(word);
    let skeleton =
        plain.folded.chars().map(|c| if c.is_ascii() { c } else { look_alike(c).unwrap_or(c) }).collect();
    (plain.folded, skeleton)
}

/// Runs of letters and digits.
fn words(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        match (is_of_word(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| from..text.len()));
    words
}

/// Whether a character is of a word. An underscore parts words, as people write with it for a blank.
pub(super) fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || styled(c) != c
}

/// What is not drawn, and so parts nothing: joiners, soft hyphens, tags, variation selectors, directions.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether it is drawn onto what stands before it.
fn combines(c: char) -> bool {
    u32::from(c) >= 0x300
        && (canonical_combining_class(c) != 0 || is_heaped(c) || matches!(c, '\u{1160}'..='\u{11FF}'))
}

/// Accents that remain after composition: nobody writes with them but to disguise. Scripts that need marks have others.
const fn is_heaped(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Letters in squares and circles, and those of flags, as letters.
fn styled(c: char) -> char {
    let offset = match u32::from(c) {
        code @ 0x1F150..=0x1F169 => code - 0x1F150,
        code @ 0x1F170..=0x1F189 => code - 0x1F170,
        code @ 0x1F1E6..=0x1F1FF => code - 0x1F1E6,
        _ => return c,
    };
    char::from_u32(u32::from('a') + offset).unwrap_or(c)
}

/// The Latin letter that a small letter of another script is drawn like.
pub(super) fn look_alike(c: char) -> Option<char> {
    static BASIC: LazyLock<Box<[u8]>> = LazyLock::new(|| {
        (0..0x1_0000u32)
            .map(|code| char::from_u32(code).and_then(find_look_alike).map_or(0, |c| c as u8))
            .collect()
    });
    match BASIC.get(u32::from(c) as usize) {
        Some(0) => None,
        Some(latin) => Some(char::from(*latin)),
        None => find_look_alike(c),
    }
}

/// By Unicode's confusables, and by what our names go by where those lead to no Latin letter.
fn find_look_alike(c: char) -> Option<char> {
    if c.is_ascii() || !c.is_alphabetic() {
        return None;
    }
    let letter = |text: &mut dyn Iterator<Item = char>| {
        let (first, rest) = (text.next()?.to_ascii_lowercase(), text.next());
        (first.is_ascii_lowercase() && rest.is_none()).then_some(first)
    };
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    letter(&mut unicode_security::confusable_detection::skeleton(text))
        .or_else(|| letter(&mut kernel::text::skeleton(text).chars()))
}

/// Makes the tables that the first look would.
pub(super) fn warm() {
    let _ = look_alike('\u{430}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn forms(text: &str) -> (String, String) {
        let mut plain = Plain::default();
        plain.make(text);
        let skeleton = if plain.skeleton.is_empty() { plain.folded.clone() } else { plain.skeleton.clone() };
        (plain.folded, skeleton)
    }

    #[test]
    fn disguises_come_off() {
        for disguised in [
            "BadWord",
            "bad\u{200B}word",
            "bad\u{AD}word",
            "ba\u{E0064}\u{E0061}dword",
            "ｂａｄｗｏｒｄ",
            "𝐛𝐚𝐝𝐰𝐨𝐫𝐝",
            "𝖇𝖆𝖉𝖜𝖔𝖗𝖉",
            "ⓑⓐⓓⓦⓞⓡⓓ",
            "b\u{337}a\u{337}d\u{337}word",
            "🅱🅰🅳🆆🅾🆁🅳",
            "bаdwоrd",
            "bαdword",
            "ba\u{200D}\u{FE0F}dword",
        ] {
            assert_eq!(forms(disguised).1, "badword", "{disguised}");
        }
    }

    #[test]
    fn prose_of_other_scripts_stays_what_it_is() {
        for prose in [
            "Это обычный русский текст про сор и метро",
            "Καλημέρα, τι κάνεις",
            "schwül und péché",
            "日本語のテキスト",
            "हिन्दी में लिखा",
        ] {
            let (folded, skeleton) = forms(prose);
            assert_eq!(folded, skeleton, "{prose}");
        }
        assert_eq!(forms("сор").1, "cop", "alone it may be either");
        assert_eq!(forms("schwül").0, "schwül");
    }

    #[test]
    fn bounds_are_those_of_what_is_shown() {
        let mut plain = Plain::default();
        let shown = "ass\u{200B}et ǃass";
        plain.make(shown);
        let view = plain.views().next().unwrap();
        assert!(view.text.starts_with("asset") && view.begins_word(0, shown) && !view.ends_word(3, shown));
        let ligature = "oﬃce";
        plain.make(ligature);
        let view = plain.views().next().unwrap();
        assert_eq!(view.text, "office");
        assert!(!view.ends_word(3, ligature) && view.ends_word(6, ligature));
    }

    #[test]
    fn steps_are_told() {
        assert_eq!(steps("BAD"), [Step::Case]);
        assert_eq!(steps("b\u{200B}ad"), [Step::Invisible]);
        assert_eq!(steps("ｂad"), [Step::Compatible]);
        assert_eq!(steps("bаd"), [Step::Confusable]);
        assert_eq!(steps("bad"), []);
    }

    proptest! {
        #[test]
        fn places_lead_back_into_the_text(text in "\\PC{0,40}") {
            let mut plain = Plain::default();
            plain.make(&text);
            for view in plain.views() {
                for (at, c) in view.text.char_indices() {
                    let origin = view.origin(at, at + c.len_utf8(), &text);
                    prop_assert!(text.get(origin).is_some(), "{text:?} {at}");
                }
                for at in 0..=view.text.len() {
                    if view.text.is_char_boundary(at) {
                        let _ = view.begins_word(at, &text);
                        if at > 0 { let _ = view.ends_word(at, &text); }
                    }
                }
            }
        }

        #[test]
        fn the_plain_form_is_its_own(text in "[a-zA-Zа-яА-Яé ]{0,40}") {
            let once = forms(&text).0;
            prop_assert_eq!(forms(&once).0, once);
        }
    }
}
