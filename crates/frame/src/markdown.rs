//! Markdown of authors and members as HTML that cannot harm who reads it.
//!
//! HTML in it becomes text; links lead to the web or to a letter, nowhere else; pictures become links, as none come from another
//! host; tables and code have no styles of their own and can be scrolled by keyboard; headings go below the page's.

use kernel::files::PictureSize;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::html::{Html, escape};

/// The longest text that is rendered, in bytes; more is cut. Authors may write 20,000 characters.
const MAX: usize = 200_000;

/// Markdown as HTML.
pub fn render(text: &str) -> Html {
    render_with(text, &|_| None)
}

/// A file that comes with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Where it is had.
    pub address: String,
    /// How large it is shown: room that is kept for a picture, so that nothing moves when it comes.
    pub size: Option<PictureSize>,
}

/// The same where `own` knows the files that come with the text: its pictures are shown, its links lead to them.
pub fn render_with(text: &str, own: &dyn Fn(&str) -> Option<OwnFile>) -> Html {
    let mut end = text.len().min(MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut links = Vec::new();
    let mut pictures = Pictures { own, open: None };
    let mut markup = String::with_capacity(text.len() * 3 / 2);
    let events = Parser::new_ext(&text[..end], options).filter_map(|event| pictures.shown(event));
    html::push_html(&mut markup, events.map(|event| safe(event, &mut links)));
    Html::trusted(format!("<div class=\"prose\">{markup}</div>"))
}

/// Pictures that come with a text: what is written between their marks is what they say to who does not see them.
struct Pictures<'o> {
    own: &'o dyn Fn(&str) -> Option<OwnFile>,
    /// Of the one that is being read: the file, what it says, how many pictures it is inside of.
    open: Option<(OwnFile, String, usize)>,
}

impl Pictures<'_> {
    /// The event, or what stands for it, or nothing while a picture of the text's own is read.
    fn shown<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        if let Some((file, says, depth)) = &mut self.open {
            match event {
                Event::Start(Tag::Image { .. }) => *depth += 1,
                Event::End(TagEnd::Image) if *depth > 0 => *depth -= 1,
                Event::End(TagEnd::Image) => {
                    let sides =
                        |size: PictureSize| format!(" width=\"{}\" height=\"{}\"", size.width, size.height);
                    let picture = format!(
                        "<img src=\"{}\" alt=\"{}\"{} loading=\"lazy\">",
                        escape(&file.address),
                        escape(says.trim()),
                        file.size.map(sides).unwrap_or_default()
                    );
                    self.open = None;
                    return Some(Event::InlineHtml(format!("{OURS}{picture}").into()));
                }
                Event::Text(text) | Event::Code(text) => says.push_str(&text),
                Event::SoftBreak | Event::HardBreak => says.push(' '),
                _ => {}
            }
            return None;
        }
        match event {
            Event::Start(Tag::Image { ref dest_url, .. }) => {
                if let Some(file) = (self.own)(dest_url) {
                    self.open = Some((file, String::new(), 0));
                    return None;
                }
                Some(event)
            }
            Event::Start(Tag::Link { link_type, ref dest_url, ref title, ref id }) => {
                let Some(file) = (self.own)(dest_url) else { return Some(event) };
                let (title, id) = (title.clone(), id.clone());
                Some(Event::Start(Tag::Link { link_type, dest_url: file.address.into(), title, id }))
            }
            other => Some(other),
        }
    }
}

/// What begins markup that is ours among events of a text. No text holds it: it would have ended it.
const OURS: &str = "\0";

/// Markdown below a page's title: authors often begin with the same words.
pub fn render_below(text: &str, title: &str, own: &dyn Fn(&str) -> Option<OwnFile>) -> Html {
    let rest = text.trim_start().strip_prefix("# ").and_then(|text| text.split_once('\n'));
    match rest {
        Some((first, rest)) if first.trim().eq_ignore_ascii_case(title.trim()) => render_with(rest, own),
        _ => render_with(text, own),
    }
}

/// Only text: the beginning of what it says, for lists. Headings, tables and code are left out where there is anything else.
pub fn excerpt(text: &str, max: usize) -> String {
    let words = match plain(text, max, false) {
        said if said.is_empty() => plain(text, max, true),
        said => said,
    };
    if words.chars().count() <= max {
        return words;
    }
    let cut: String = words.chars().take(max).collect();
    let end = cut.rfind(' ').filter(|end| *end > max / 2).unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}

/// Words of a text, four times as many as are shown at most.
fn plain(text: &str, max: usize, all: bool) -> String {
    let mut plain = String::new();
    let mut left_out = 0_u32;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. } | Tag::Table(_) | Tag::CodeBlock(_)) if !all => left_out += 1,
            Event::End(TagEnd::Heading(_) | TagEnd::Table | TagEnd::CodeBlock) if !all => {
                left_out = left_out.saturating_sub(1);
            }
            // Marks within a sentence end no word.
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link | TagEnd::Strikethrough) => {}
            Event::SoftBreak | Event::HardBreak | Event::End(_) => plain.push(' '),
            Event::Text(text) | Event::Code(text) if left_out == 0 => plain.push_str(&text),
            _ => {}
        }
        if plain.len() > 4 * max {
            break;
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An event without what could harm. `links` remembers which of the open links and pictures are shown as links.
fn safe<'a>(event: Event<'a>, links: &mut Vec<bool>) -> Event<'a> {
    match event {
        Event::InlineHtml(text) if text.starts_with(OURS) => raw(text[OURS.len()..].to_owned()),
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            let shown = leads_somewhere(&dest_url);
            links.push(shown);
            if shown {
                raw(format!("<a href=\"{}\" rel=\"noopener noreferrer nofollow ugc\">", escape(&dest_url)))
            } else {
                nothing()
            }
        }
        Event::End(TagEnd::Link | TagEnd::Image) => {
            if links.pop() == Some(true) {
                raw("</a>")
            } else {
                nothing()
            }
        }
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: lower(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        Event::Start(Tag::CodeBlock(_)) => raw("<pre tabindex=\"0\"><code>"),
        Event::End(TagEnd::CodeBlock) => raw("</code></pre>\n"),
        // Alignments would be written as styles, which pages do not allow.
        Event::Start(Tag::Table(columns)) => {
            Event::Start(Tag::Table(columns.iter().map(|_| pulldown_cmark::Alignment::None).collect()))
        }
        other => other,
    }
}

fn raw<'a>(markup: impl Into<CowStr<'a>>) -> Event<'a> {
    Event::InlineHtml(markup.into())
}

fn nothing<'a>() -> Event<'a> {
    Event::Text(CowStr::Borrowed(""))
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// Whether an address may be followed: the web, a letter, or a place of this server.
pub fn leads_somewhere(url: &str) -> bool {
    // Browsers skip these before they look for a scheme.
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return false;
    }
    let lower = url.to_ascii_lowercase();
    ["https://", "http://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme))
        || (url.starts_with('/') && !url.starts_with("//") && !url.contains('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        render(text).to_string()
    }

    #[test]
    fn html_in_it_is_text() {
        for attack in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<div onclick=x>\n\nhi\n\n</div>",
            "<svg/onload=alert(1)>",
            "<!-- --><style>*{}</style>",
        ] {
            let made = html(attack);
            for tag in ["<script", "<img", "<div onclick", "<svg", "<style", "<!--"] {
                assert!(!made.contains(tag), "{attack}: {made}");
            }
            assert!(made.contains("&lt;"), "{made}");
        }
    }

    #[test]
    fn links_lead_to_the_web_only() {
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "//evil.example",
            "file:///etc/passwd",
            "/\\evil.example",
            "java&Tab;script:alert(1)",
        ] {
            let made = html(&format!("[click]({url}) <{url}>"));
            assert!(!made.contains("href"), "{url}: {made}");
            assert!(made.contains("click"), "{made}");
        }
        let made = html("[a](https://example.org/?a=\"b\"&c) ![p](https://example.org/p.png)");
        assert!(made.contains("href=\"https://example.org/?a="), "{made}");
        assert!(!made.contains("<img") && made.contains("nofollow"), "{made}");
    }

    #[test]
    fn pages_without_styles_and_with_one_heading_of_the_first_rank() {
        let made = html("# A\n\n## B\n\n|a|b|\n|:-|-:|\n|1|2|\n\n```rust\nlet x = 1 < 2;\n```\n");
        assert!(made.contains("<h3>A</h3>") && made.contains("<h4>B</h4>"), "{made}");
        assert!(!made.contains("style="), "{made}");
        assert!(made.contains("<pre tabindex=\"0\"><code>let x = 1 &lt; 2;"), "{made}");
    }

    #[test]
    fn a_title_is_not_said_twice() {
        let below = |text: &str| render_below(text, "The gate", &|_| None).as_str().to_owned();
        assert!(!below("# The Gate\n\nMend it.").contains("Gate"));
        assert!(below("# The Gate and more\n\nMend it.").contains("more"));
        assert!(below("# The Gate").contains("Gate"));
    }

    #[test]
    fn an_excerpt_ends_at_a_word() {
        assert_eq!(excerpt("# Hi\n\nthere **you**, then", 40), "there you, then");
        assert_eq!(excerpt("# Hi\n\n| a | b |\n|-|-|\n| 1 | 2 |\n\n```\ncode\n```\n\nText.", 40), "Text.");
        assert_eq!(excerpt("# Hi", 40), "Hi");
        assert_eq!(excerpt("one two three four", 10), "one two…");
        assert_eq!(excerpt("<b>x</b>", 10), "x");
    }

    #[test]
    fn pictures_that_come_with_the_text_are_shown_and_no_others() {
        let own = |name: &str| {
            let size = name.starts_with("map").then_some(PictureSize { width: 40, height: 30 });
            let file = OwnFile { address: "/g/1/map.png?a&b".to_owned(), size };
            ["map.png", "plan.svg"].contains(&name).then_some(file)
        };
        let shown = |text: &str| render_with(text, &own).to_string();
        assert!(shown("![A *large* map \"here\"](map.png)").contains(
            "<img src=\"/g/1/map.png?a&amp;b\" alt=\"A large map &quot;here&quot;\" width=\"40\" height=\"30\" loading=\"lazy\">"
        ));
        assert!(shown("![A plan](plan.svg)").contains("alt=\"A plan\" loading=\"lazy\">"));
        assert!(shown("[the map](map.png)").contains("href=\"/g/1/map.png?a&amp;b\""));
        assert!(!shown("![x](other.png) ![y](https://example.org/map.png)").contains("<img"));
        let nested = shown("![a ![b](map.png) c](map.png) after");
        assert!(nested.matches("<img").count() == 1 && nested.contains("after"), "{nested}");
        let forged = shown("\0<img src=x onerror=alert(1)> <b>\0<img src=x></b>");
        assert!(!forged.contains("<img"), "{forged}");
    }

    #[test]
    fn nested_links_and_broken_markdown_close_what_they_open() {
        for text in [
            "[a [b](https://x.example)](javascript:x)",
            "![a [b](https://x.example) c](data:x)",
            "[[[[",
            "| a |\n|-|\n",
        ] {
            let made = html(text);
            assert_eq!(made.matches("<a ").count(), made.matches("</a>").count(), "{text}: {made}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_no_script_comes_of_it(text in ".{0,200}") {
            let made = html(&text).to_lowercase();
            proptest::prop_assert!(!made.contains("<script") && !made.contains("style=\"") && !made.contains("<img"));
        }
    }
}
