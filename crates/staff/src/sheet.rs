//! The page that staff work on: a heading, what is known, lists, and forms, one under the other.

use std::fmt::{Display, Write as _};

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use frame::decode::Typed;
use frame::form::{Control, Form};
use frame::html::{Html, escape};
use frame::page::{refused, rendered, shown_in_form};
use frame::shell::Shell;
use kernel::Problem;

/// A section under its heading.
#[derive(Debug)]
struct Part {
    heading: String,
    body: Html,
}

/// A page of parts.
#[derive(Debug, Template)]
#[template(path = "sheet.html")]
pub(super) struct Sheet {
    pub(super) shell: Shell,
    title: String,
    above: Vec<(String, String)>,
    lead: Html,
    form: Form,
    parts: Vec<Part>,
}

impl Sheet {
    pub(super) fn new(shell: Shell, title: impl Into<String>) -> Self {
        let (above, parts) = (Vec::new(), Vec::new());
        Self { shell, title: title.into(), above, lead: Html::default(), form: Form::new(), parts }
    }

    /// What it stands below, with the way there.
    pub(super) fn below(mut self, path: &str, label: &str) -> Self {
        self.above.push((self.shell.at(path), label.to_owned()));
        self
    }

    /// What stands under its heading.
    pub(super) fn lead(mut self, lead: Html) -> Self {
        self.lead = lead;
        self
    }

    /// The form whose refusal is told above everything.
    pub(super) fn of(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// One more part.
    pub(super) fn part(mut self, heading: impl Into<String>, body: Html) -> Self {
        self.parts.push(Part { heading: heading.into(), body });
        self
    }

    /// One more part, where there is one.
    pub(super) fn part_if(self, is: bool, heading: &str, body: impl FnOnce(&Self) -> Html) -> Self {
        if !is {
            return self;
        }
        let body = body(&self);
        self.part(heading, body)
    }

    /// The page as it is, for what a form showed and did not change.
    pub(super) fn shown(&self) -> Response {
        rendered(self, StatusCode::OK)
    }

    /// The page again, because what its form wanted was refused.
    pub(super) fn refused(&self, problem: &Problem) -> Response {
        refused(self, problem)
    }
}

/// The form that was refused, where a form can show that.
pub(super) fn again(typed: Typed, problem: impl Into<Problem>) -> Result<(Form, Problem), Problem> {
    let problem = problem.into();
    if shown_in_form(&problem) { Ok((Form::refused(typed, problem.clone()), problem)) } else { Err(problem) }
}

/// Text, escaped.
pub(super) fn text(text: impl Display) -> Html {
    Html::trusted(escape(&text.to_string()))
}

/// Text that somebody else chose, which may run the other way.
pub(super) fn name(text: impl Display) -> Html {
    Html::trusted(format!("<bdi>{}</bdi>", escape(&text.to_string())))
}

/// Ids and code.
pub(super) fn code(text: impl Display) -> Html {
    Html::trusted(format!("<code>{}</code>", escape(&text.to_string())))
}

/// A paragraph.
pub(super) fn says(text: impl Display) -> Html {
    Html::trusted(format!("<p>{}</p>", escape(&text.to_string())))
}

/// A paragraph that is less important.
pub(super) fn aside(text: impl Display) -> Html {
    Html::trusted(format!("<p class=\"muted small\">{}</p>", escape(&text.to_string())))
}

/// A link.
pub(super) fn link(href: impl Display, label: impl Display) -> Html {
    Html::trusted(format!(
        "<a href=\"{}\"><bdi>{}</bdi></a>",
        escape(&href.to_string()),
        escape(&label.to_string())
    ))
}

/// A link that looks like a button.
pub(super) fn way(href: impl Display, label: &str, class: &str) -> Html {
    Html::trusted(format!(
        "<a class=\"button {}\" href=\"{}\">{}</a>",
        escape(class),
        escape(&href.to_string()),
        escape(label)
    ))
}

/// One after the other.
pub(super) fn join(parts: impl IntoIterator<Item = Html>) -> Html {
    let parts: Vec<String> = parts.into_iter().map(|part| part.as_str().to_owned()).collect();
    Html::trusted(parts.join(" "))
}

/// Buttons and links in a row.
pub(super) fn actions(parts: impl IntoIterator<Item = Html>) -> Html {
    let parts = join(parts);
    if parts.as_str().trim().is_empty() {
        return Html::default();
    }
    Html::trusted(format!("<div class=\"actions\">{parts}</div>"))
}

/// A control.
pub(super) fn field(control: &Control<'_>) -> Html {
    Html::trusted(control.to_string())
}

/// Controls that belong together.
pub(super) fn group(legend: &str, fields: impl IntoIterator<Item = Html>) -> Html {
    Html::trusted(format!("<fieldset><legend>{}</legend>{}</fieldset>", escape(legend), join(fields)))
}

/// Many controls, as many beside each other as there is room for.
pub(super) fn side_by_side(fields: impl IntoIterator<Item = Html>) -> Html {
    Html::trusted(format!("<div class=\"grid\">{}</div>", join(fields)))
}

/// What is shown when somebody asks for it.
pub(super) fn folded(summary: &str, body: &Html) -> Html {
    Html::trusted(format!("<details><summary>{}</summary>{body}</details>", escape(summary)))
}

/// A value that goes along unseen.
pub(super) fn unseen(name: &str, value: impl Display) -> Html {
    Html::trusted(format!(
        "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
        escape(name),
        escape(&value.to_string())
    ))
}

/// A button of a form that can do several things: which one stands in `_do`.
pub(super) fn button(deed: &str, label: &str, class: &str) -> Html {
    Html::trusted(format!(
        "<button name=\"_do\" value=\"{}\" class=\"{}\">{}</button>",
        escape(deed),
        escape(class),
        escape(label)
    ))
}

/// A form with its buttons.
pub(super) fn form(
    shell: &Shell,
    action: &str,
    fields: impl IntoIterator<Item = Html>,
    buttons: impl IntoIterator<Item = Html>,
) -> Html {
    Html::trusted(format!("{}{}{}</form>", shell.form(action), join(fields), actions(buttons)))
}

/// The question before what cannot be undone: what will happen, what has to be said about it, the button that does it, and the way
/// back.
pub(super) fn question(
    shell: &Shell,
    action: &str,
    happens: impl Display,
    fields: impl IntoIterator<Item = Html>,
    (yes, back, no): (&str, &str, &str),
) -> Html {
    let buttons = [button("yes", yes, "grave"), link(back, no)];
    join([says(happens), form(shell, action, fields, buttons)])
}

/// A form that only asks: what is filled in goes into the address.
pub(super) fn asking(action: impl Display, fields: impl IntoIterator<Item = Html>, label: &str) -> Html {
    Html::trusted(format!(
        "<form method=\"get\" action=\"{}\">{}{}</form>",
        escape(&action.to_string()),
        join(fields),
        actions([Html::trusted(format!("<button class=\"primary\">{}</button>", escape(label)))])
    ))
}

/// A factor, such as `× 1.5`.
pub(super) fn factor(factor: f64) -> Html {
    text(format!("× {}", (factor * 1_000.0).round() / 1_000.0))
}

/// A list as a table. What a head that begins with `#` stands above is a number; the first cell of a row names it.
pub(super) fn table(label: &str, heads: &[&str], rows: Vec<Vec<Html>>, empty: &str) -> Html {
    if rows.is_empty() {
        return frame::ui::empty(empty, None);
    }
    let class = |n: usize| {
        if heads.get(n).is_some_and(|head| head.starts_with('#')) { " class=\"n\"" } else { "" }
    };
    let mut markup = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{}\"><table><thead><tr>",
        escape(label)
    );
    // Writing to a String cannot fail.
    for (n, head) in heads.iter().enumerate() {
        let head = head.trim_start_matches('#');
        let _ = if head.is_empty() {
            write!(markup, "<td></td>")
        } else {
            write!(markup, "<th scope=\"col\"{}>{}</th>", class(n), escape(head))
        };
    }
    markup.push_str("</tr></thead><tbody>");
    for row in rows {
        markup.push_str("<tr>");
        for (n, cell) in row.into_iter().enumerate() {
            let _ = if n == 0 {
                write!(markup, "<th scope=\"row\">{cell}</th>")
            } else {
                write!(markup, "<td{}>{cell}</td>", class(n))
            };
        }
        markup.push_str("</tr>");
    }
    markup.push_str("</tbody></table></div>");
    Html::trusted(markup)
}

/// What is known, by name.
pub(super) fn facts(facts: impl IntoIterator<Item = (&'static str, Html)>) -> Html {
    let facts = facts
        .into_iter()
        .map(|(name, value)| Html::trusted(format!("<div><dt>{}</dt><dd>{value}</dd></div>", escape(name))));
    Html::trusted(format!("<dl class=\"facts\">{}</dl>", join(facts)))
}

/// Text that keeps its lines, in a box of its own.
pub(super) fn lines(label: &str, text: &str) -> Html {
    Html::trusted(format!(
        "<pre tabindex=\"0\" role=\"group\" aria-label=\"{}\">{}</pre>",
        escape(label),
        escape(text)
    ))
}

/// Ways to look at the same thing; the one with this address is the one that is shown.
pub(super) fn tabs(label: &str, here: &str, tabs: &[(String, &str)]) -> Html {
    let links = tabs.iter().map(|(href, name)| {
        let current = if href == here { " aria-current=\"page\"" } else { "" };
        Html::trusted(format!("<a href=\"{}\"{current}>{}</a>", escape(href), escape(name)))
    });
    Html::trusted(format!("<nav class=\"tabs\" aria-label=\"{}\">{}</nav>", escape(label), join(links)))
}

/// What may be chosen, by value and name.
pub(super) fn choices(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(value, name)| ((*value).to_owned(), (*name).to_owned())).collect()
}

/// An instant, or a dash.
pub(super) fn when(at: Option<&chrono::DateTime<chrono::Utc>>) -> Html {
    at.map_or_else(|| text("–"), frame::format::time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_is_escaped_everywhere() {
        let hostile = "<script>\"x";
        let parts = [
            text(hostile),
            name(hostile),
            code(hostile),
            says(hostile),
            aside(hostile),
            link(hostile, hostile),
            way(hostile, hostile, hostile),
            folded(hostile, &Html::default()),
            unseen(hostile, hostile),
            button(hostile, hostile, hostile),
            group(hostile, []),
            asking(hostile, [], hostile),
            table(hostile, &[hostile], vec![vec![text(hostile)]], hostile),
            table(hostile, &[], Vec::new(), hostile),
            lines(hostile, hostile),
            tabs(hostile, "", &[(hostile.to_owned(), "<script>")]),
        ];
        for part in parts {
            assert!(!part.as_str().contains("<script"), "{part}");
            assert!(!part.as_str().contains("\"x\""), "{part}");
        }
    }

    #[test]
    fn a_table_marks_its_numbers_and_names_its_rows() {
        let markup = table("Squads", &["Squad", "#Wins"], vec![vec![text("a"), text(1)]], "None.");
        assert!(markup.as_str().contains("<th scope=\"col\" class=\"n\">Wins</th>"), "{markup}");
        assert!(markup.as_str().contains("<th scope=\"row\">a</th><td class=\"n\">1</td>"), "{markup}");
        assert!(table("Squads", &["Squad"], Vec::new(), "None.").as_str().contains("None."));
    }
}
