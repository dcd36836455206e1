//! HTML of elsewhere as Markdown: what has no form there is refused by name, so that nobody is asked a question of which a part is missing.
//! Nothing of it is HTML any more: what could be read as such, or as Markdown, is escaped.

use std::fmt::Write as _;

use super::html::{Element, Node};

/// What makes something of elements that HTML does not know.
pub(super) trait Elements {
    /// What stands in the text for an element; `None` where it is none of theirs.
    fn element(&mut self, element: &Element) -> Option<Result<String, String>>;
}

/// None are known but HTML's own.
struct Plain;

impl Elements for Plain {
    fn element(&mut self, _: &Element) -> Option<Result<String, String>> {
        None
    }
}

/// What an element holds as Markdown, or what stands against it.
pub(super) fn markdown(page: &Element, elements: &mut impl Elements) -> Result<String, String> {
    Ok(Writer { elements, in_table: false }.within(page)?.trim().to_owned())
}

/// The same where nothing is known but HTML's own elements.
pub(super) fn inner(element: &Element) -> Result<String, String> {
    markdown(element, &mut Plain)
}

/// Text with what means something in Markdown escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| shown(*c)) {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A name of theirs as it can be told.
pub(super) fn told(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(60).collect()
}

/// A program in a block of its own.
pub(super) fn fenced(text: &str, language: &str) -> String {
    let text = text.trim_matches('\n').trim_end();
    let fence = fence(text, 3);
    let plain = language.bytes().all(|b| b.is_ascii_alphanumeric() || b"+#-_.".contains(&b));
    format!("{fence}{}\n{text}\n{fence}", if plain { language } else { "" })
}

/// What an element holds as it is written, for programs: marks within are left out, anything else is refused.
pub(super) fn raw(element: &Element) -> Result<String, String> {
    let mut out = String::new();
    for child in &element.children {
        match child {
            Node::Text(text) => out.extend(text.chars().filter(|c| shown(*c))),
            Node::Element(inner) => match inner.name.as_str() {
                "br" => out.push('\n'),
                "code" | "span" | "b" | "strong" | "i" | "em" | "u" | "mark" | "font" | "tt" | "kbd"
                | "samp" => {
                    out.push_str(&raw(inner)?);
                }
                other => return Err(format!("has <{}> within <{}>", told(other), told(&element.name))),
            },
        }
    }
    Ok(out)
}

/// Whether a character may come along: no control character, and none of the private ones that stand for places in the text.
fn shown(c: char) -> bool {
    (!c.is_control() || matches!(c, '\n' | '\t')) && !matches!(c, '\u{e000}'..='\u{f8ff}')
}

/// Puts a text into the output as a block of its own.
fn block(out: &mut String, text: &str) {
    if text.is_empty() {
        return;
    }
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push_str("\n\n");
    }
    out.push_str(text);
    out.push_str("\n\n");
}

/// Marks around a text, where there is one; blanks at its ends stay outside.
fn marked(out: &mut String, text: &str, mark: &str) {
    let inner = text.trim();
    if inner.contains("\n\n") {
        // No mark goes over several blocks.
        block(out, inner);
        return;
    }
    let mark = if inner.is_empty() { "" } else { mark };
    let start = text.len() - text.trim_start().len();
    let end = text.trim_end().len().max(start);
    for part in [&text[..start], mark, inner, mark, &text[end..]] {
        out.push_str(part);
    }
}

/// More backquotes than the text has in a row.
fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}

/// Whether an address leads to the web, and can stand in Markdown.
fn is_web(address: &str) -> bool {
    (address.starts_with("https://") || address.starts_with("http://"))
        && address.len() <= 2_000
        && address.chars().all(|c| shown(c) && !c.is_whitespace() && !"<>()\\".contains(c))
}

/// Without the blanks with which all lines begin, and those at its ends.
fn unindented(text: &str) -> String {
    let blanks = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let least = text.lines().filter(|line| !line.trim().is_empty()).map(blanks).min().unwrap_or(0);
    let lines: Vec<&str> = text.lines().map(|line| line.get(least..).unwrap_or("").trim_end()).collect();
    lines.join("\n").trim().to_owned()
}

struct Writer<'a, E> {
    elements: &'a mut E,
    in_table: bool,
}

impl<E: Elements> Writer<'_, E> {
    fn within(&mut self, element: &Element) -> Result<String, String> {
        let mut out = String::new();
        for child in &element.children {
            match child {
                Node::Text(words) => text(&mut out, words),
                Node::Element(inner) => self.element(&mut out, inner)?,
            }
        }
        Ok(out)
    }

    fn element(&mut self, out: &mut String, element: &Element) -> Result<(), String> {
        if let Some(stands) = self.elements.element(element) {
            out.push_str(&stands?);
            return Ok(());
        }
        let name = element.name.as_str();
        match name {
            "span" | "u" | "small" | "font" | "label" | "abbr" | "q" | "cite" | "mark" | "ins" | "time"
            | "bdi" | "big" => out.push_str(&self.within(element)?),
            "p" | "div" | "section" | "article" | "header" | "footer" | "main" | "center" | "figure"
            | "figcaption" | "dl" | "dt" | "dd" | "details" | "summary" | "address" | "pl-question-panel" => {
                block(out, self.within(element)?.trim());
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let inner = in_line(&self.within(element)?);
                let level = usize::from(name.as_bytes()[1] - b'0');
                block(out, &format!("{} {inner}", "#".repeat(level)));
            }
            "strong" | "b" => marked(out, &self.within(element)?, "**"),
            "em" | "i" | "var" | "dfn" => marked(out, &self.within(element)?, "*"),
            "del" | "s" => marked(out, &self.within(element)?, "~~"),
            "sup" | "sub" => {
                let inner = in_line(&self.within(element)?);
                let mark = if name == "sup" { "^" } else { "\\_" };
                out.push_str(mark);
                let parts = if inner.chars().count() > 1 { ["(", &inner, ")"] } else { ["", &inner, ""] };
                out.extend(parts);
            }
            "code" | "tt" | "kbd" | "samp" => self.code(out, element)?,
            "pre" => block(out, &fenced(&raw(element)?, "")),
            "pl-code" => {
                if element.attribute("source-file-name").is_some() {
                    return Err("shows a file of its own (pl-code)".to_owned());
                }
                block(out, &fenced(&raw(element)?, element.attribute("language").unwrap_or_default()));
            }
            "br" => out.push_str("  \n"),
            "wbr" => {}
            "hr" => block(out, "---"),
            "ul" | "ol" => self.list(out, element)?,
            "blockquote" => {
                let inner = self.within(element)?;
                let lines: Vec<String> = inner.trim().lines().map(|line| format!("> {line}")).collect();
                block(out, &lines.join("\n"));
            }
            "a" => {
                let inner = self.within(element)?;
                let to = element.attribute("href").unwrap_or_default();
                if !is_web(to) {
                    return Err("links to what is not on the web".to_owned());
                }
                let _ = write!(out, "[{}]({to})", inner.trim());
            }
            "img" => {
                let source = element.attribute("src").unwrap_or_default();
                if !is_web(source) {
                    return Err("shows a file of its own (img)".to_owned());
                }
                let shown = escaped(element.attribute("alt").unwrap_or_default());
                let _ = write!(out, "![{shown}]({source})");
            }
            "table" => self.table(out, element)?,
            "markdown" | "pl-markdown" => {
                if element.elements().next().is_some() {
                    return Err("has HTML within its Markdown".to_owned());
                }
                block(out, &unindented(&raw(element)?));
            }
            other => return Err(format!("has <{}>, which has no form here", told(other))),
        }
        Ok(())
    }

    fn code(&self, out: &mut String, element: &Element) -> Result<(), String> {
        let mut text = in_line(&raw(element)?);
        if text.is_empty() {
            return Ok(());
        }
        if self.in_table {
            text = text.replace('|', "\\|");
        }
        let fence = fence(&text, 1);
        let apart = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        let _ = write!(out, "{fence}{apart}{text}{apart}{fence}");
        Ok(())
    }

    fn list(&mut self, out: &mut String, list: &Element) -> Result<(), String> {
        if list.has_text() || list.elements().any(|item| item.name != "li") {
            return Err("has a list with something else than entries".to_owned());
        }
        let mut lines = Vec::new();
        for (n, item) in (1..).zip(list.elements()) {
            let inner = self.within(item)?;
            let mark = if list.name == "ol" { format!("{n}. ") } else { "- ".to_owned() };
            let indent = format!("\n{}", " ".repeat(mark.len()));
            let inner = inner.trim().replace('\n', &indent);
            // A line without text has no blanks either.
            let whole: Vec<&str> =
                inner.split('\n').map(|line| if line.trim().is_empty() { "" } else { line }).collect();
            lines.push(format!("{mark}{}", whole.join("\n")));
        }
        block(out, &lines.join("\n"));
        Ok(())
    }

    fn table(&mut self, out: &mut String, table: &Element) -> Result<(), String> {
        let mut rows = Vec::new();
        for part in table.elements() {
            match part.name.as_str() {
                "tr" => rows.push(part),
                "thead" | "tbody" | "tfoot" => rows.extend(part.elements()),
                _ => return Err("has a table with more than rows".to_owned()),
            }
        }
        let was_in_table = std::mem::replace(&mut self.in_table, true);
        let mut lines = Vec::new();
        for (n, row) in rows.into_iter().enumerate() {
            let mut cells = Vec::new();
            for cell in row.elements() {
                if ["colspan", "rowspan"].iter().any(|over| cell.attribute(over).is_some_and(|n| n != "1")) {
                    return Err("has a table with cells over several others".to_owned());
                }
                let inner = self.within(cell)?;
                if inner.contains("```") || was_in_table {
                    return Err("has a program or a table within a table".to_owned());
                }
                cells.push(in_line(&inner));
            }
            lines.push(format!("| {} |", cells.join(" | ")));
            if n == 0 {
                lines.push(format!("|{}", " --- |".repeat(cells.len().max(1))));
            }
        }
        self.in_table = was_in_table;
        block(out, &lines.join("\n"));
        Ok(())
    }
}

/// Everything in one line, blanks as one.
fn in_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text of an element's, its blanks as one, none at a block's beginning.
fn text(out: &mut String, text: &str) {
    let words = in_line(text);
    if text.starts_with(char::is_whitespace) && !out.is_empty() && !out.ends_with(char::is_whitespace) {
        out.push(' ');
    }
    if words.is_empty() {
        return;
    }
    let begins = out.is_empty() || out.ends_with('\n');
    out.push_str(&if begins { no_list(&escaped(&words)) } else { escaped(&words) });
    if text.ends_with(char::is_whitespace) {
        out.push(' ');
    }
}

/// A line whose beginning would be a list's, or would underline what is above it, so that it is neither.
fn no_list(line: &str) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &line[digits..];
    let numbered = digits > 0 && rest.starts_with(['.', ')']);
    if numbered || (digits == 0 && rest.starts_with(['-', '+', '='])) {
        return format!("{}\\{rest}", &line[..digits]);
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::html::parse;
    use super::*;

    fn text(html: &str) -> String {
        inner(&parse(html).unwrap()).unwrap()
    }

    #[test]
    fn a_text_reads_as_it_did() {
        for (html, markdown) in [
            (
                "<h2>On  <b>loops</b></h2>\n<p>A <em>for</em> of x<sup>2</sup>.\n</p>",
                "## On **loops**\n\nA *for* of x^2.",
            ),
            ("a<sub>i+1</sub> <code>a`b</code> <code>`</code>", "a\\_(i+1) ``a`b`` `` ` ``"),
            ("<p>1. no list</p><p>- nor this</p><p># nor</p>", "1\\. no list\n\n\\- nor this\n\n\\# nor"),
            ("one<br>two<br></p>", "one  \ntwo"),
            ("<ol><li>a<li>b<ul><li>c</ul></ol>", "1. a\n2. b\n\n   - c"),
            ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n> \n> b"),
            ("<pre>a\n\n  ```b</pre>", "````\na\n\n  ```b\n````"),
            ("<pl-code language=\"c><script>\">int</pl-code>", "```\nint\n```"),
            ("<pl-code language=python>if x:\n    <b>y</b></pl-code>", "```python\nif x:\n    y\n```"),
            (
                "<table><tr><th>a<th>b|c</tr><tr><td>1<td><code>2|3</code></tr></table>",
                "| a | b\\|c |\n| --- | --- |\n| 1 | `2\\|3` |",
            ),
            ("<markdown>\n  # Title\n  - *a*\n</markdown>", "# Title\n- *a*"),
            ("<b onmouseover=alert(1)>x </b>y<i></i>", "**x** y"),
            ("<a href='https://example.org/x' onclick='alert(1)'>x</a>", "[x](https://example.org/x)"),
            ("$a_1 < b$", "$a\\_1 \\< b$"),
        ] {
            assert_eq!(text(html), markdown, "{html}");
        }
    }

    #[test]
    fn nothing_of_it_is_html_or_stands_for_something_else() {
        assert_eq!(text("&lt;b&gt; &amp;lt; [x](javascript:y)"), "\\<b\\> \\&lt; \\[x\\](javascript:y)");
        assert_eq!(text("x\u{e000}1\u{e000}\u{8}y"), "x1y");
        for (html, why) in [
            ("<script>alert(1)</script>", "has <script>"),
            ("<p><svg onload=alert(1)></svg></p>", "has <svg>"),
            ("<iframe src='https://example.org'></iframe>", "has <iframe>"),
            ("<template><b>x</b></template>", "has <template>"),
            ("<form><input></form>", "has <form>"),
            ("<style>b { }</style>", "has <style>"),
            ("<img src=x.png onerror=alert(1)>", "shows a file of its own"),
            ("<a href='javascript:alert(1)'>x</a>", "not on the web"),
            ("<a href='https://example.org/)(x'>x</a>", "not on the web"),
            ("<pl-code source-file-name='../../etc/passwd'></pl-code>", "shows a file of its own"),
            ("<pre>a <pl-string-input></pl-string-input></pre>", "has <pl-string-input> within <pre>"),
            ("<markdown>a <b>c</b></markdown>", "has HTML within its Markdown"),
            ("<ul>a<li>b</ul>", "something else than entries"),
            ("<table><tr><td colspan=2>a</table>", "cells over several"),
            ("<table><caption>a</caption></table>", "more than rows"),
            ("<pl-figure file-name=x.png></pl-figure>", "has <pl-figure>"),
        ] {
            let told = inner(&parse(html).unwrap()).unwrap_err();
            assert!(told.contains(why), "{why} is not in {told}");
        }
    }
}
