//! Forms as pages show them: what was typed is kept, and what is wrong stands at its field and in a summary above.

use std::fmt::Write as _;

use kernel::Problem;
use serde::Serialize;
use serde_json::Value;

use crate::decode::Typed;
use crate::html::{Html, escape, with_code};

/// A form's values, and why it was refused, if it was.
#[derive(Debug, Clone, Default)]
pub struct Form {
    typed: Option<Typed>,
    stored: Value,
    refusal: Option<Problem>,
}

impl Form {
    /// An empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// A form that shows what is stored, by the names that the API has for it.
    pub fn of(stored: &impl Serialize) -> Self {
        Self { stored: serde_json::to_value(stored).unwrap_or_default(), ..Self::default() }
    }

    /// A form that was refused, with what was typed.
    #[must_use]
    pub fn refused(typed: Typed, problem: Problem) -> Self {
        Self { typed: Some(typed), refusal: Some(problem), ..Self::default() }
    }

    /// A form as it was typed, for a page that shows something of it and keeps nothing.
    pub fn kept(typed: Typed) -> Self {
        Self { typed: Some(typed), ..Self::default() }
    }

    /// The same form over what is stored: what was not typed shows that. A page with several forms is refused for one of them.
    #[must_use]
    pub fn over(self, stored: &impl Serialize) -> Self {
        Self { stored: serde_json::to_value(stored).unwrap_or_default(), ..self }
    }

    /// Whether it was refused.
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// What a control shows: what was typed, else what is stored.
    fn value(&self, name: &str) -> String {
        if let Some(typed) = self.typed.as_ref().and_then(|typed| typed.value(name)) {
            return typed.to_owned();
        }
        match self.stored_at(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(items)) if name.ends_with(":lines") => {
                items.iter().map(as_typed).collect::<Vec<_>>().join("\n")
            }
            Some(other) => other.to_string(),
        }
    }

    /// What a control shows, for one that goes along unseen.
    pub fn shown(&self, name: &str) -> String {
        self.value(name)
    }

    /// What was typed into a control.
    pub fn typed(&self, name: &str) -> &str {
        self.typed.as_ref().and_then(|typed| typed.value(name)).unwrap_or_default()
    }

    /// What is stored under a control's name.
    fn stored_at(&self, name: &str) -> Option<&Value> {
        let path = path_of(name).trim_end_matches("[]");
        let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
        self.stored.pointer(&pointer)
    }

    /// Whether a value is among those that were picked, else among those that are stored.
    fn picked(&self, name: &str, value: &str) -> bool {
        if let Some(typed) = self.typed.as_ref().filter(|typed| typed.value(name).is_some()) {
            return typed.values(name).any(|typed| typed == value);
        }
        match self.stored_at(name) {
            Some(Value::Array(items)) => items.iter().any(|item| as_typed(item) == value),
            Some(single) => as_typed(single) == value,
            None => false,
        }
    }

    /// What is wrong with a control's value.
    fn fault(&self, name: &str) -> Option<&str> {
        let path = path_of(name);
        // A list that is written in one control is at fault where one of its items is.
        let is_list = name.ends_with(":lines");
        let within = |field: &str| field.strip_prefix(path).is_some_and(|rest| rest.starts_with('['));
        let errors = self.refusal.as_ref()?.errors();
        let error = errors.iter().find(|error| error.field == path || (is_list && within(&error.field)));
        error.map(|error| error.message.as_str())
    }

    /// Why it was refused, above the form: the script moves the focus there.
    pub fn summary(&self) -> Html {
        let Some(problem) = &self.refusal else { return Html::default() };
        let mut markup = String::from(
            "<div class=\"notice danger\" role=\"alert\" id=\"refusal\" tabindex=\"-1\"><p><strong>That was not done.</strong> ",
        );
        if problem.errors().is_empty() {
            let _ = write!(markup, "{}</p>", escape(problem.detail()));
        } else {
            markup.push_str("Please look at:</p><ul>");
            for error in problem.errors() {
                let _ = write!(
                    markup,
                    "<li><a href=\"#f-{}\">{}</a> {}</li>",
                    escape(&id_of(self.control_of(&error.field))),
                    escape(&crate::format::word(&error.field)),
                    escape(&error.message)
                );
            }
            markup.push_str("</ul>");
        }
        markup.push_str("</div>");
        Html::trusted(markup)
    }

    /// The control that a fault is led to: that of the whole list, where its items have none.
    fn control_of<'a>(&self, field: &'a str) -> &'a str {
        let list = field.split('[').next().unwrap_or(field);
        let written = self.typed.as_ref().is_some_and(|typed| typed.has(&format!("{list}:lines")));
        if written { list } else { field }
    }

    /// A control for a line of text.
    pub fn line<'a>(&'a self, name: &'a str, label: &'a str) -> Control<'a> {
        Control::new(self, name, label, Shape::Line("text"))
    }

    /// A control for a whole number.
    pub fn number<'a>(&'a self, name: &'a str, label: &'a str) -> Control<'a> {
        Control::new(self, name, label, Shape::Line("number"))
    }

    /// A control for a secret.
    pub fn password<'a>(&'a self, name: &'a str, label: &'a str) -> Control<'a> {
        Control::new(self, name, label, Shape::Line("password"))
    }

    /// A control for an instant, in UTC.
    pub fn time<'a>(&'a self, name: &'a str, label: &'a str) -> Control<'a> {
        Control::new(self, name, label, Shape::Line("datetime-local"))
    }

    /// A control for a day.
    pub fn day<'a>(&'a self, name: &'a str, label: &'a str) -> Control<'a> {
        Control::new(self, name, label, Shape::Line("date"))
    }

    /// A control for a text of several lines.
    pub fn text<'a>(&'a self, name: &'a str, label: &'a str, rows: u8) -> Control<'a> {
        Control::new(self, name, label, Shape::Text(rows))
    }

    /// A yes or no. Its name ends in `:bool`.
    pub fn check<'a>(&'a self, name: &'a str, label: &'a str) -> Control<'a> {
        Control::new(self, name, label, Shape::Check)
    }

    /// One of several values that may be picked together, under a name that ends in `[]`; or one that may be left out.
    pub fn pick<'a>(&'a self, name: &'a str, value: &'a str, label: &'a str) -> Control<'a> {
        Control::new(self, name, label, Shape::Pick(value))
    }

    /// A choice from a list of values and what they are called.
    pub fn choice<'a>(
        &'a self,
        name: &'a str,
        label: &'a str,
        options: &'a [(String, String)],
    ) -> Control<'a> {
        Control::new(self, name, label, Shape::Choice(options))
    }
}

/// The name of a control without what kind of value it holds.
fn path_of(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// A stored value as somebody would type it.
fn as_typed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An element's id for a path: no blanks, no characters that selectors take for something else.
fn id_of(path: &str) -> String {
    path.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

#[derive(Debug, Clone, Copy)]
enum Shape<'a> {
    Line(&'static str),
    Text(u8),
    Check,
    Pick(&'a str),
    Choice(&'a [(String, String)]),
}

/// A control with its label, its help and its fault.
#[derive(Debug, Clone)]
pub struct Control<'a> {
    form: &'a Form,
    name: &'a str,
    label: &'a str,
    shape: Shape<'a>,
    help: Option<&'a str>,
    attributes: String,
}

impl<'a> Control<'a> {
    fn new(form: &'a Form, name: &'a str, label: &'a str, shape: Shape<'a>) -> Self {
        Self { form, name, label, shape, help: None, attributes: String::new() }
    }

    /// A sentence that says what to write.
    #[must_use]
    pub const fn help(mut self, text: &'a str) -> Self {
        self.help = Some(text);
        self
    }

    /// It must be filled in.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.attributes.push_str(" required");
        self
    }

    /// The longest text.
    #[must_use]
    pub fn max_length(mut self, characters: u32) -> Self {
        let _ = write!(self.attributes, " maxlength=\"{characters}\"");
        self
    }

    /// The bounds of a number.
    #[must_use]
    pub fn between(mut self, least: i64, most: i64) -> Self {
        let _ = write!(self.attributes, " min=\"{least}\" max=\"{most}\"");
        self
    }

    /// A number that need not be whole.
    #[must_use]
    pub fn fractions(mut self) -> Self {
        self.attributes.push_str(" step=\"any\"");
        self
    }

    /// What a browser may fill it with.
    #[must_use]
    pub fn autocomplete(mut self, what: &str) -> Self {
        let _ = write!(self.attributes, " autocomplete=\"{}\"", escape(what));
        self
    }

    /// For ids, answers and code: letters of one width, and no corrections.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.attributes
            .push_str(" class=\"exact\" spellcheck=\"false\" autocapitalize=\"off\" autocomplete=\"off\"");
        self
    }

    fn describe(&self, id: &str) -> (String, String) {
        let fault = self.form.fault(self.name);
        let mut by = Vec::new();
        let mut notes = String::new();
        if let Some(help) = self.help {
            by.push(format!("{id}-help"));
            let _ = write!(notes, "<p class=\"help\" id=\"{id}-help\">{}</p>", with_code(help));
        }
        if let Some(fault) = fault {
            by.push(format!("{id}-fault"));
            let _ = write!(
                notes,
                "<p class=\"fault\" id=\"{id}-fault\">{} {}</p>",
                escape(self.label),
                escape(fault)
            );
        }
        let mut attributes = self.attributes.clone();
        if !by.is_empty() {
            let _ = write!(attributes, " aria-describedby=\"{}\"", by.join(" "));
        }
        if fault.is_some() {
            attributes.push_str(" aria-invalid=\"true\"");
        }
        (attributes, notes)
    }
}

impl std::fmt::Display for Control<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = match self.shape {
            Shape::Pick(value) => format!("f-{}-{}", id_of(path_of(self.name)), id_of(value)),
            _ => format!("f-{}", id_of(path_of(self.name))),
        };
        let (name, label) = (escape(self.name), escape(self.label));
        let (attributes, notes) = self.describe(&id);
        let value = self.form.value(self.name);
        match self.shape {
            Shape::Check => {
                let checked = if matches!(value.as_str(), "true" | "on") { " checked" } else { "" };
                write!(
                    f,
                    "<div class=\"field check\"><input type=\"hidden\" name=\"{name}\" value=\"false\"><input type=\"checkbox\" \
                     id=\"{id}\" name=\"{name}\" value=\"true\"{checked}{attributes}><label for=\"{id}\">{label}</label>{notes}</div>"
                )
            }
            Shape::Pick(value) => {
                let checked = if self.form.picked(self.name, value) { " checked" } else { "" };
                write!(
                    f,
                    "<div class=\"field check\"><input type=\"checkbox\" id=\"{id}\" name=\"{name}\" value=\"{}\"{checked}\
                     {attributes}><label for=\"{id}\">{label}</label>{notes}</div>",
                    escape(value)
                )
            }
            Shape::Line(kind) => {
                // What is secret is typed anew; a time is shown without its seconds and zone.
                let value = match kind {
                    "password" => String::new(),
                    "datetime-local" => value.chars().take(16).collect(),
                    _ => value,
                };
                write!(
                    f,
                    "<div class=\"field\"><label for=\"{id}\">{label}</label><input type=\"{kind}\" id=\"{id}\" name=\"{name}\" \
                     value=\"{}\"{attributes}>{notes}</div>",
                    escape(&value)
                )
            }
            Shape::Text(rows) => write!(
                f,
                // A line feed at its beginning is skipped by browsers.
                "<div class=\"field\"><label for=\"{id}\">{label}</label><textarea id=\"{id}\" name=\"{name}\" \
                 rows=\"{rows}\"{attributes}>\n{}</textarea>{notes}</div>",
                escape(&value)
            ),
            Shape::Choice(options) => {
                write!(
                    f,
                    "<div class=\"field\"><label for=\"{id}\">{label}</label><select id=\"{id}\" name=\"{name}\"{attributes}>"
                )?;
                for (option, called) in options {
                    let selected = if *option == value { " selected" } else { "" };
                    write!(f, "<option value=\"{}\"{selected}>{}</option>", escape(option), escape(called))?;
                }
                write!(f, "</select>{notes}</div>")
            }
        }
    }
}

impl askama::filters::HtmlSafe for Control<'_> {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refused_form_keeps_what_was_typed_and_says_what_is_wrong() {
        let typed = Typed::parse(b"amount%3Aint=%3Cb%3E&note=x%22y").unwrap();
        let form = Form::refused(typed, Problem::field("amount", "must be positive"));
        let amount = form.number("amount:int", "Amount").to_string();
        assert!(
            amount.contains("value=\"&lt;b&gt;\"") && amount.contains("aria-invalid=\"true\""),
            "{amount}"
        );
        assert!(amount.contains("aria-describedby=\"f-amount-fault\""), "{amount}");
        assert!(form.text("note", "Note", 3).to_string().contains("x&quot;y"));
        let summary = form.summary().to_string();
        assert!(summary.contains("href=\"#f-amount\"") && summary.contains("must be positive"), "{summary}");
    }

    #[test]
    fn a_form_shows_what_is_stored() {
        let form =
            Form::of(&json!({ "a": { "b": [{ "c": 5 }] }, "yes": true, "at": "2026-12-01T18:00:00Z" }));
        assert!(form.number("a.b[0].c:int", "C").to_string().contains("value=\"5\""));
        assert!(form.check("yes:bool", "Yes").to_string().contains(" checked"));
        assert!(form.time("at:time", "At").to_string().contains("value=\"2026-12-01T18:00\""));
        assert!(!form.summary().as_str().contains("alert"));
    }

    #[test]
    fn a_list_is_written_a_line_each_or_picked() {
        let stored = json!({ "channels": ["5", 6], "kinds": ["A", "B"] });
        let form = Form::of(&stored);
        let channels = form.text("channels:lines", "Channels", 4).to_string();
        assert!(channels.contains("\n5\n6</textarea>"), "{channels}");
        let kinds = ["A", "C"].map(|kind| form.pick("kinds[]", kind, kind).to_string());
        assert!(kinds[0].contains(" checked") && kinds[0].contains("id=\"f-kinds---A\""), "{kinds:?}");
        assert!(!kinds[1].contains(" checked"), "{kinds:?}");
        // Refused, it shows what was typed, leads to the control of the whole list, and leaves other forms of the page as they are.
        let typed = Typed::parse(b"channels%3Alines=5%0D%0Ax&kinds%5B%5D=C").unwrap();
        let form = Form::refused(typed, Problem::field("channels[1]", "must be an id"))
            .over(&json!({ "name": "halls" }));
        let channels = form.text("channels:lines", "Channels", 4).to_string();
        assert!(channels.contains("aria-invalid") && channels.contains("5\r\nx"), "{channels}");
        assert!(form.summary().as_str().contains("href=\"#f-channels\""), "{}", form.summary());
        assert!(form.pick("kinds[]", "C", "C").to_string().contains(" checked"));
        assert!(!form.pick("kinds[]", "A", "A").to_string().contains(" checked"));
        assert!(form.line("name", "Name").to_string().contains("value=\"halls\""));
    }

    #[test]
    fn secrets_are_not_written_into_the_page() {
        let typed = Typed::parse(b"password=hunter2").unwrap();
        let form = Form::refused(typed, Problem::invalid("no"));
        assert!(!form.password("password", "Password").to_string().contains("hunter2"));
    }
}
