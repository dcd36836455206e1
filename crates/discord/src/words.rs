//! The languages that the bot speaks, and texts of strangers made harmless.

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English, where nothing else is known.
    English,
    /// German.
    German,
}

impl Lang {
    /// The language of one of Discord's locales.
    pub fn of(locale: Option<&str>) -> Self {
        match locale {
            Some(locale) if locale.starts_with("de") => Self::German,
            _ => Self::English,
        }
    }

    /// Its name, of which [`Lang::of`] makes it again.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

/// A text in every language.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// In English.
    pub en: &'static str,
    /// In German.
    pub de: &'static str,
}

/// A sentence in the language of who reads it: first in English, then in German, with `format!`'s arguments after them.
macro_rules! say {
    ($lang:expr, $en:literal, $de:literal $(, $($args:tt)*)?) => {
        match $lang {
            $crate::words::Lang::English => format!($en $(, $($args)*)?),
            $crate::words::Lang::German => format!($de $(, $($args)*)?),
        }
    };
}
pub(crate) use say;

/// The most characters of a text of strangers within a sentence.
const MAX: usize = 100;

/// A name or a title of somebody else's as it stands in a message: nothing of it is Markdown, pings, hides, or turns the text
/// around it.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut turned = false;
    for (n, c) in text.chars().enumerate() {
        if n == MAX {
            out.push('…');
            break;
        }
        match c {
            // What is not drawn, and what turns the text round.
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{ad}' => {}
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => out.push(' '),
            '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '<' | '[' | ']' | '(' | ')' | '#' | '-' | ':'
            | '@' | '/' => {
                out.push('\\');
                out.push(c);
            }
            c => {
                turned |=
                    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
                out.push(c);
            }
        }
    }
    // Kept to itself: what follows is read from the left again.
    if turned { format!("\u{2068}{out}\u{2069}") } else { out }
}

/// A longer text, such as a description, cut to what a message holds. Its Markdown stays; nobody is pinged by what we send.
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(max.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// An instant as Discord shows it to each reader in their own time.
pub fn when(at: chrono::DateTime<chrono::Utc>) -> String {
    format!("<t:{}:R>", at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ping_nobody_and_hide_nothing() {
        for (name, shown) in [
            ("Ada", "Ada"),
            ("@everyone", "\\@everyone"),
            ("<@7>", "\\<\\@7\\>"),
            ("**bold** [x](https://e.com)", "\\*\\*bold\\*\\* \\[x\\]\\(https\\:\\/\\/e.com\\)"),
            ("a\u{202e}b\u{200b}c\nd", "abc d"),
            ("\u{5d0}\u{5d1}", "\u{2068}\u{5d0}\u{5d1}\u{2069}"),
        ] {
            assert_eq!(plain(name), shown);
        }
        assert_eq!(plain(&"x".repeat(500)).chars().count(), MAX + 1);
        assert_eq!(cut("abcdef", 3), "ab…");
    }
}
