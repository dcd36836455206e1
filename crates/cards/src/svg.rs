//! How a card looks, as SVG. All texts of others pass through [`Faces::marked`](crate::fonts::Faces::marked), which escapes them.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::{Card, SIZE};

/// The node that holds the name.
pub(crate) const NAME: &str = "name";
/// How large it is written where it fits, and how wide it may be.
pub(crate) const NAME_SIZE: f32 = 46.0;
pub(crate) const NAME_WIDTH: f32 = 470.0;
/// Characters of a name that are drawn.
const LONGEST: usize = 32;
const BAR: f64 = 610.0;
/// Colours of members, light enough on the dark ground (7:1 at least).
pub(crate) const COLOURS: [&str; 6] = ["#5EC8B5", "#8FB8F0", "#F0A9A0", "#D6A6EA", "#E9C46A", "#A9CF86"];

/// A name as it is drawn: without what is not drawn, or turns the text around it; in one line, and not endless.
pub(crate) fn shown(name: &str) -> String {
    shown_within(name, LONGEST)
}

/// A text of at most so many characters, likewise.
pub(crate) fn shown_within(text: &str, longest: usize) -> String {
    let mut kept: String = text
        .chars()
        .filter(|c| {
            // Joiners shape the letters of Persian and of Indian scripts, and stay.
            !matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
        })
        .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
        .take(longest + 1)
        .collect();
    if kept.chars().count() > longest {
        kept = kept.chars().take(longest - 1).collect();
        kept.push('…');
    }
    kept.trim().to_owned()
}

/// The whole picture; `name` is marked up, `marked` marks up other texts.
pub(crate) fn whole(card: &Card, name: &str, size: f32, marked: impl Fn(&str) -> String) -> String {
    let (width, height) = SIZE;
    let hash = Sha256::digest(card.id.to_le_bytes());
    let colour = COLOURS[usize::from(hash[0]) % COLOURS.len()];
    let full = card.progress.clamp(0.0, 1.0) * BAR;
    let full = if full.is_finite() { full } else { 0.0 };
    let text = |out: &mut String, (x, y, size): (f64, f64, f64), anchor: &str, fill: &str, text: &str| {
        let _ = write!(
            out,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{fill}\" xml:space=\"preserve\">{}</text>",
            marked(text)
        );
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\
         <defs><clipPath id=\"place\"><rect x=\"230\" y=\"24\" width=\"500\" height=\"96\"/></clipPath>\
         <clipPath id=\"bar\"><rect x=\"240\" y=\"146\" width=\"{BAR}\" height=\"28\" rx=\"14\"/></clipPath></defs>\
         <rect width=\"{width}\" height=\"{height}\" rx=\"24\" fill=\"#14202A\"/>\
         <rect x=\"24\" y=\"24\" width=\"180\" height=\"212\" rx=\"18\" fill=\"#1D2C38\"/>\
         <rect x=\"24\" y=\"24\" width=\"8\" height=\"212\" rx=\"4\" fill=\"{colour}\"/>"
    );
    let level = card.level.to_string();
    let large = if level.len() > 3 { 56.0 } else { 84.0 };
    text(&mut out, (114.0, 150.0, large), "middle", colour, &level);
    text(&mut out, (114.0, 196.0, 22.0), "middle", "#C9D6DF", &card.level_label);
    let _ = write!(
        out,
        "<g clip-path=\"url(#place)\"><text id=\"{NAME}\" x=\"240\" y=\"92\" font-size=\"{size}\" fill=\"#F4F7F9\" xml:space=\"preserve\">{name}</text></g>"
    );
    if let Some(rank) = &card.rank {
        text(&mut out, (850.0, 92.0, 38.0), "end", colour, rank);
    }
    let _ = write!(
        out,
        "<g clip-path=\"url(#bar)\"><rect x=\"240\" y=\"146\" width=\"{BAR}\" height=\"28\" fill=\"#2A3C4A\"/>\
         <rect x=\"240\" y=\"146\" width=\"{full:.2}\" height=\"28\" fill=\"{colour}\"/></g>"
    );
    text(&mut out, (240.0, 218.0, 24.0), "start", "#C9D6DF", &card.below.0);
    text(&mut out, (850.0, 218.0, 24.0), "end", "#C9D6DF", &card.below.1);
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_and_turn_nothing_around() {
        assert_eq!(shown(" a\u{202e}b\u{200b}c\nd "), "abc d");
        assert_eq!(shown("می\u{200c}خواهم"), "می\u{200c}خواهم");
        let long = shown(&"x".repeat(500));
        assert_eq!((long.chars().count(), long.ends_with('…')), (LONGEST, true));
        assert_eq!(shown("\u{202e}"), "");
    }
}
