//! What of Discord's Markdown is shown: markers go, masked links show their text, code stays as it is.

use std::borrow::Cow;
use std::ops::Range;

/// Stands where something is drawn that is no text: a custom emoji, a mention.
pub(super) const OBJECT: char = '\u{FFFC}';

/// A text as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shown<'a> {
    /// What is read.
    pub(super) text: Cow<'a, str>,
    /// What of it is code.
    pub(super) code: Vec<Range<usize>>,
    /// Where masked links lead.
    pub(super) links: Vec<&'a str>,
    /// Custom emoji outside of code.
    pub(super) emoji: u32,
    /// Members and roles that are mentioned outside of code, each once.
    pub(super) mentions: Vec<&'a str>,
    /// Whether everyone, or everyone here, is mentioned.
    pub(super) everyone: bool,
}

/// Renders a text.
pub(super) fn shown(source: &str) -> Shown<'_> {
    let plain = !source
        .bytes()
        .any(|b| matches!(b, b'*' | b'_' | b'~' | b'|' | b'`' | b'\\' | b'[' | b'<' | b'@' | b'#' | b'>'));
    if plain {
        return Shown { text: Cow::Borrowed(source), ..Shown::default() };
    }
    let mut renderer = Renderer {
        source,
        at: 0,
        out: String::with_capacity(source.len()),
        marks: Vec::new(),
        pairs: None,
        next_angle: 0,
        shown: Shown::default(),
    };
    renderer.run(source.len(), 0);
    renderer.finish()
}

/// A marker that was written and goes if there is its like.
struct Mark {
    /// Where it stands in what was written so far.
    at: usize,
    token: &'static str,
}

struct Renderer<'a> {
    source: &'a str,
    at: usize,
    out: String,
    marks: Vec<Mark>,
    /// Which brackets and parentheses belong together: found at the first bracket, in one go, as each may wait for its end up to the last.
    pairs: Option<Pairs>,
    /// Where the next `>` is, as far as was looked.
    next_angle: usize,
    shown: Shown<'a>,
}

/// How long a link's text, its target, and what stands between `<` and `>` may be.
const LONGEST: usize = 2_100;

/// Masked links within masked links are text; a hostile heap of brackets must not be a heap of calls.
const DEEPEST: u32 = 1;

impl<'a> Renderer<'a> {
    fn run(&mut self, end: usize, depth: u32) {
        let mut line_start = true;
        while self.at < end {
            if std::mem::take(&mut line_start) {
                self.line_marker();
                if self.at >= end {
                    break;
                }
            }
            let rest = &self.source[self.at..end];
            let byte = rest.as_bytes()[0];
            match byte {
                b'\\' => self.escape(rest),
                b'`' => self.code(rest),
                b'[' if depth < DEEPEST && self.masked(rest, depth) => {}
                b'<' if self.angle(rest) => {}
                b'@' => self.everyone(rest),
                b'*' | b'_' | b'~' | b'|' => self.marker(rest),
                b'\n' => {
                    self.push("\n");
                    line_start = true;
                }
                _ => {
                    // Up to what may mean something.
                    let len = rest
                        .bytes()
                        .skip(1)
                        .position(|b| {
                            matches!(b, b'\\' | b'`' | b'[' | b'<' | b'@' | b'*' | b'_' | b'~' | b'|' | b'\n')
                        })
                        .map_or(rest.len(), |n| n + 1);
                    self.push(&rest[..len]);
                }
            }
        }
    }

    /// Writes a piece of the source and goes on after it.
    fn push(&mut self, piece: &str) {
        self.out.push_str(piece);
        self.at += piece.len();
    }

    /// Headings, quotes and small text begin with what is not shown.
    fn line_marker(&mut self) {
        let rest = &self.source[self.at..];
        let skipped = ["### ", "## ", "# ", "-# ", ">>> ", "> "].iter().find(|mark| rest.starts_with(**mark));
        self.at += skipped.map_or(0, |mark| mark.len());
    }

    fn escape(&mut self, rest: &str) {
        match rest.as_bytes().get(1) {
            Some(b) if b.is_ascii_punctuation() => {
                self.at += 1;
                let piece = &self.source[self.at..=self.at];
                self.push(piece);
            }
            _ => self.push("\\"),
        }
    }

    /// Code up to as many backticks; without an end they are text.
    fn code(&mut self, rest: &str) {
        let ticks = rest.bytes().take_while(|b| *b == b'`').count();
        let Some(inner) = closing(&rest[ticks..], ticks) else {
            self.push(&rest[..ticks]);
            return;
        };
        let code = &rest[ticks..ticks + inner];
        let start = self.out.len();
        self.out.push_str(code);
        self.shown.code.push(start..self.out.len());
        self.at += ticks + inner + ticks;
    }

    /// `[text](https://…)`: only what has a scheme is a link; the text is rendered too.
    fn masked(&mut self, rest: &'a str, depth: u32) -> bool {
        let source = self.source;
        let pairs = self.pairs.get_or_insert_with(|| Pairs::of(source));
        let Some(close) = pairs.bracket_end(self.at).map(|place| place - self.at) else { return false };
        let Some(after) = rest[close + 1..].strip_prefix('(') else { return false };
        let open = self.at + close + 1;
        let Some(end) = pairs.parenthesis_end(open).map(|place| place - open - 1) else { return false };
        let inside = after[..end].trim();
        let target = match inside.strip_prefix('<') {
            Some(pointed) => pointed.split('>').next().unwrap_or(""),
            None => inside.split_whitespace().next().unwrap_or(""),
        };
        if !has_scheme(target) {
            return false;
        }
        self.shown.links.push(target);
        let start = self.at;
        self.at = start + 1;
        self.run(start + close, depth + 1);
        self.at = start + close + 1 + 1 + end + 1;
        true
    }

    /// `<https://…>`, mentions, custom emoji, times.
    fn angle(&mut self, rest: &'a str) -> bool {
        if self.next_angle <= self.at {
            self.next_angle = self.source[self.at..].find('>').map_or(usize::MAX, |n| n + self.at);
        }
        let end = self.next_angle.saturating_sub(self.at);
        if end >= rest.len().min(LONGEST) {
            return false;
        }
        let inside = &rest[1..end];
        if has_scheme(inside) && !inside.contains(char::is_whitespace) {
            self.out.push_str(inside);
        } else if is_emoji(inside) {
            self.shown.emoji += 1;
            self.out.push(OBJECT);
        } else if let Some(id) = inside
            .strip_prefix("@&")
            .or_else(|| inside.strip_prefix("@!"))
            .or_else(|| inside.strip_prefix('@'))
            && digits(id)
        {
            let who = if inside.starts_with("@&") { inside } else { id };
            if !self.shown.mentions.contains(&who) && self.shown.mentions.len() < 200 {
                self.shown.mentions.push(who);
            }
            self.out.push(OBJECT);
        } else if inside.strip_prefix('#').is_some_and(digits)
            || inside.starts_with("t:")
            || (inside.starts_with('/') && inside.contains(':'))
            || inside.starts_with("id:")
        {
            self.out.push(OBJECT);
        } else {
            return false;
        }
        self.at += end + 1;
        true
    }

    fn everyone(&mut self, rest: &str) {
        self.shown.everyone |= rest.starts_with("@everyone") || rest.starts_with("@here");
        self.push("@");
    }

    /// Writes a marker down; it goes at the end, if there is its like.
    fn marker(&mut self, rest: &str) {
        let token =
            ["||", "~~", "***", "**", "__", "*", "_"].into_iter().find(|token| rest.starts_with(*token));
        let Some(token) = token else {
            self.push(&rest[..1]);
            return;
        };
        let before = self.out.chars().next_back();
        let after = rest[token.len()..].chars().next();
        let inside_word =
            before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric);
        // `snake_case` is shown as it is written.
        if !(token == "_" && inside_word) {
            self.marks.push(Mark { at: self.out.len(), token });
        }
        self.push(token);
    }

    fn finish(self) -> Shown<'a> {
        let Self { out, marks, mut shown, .. } = self;
        let mut open: Vec<usize> = Vec::new();
        let mut gone: Vec<usize> = Vec::new();
        for (n, mark) in marks.iter().enumerate() {
            match open.iter().rposition(|other| marks[*other].token == mark.token) {
                // Nothing stands between: that is no pair, but what is written.
                Some(k) if marks[open[k]].at + mark.token.len() == mark.at => open.push(n),
                Some(k) => {
                    gone.extend([open[k], n]);
                    open.truncate(k);
                }
                None => open.push(n),
            }
        }
        if gone.is_empty() {
            shown.text = Cow::Owned(out);
            return shown;
        }
        gone.sort_unstable();
        let mut text = String::with_capacity(out.len());
        let mut from = 0;
        for mark in gone.iter().map(|n| &marks[*n]) {
            text.push_str(&out[from..mark.at]);
            from = mark.at + mark.token.len();
        }
        text.push_str(&out[from..]);
        // How much is gone up to and with each.
        let lengths: Vec<usize> = gone
            .iter()
            .scan(0, |sum, n| {
                *sum += marks[*n].token.len();
                Some(*sum)
            })
            .collect();
        let removed_before = |place: usize| {
            let before = gone.partition_point(|n| marks[*n].at < place);
            before.checked_sub(1).map_or(0, |last| lengths[last])
        };
        for range in &mut shown.code {
            *range = range.start - removed_before(range.start)..range.end - removed_before(range.end);
        }
        shown.text = Cow::Owned(text);
        shown
    }
}

/// Where a run of exactly so many backticks begins.
fn closing(text: &str, ticks: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'`' {
            at += 1;
            continue;
        }
        let run = bytes[at..].iter().take_while(|b| **b == b'`').count();
        if run == ticks && at > 0 {
            return Some(at);
        }
        at += run;
    }
    None
}

/// Brackets and parentheses with what closes them, by where they open.
struct Pairs {
    brackets: Vec<(usize, usize)>,
    parentheses: Vec<(usize, usize)>,
}

impl Pairs {
    /// Brackets within brackets are counted, and what is escaped is none; an empty line ends all. Parentheses end with their line.
    fn of(text: &str) -> Self {
        let mut pairs = Self { brackets: Vec::new(), parentheses: Vec::new() };
        let (mut brackets, mut parentheses) = (Vec::new(), Vec::new());
        let mut escaped = false;
        let bytes = text.as_bytes();
        for (at, b) in bytes.iter().enumerate() {
            match b {
                b'(' => parentheses.push(at),
                b')' => pairs.parentheses.extend(parentheses.pop().map(|open| (open, at))),
                b'\n' => parentheses.clear(),
                _ => {}
            }
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'[' => brackets.push(at),
                b']' => pairs.brackets.extend(brackets.pop().map(|open| (open, at))),
                b'\n' if bytes.get(at + 1) == Some(&b'\n') => brackets.clear(),
                _ => {}
            }
        }
        pairs.brackets.sort_unstable();
        pairs.parentheses.sort_unstable();
        pairs
    }

    fn bracket_end(&self, open: usize) -> Option<usize> {
        Self::end(&self.brackets, open)
    }

    fn parenthesis_end(&self, open: usize) -> Option<usize> {
        Self::end(&self.parentheses, open)
    }

    fn end(pairs: &[(usize, usize)], open: usize) -> Option<usize> {
        let n = pairs.binary_search_by_key(&open, |(open, _)| *open).ok()?;
        Some(pairs[n].1).filter(|close| close - open < LONGEST)
    }
}

fn has_scheme(text: &str) -> bool {
    let head = text.get(..8).unwrap_or(text);
    let lower = head.to_ascii_lowercase();
    lower.starts_with("https:/") || lower.starts_with("http:/") || lower.starts_with("discord:")
}

fn is_emoji(inside: &str) -> bool {
    let rest = inside.strip_prefix("a:").or_else(|| inside.strip_prefix(':'));
    rest.and_then(|rest| rest.split_once(':')).is_some_and(|(name, id)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && digits(id)
    })
}

fn digits(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(source: &str) -> String {
        shown(source).text.into_owned()
    }

    #[test]
    fn markers_go_and_what_is_no_marker_stays() {
        for (source, expected) in [
            ("plain", "plain"),
            ("**bold** *it* __under__ ~~gone~~ ||spoiler||", "bold it under gone spoiler"),
            ("bad**wo**rd", "badword"),
            ("b||ad||word", "badword"),
            ("***x***", "x"),
            ("2 * 3 = 6", "2 * 3 = 6"),
            ("snake_case_name", "snake_case_name"),
            ("_it_", "it"),
            ("\\*not\\*", "*not*"),
            ("bad\\word", "bad\\word"),
            ("bad\\_word", "bad_word"),
            ("# Heading\n> quote\n-# small", "Heading\nquote\nsmall"),
            ("a # b > c", "a # b > c"),
            ("`**code**` **b**", "**code** b"),
            ("``a ` b``", "a ` b"),
            ("`open", "`open"),
            ("****", "****"),
            ("a|b", "a|b"),
        ] {
            assert_eq!(text(source), expected, "{source}");
        }
    }

    #[test]
    fn masked_links_show_their_text_and_lead_elsewhere() {
        let one = shown("badw[o](<https://e.com>)rd");
        assert_eq!((one.text.as_ref(), one.links), ("badword", vec!["https://e.com"]));
        let bold = shown("[**a**](https://e.com/x_(y) \"title\")!");
        assert_eq!((bold.text.as_ref(), bold.links), ("a!", vec!["https://e.com/x_(y)"]));
        for no_link in [
            "Count[TSource](IEnumerable<TSource>)",
            "a[0](b)",
            "[x](javascript:alert(1))",
            "[x](e.com)",
            "[x]",
        ] {
            assert_eq!(shown(no_link).links, Vec::<&str>::new(), "{no_link}");
        }
        assert_eq!(shown("`[x](https://e.com)`").links, Vec::<&str>::new(), "in code it is text");
        assert_eq!(shown("[[x]](https://e.com)").links, ["https://e.com"]);
    }

    #[test]
    fn mentions_and_emoji_are_counted_outside_of_code() {
        let seen = shown("<@1> <@!1> <@&1> <@2> <#5> <:a:12> <a:b:13> @everyone `<@9> <:c:14>`");
        assert_eq!((seen.mentions, seen.emoji, seen.everyone), (vec!["1", "@&1", "2"], 2, true));
        assert!(!shown("me@example.com").everyone);
        assert!(!shown("`@everyone`").everyone);
        assert_eq!(text("a<b and c>d"), "a<b and c>d");
        assert_eq!(text("<https://e.com/a>"), "https://e.com/a");
    }

    #[test]
    fn heaps_of_brackets_and_ticks_end() {
        for heap in [
            "[".repeat(4_000),
            "`".repeat(4_000),
            "*".repeat(4_000),
            "[](".repeat(1_300),
            "\\".repeat(4_000),
            "<".repeat(4_000),
            "`a`*b*".repeat(666),
        ] {
            let _ = shown(&heap);
        }
    }

    #[test]
    fn what_is_too_long_or_not_closed_in_time_is_text() {
        let long = format!("[{}](https://e.com)", "x".repeat(LONGEST));
        assert_eq!(text(&long), long);
        assert_eq!(shown("[a\n\nb](https://e.com)").links, Vec::<&str>::new());
        assert_eq!(shown("[a](https://e.com\n)").links, Vec::<&str>::new());
        assert_eq!(shown("[a\\](https://e.com)").links, Vec::<&str>::new());
        assert_eq!(shown("[[a](https://e.com) [b](https://f.org)").links, ["https://e.com", "https://f.org"]);
        let long = format!("<{}>", "x".repeat(LONGEST));
        assert_eq!(text(&long), long);
        assert_eq!(shown("< <@5>").mentions, ["5"]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_shown(source in "[\\\\`*_~|<>@#\\[\\]() a-cé\n:/.h]{0,80}") {
            let seen = shown(&source);
            prop_assert!(seen.text.len() <= source.len() + 8);
            for range in &seen.code {
                prop_assert!(seen.text.get(range.clone()).is_some());
            }
        }

        #[test]
        fn what_has_no_marker_is_shown_as_it_is(source in "[a-z0-9 .,!?é-]{0,60}") {
            prop_assert_eq!(text(&source), source);
        }
    }
}
