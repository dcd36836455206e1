//! What a link leads to, as those show it who are sent one: what it is, how it stands, who is first.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::svg::{COLOURS, shown_within};

/// Width and height of a poster in pixels: what Open Graph's readers show large.
pub const POSTER_SIZE: (u32, u32) = (1200, 630);

const LEFT: f32 = 76.0;
const RIGHT: f32 = 1128.0;
/// Rows that have a place.
const MOST_ROWS: usize = 4;
/// Characters of a title that stand in one line, and in the second.
const TITLE_LINE: usize = 30;
const TITLE_REST: usize = 34;
/// Characters of other texts that are drawn.
const LONGEST: usize = 56;
const LONGEST_NAME: usize = 36;
const LONGEST_VALUE: usize = 28;

const LIGHT: &str = "#F4F7F9";
const MUTED: &str = "#C9D6DF";

/// What is shown of a page. Texts come as they are to be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Poster {
    /// Whose it is: decides the colour.
    pub id: String,
    /// What stands above the title.
    pub above: String,
    /// What it is called.
    pub title: String,
    /// How it stands, and when.
    pub state: String,
    /// The first of a list, best first; the first four have a place.
    pub rows: Vec<Row>,
}

/// A row of a poster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Row {
    /// What stands before it: a rank.
    pub place: String,
    /// What it is about: a name.
    pub name: String,
    /// What it comes to.
    pub value: String,
}

/// A line of text with its place.
pub(crate) struct Line {
    x: f32,
    y: f32,
    /// How large it is written.
    pub(crate) size: f32,
    /// How wide it may be.
    pub(crate) width: f32,
    anchor: &'static str,
    fill: &'static str,
    marked: String,
}

/// The node that holds the n-th line.
pub(crate) fn id(n: usize) -> String {
    format!("t{n}")
}

fn colour(poster: &Poster) -> &'static str {
    let hash = Sha256::digest(poster.id.as_bytes());
    COLOURS[usize::from(hash[0]) % COLOURS.len()]
}

/// A title in one line or two, torn between words where there are any.
fn title(text: &str) -> Vec<String> {
    let whole = shown_within(text, TITLE_LINE + TITLE_REST);
    if whole.chars().count() <= TITLE_LINE {
        return vec![whole];
    }
    let end = whole.char_indices().nth(TITLE_LINE).map_or(whole.len(), |(at, _)| at);
    let at = whole[..end].rfind(' ').filter(|at| *at > end / 3).unwrap_or(end);
    let (first, rest) = whole.split_at(at);
    vec![first.trim().to_owned(), shown_within(rest.trim(), TITLE_REST)]
}

/// All that is written; `marked` marks up a text, bold or not.
pub(crate) fn lines(poster: &Poster, marked: impl Fn(&str, bool) -> String) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |(x, y, size): (f32, f32, f32), width, anchor, fill, text: &str, bold| {
        lines.push(Line { x, y, size, width, anchor, fill, marked: marked(text, bold) });
    };
    let own = colour(poster);
    add((LEFT, 100.0, 34.0), 780.0, "start", MUTED, &shown_within(&poster.above, LONGEST), false);
    add((RIGHT, 100.0, 30.0), 220.0, "end", own, "Questhall", true);
    let title = title(&poster.title);
    let first = if title.len() > 1 { 176.0 } else { 206.0 };
    let mut y = first;
    for line in &title {
        add((LEFT, y, 62.0), RIGHT - LEFT, "start", LIGHT, line, true);
        y += 74.0;
    }
    add((LEFT, 318.0, 34.0), RIGHT - LEFT, "start", own, &shown_within(&poster.state, LONGEST), false);
    let mut y = 408.0;
    for row in poster.rows.iter().take(MOST_ROWS) {
        add((LEFT, y, 34.0), 76.0, "start", MUTED, &shown_within(&row.place, 6), true);
        let from = if row.place.is_empty() { LEFT } else { LEFT + 90.0 };
        add((from, y, 36.0), 800.0 - from, "start", LIGHT, &shown_within(&row.name, LONGEST_NAME), false);
        add((RIGHT, y, 34.0), 310.0, "end", MUTED, &shown_within(&row.value, LONGEST_VALUE), false);
        y += 56.0;
    }
    lines
}

/// The whole picture.
pub(crate) fn whole(poster: &Poster, lines: &[Line]) -> String {
    let (width, height) = POSTER_SIZE;
    let own = colour(poster);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#101715\"/>\
         <rect width=\"18\" height=\"{height}\" fill=\"{own}\"/>\
         <rect x=\"{LEFT}\" y=\"344\" width=\"{0}\" height=\"2\" fill=\"#3A4A45\"/>\
         <rect x=\"{LEFT}\" y=\"350\" width=\"{0}\" height=\"2\" fill=\"#3A4A45\"/>",
        RIGHT - LEFT
    );
    for (n, line) in lines.iter().enumerate() {
        let Line { x, y, size, anchor, fill, marked, .. } = line;
        let _ = write!(
            out,
            "<text id=\"{}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{fill}\" \
             xml:space=\"preserve\">{marked}</text>",
            id(n)
        );
    }
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_torn_between_words_and_not_endless() {
        assert_eq!(title("Winter"), ["Winter"]);
        assert_eq!(
            title("The long night of the winter siege, with all its heroes and none of its villains"),
            ["The long night of the winter", "siege, with all its heroes and no…"]
        );
        let torn = title(&"W".repeat(200));
        assert_eq!(
            torn.iter().map(|line| line.chars().count()).collect::<Vec<_>>(),
            [TITLE_LINE, TITLE_REST]
        );
    }
}
