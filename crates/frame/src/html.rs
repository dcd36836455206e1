//! Text that is HTML already, told from text that is not by its type.

use std::fmt;

/// Markup that may stand in a page as it is: made by code of ours, with everything that came from outside escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Markup that the caller vouches for.
    pub const fn trusted(markup: String) -> Self {
        Self(markup)
    }

    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// Text as it stands in an element or a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text in which what stands between backticks is code: as settings and problems are described.
pub fn with_code(text: &str) -> Html {
    let mut markup = String::with_capacity(text.len() + 16);
    for (n, part) in text.split('`').enumerate() {
        let part = escape(part);
        // An odd backtick at the end opens nothing.
        let is_code = n % 2 == 1 && text.matches('`').count() > n;
        if is_code {
            markup.push_str("<code>");
            markup.push_str(&part);
            markup.push_str("</code>");
        } else {
            if n % 2 == 1 {
                markup.push('`');
            }
            markup.push_str(&part);
        }
    }
    Html(markup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_text_and_both_are_escaped() {
        assert_eq!(with_code("a `b<` c").as_str(), "a <code>b&lt;</code> c");
        assert_eq!(with_code("a `b` and ` <").as_str(), "a <code>b</code> and ` &lt;");
        assert_eq!(with_code("none").as_str(), "none");
    }

    #[test]
    fn whatever_could_end_a_text_or_an_attribute_is_escaped() {
        assert_eq!(escape(r#"<a b="c" d='e'>&"#), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
    }
}
