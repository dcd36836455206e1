//! What the bot answers.

use serde_json::{Value, json};

use crate::sender::Attachment;
use crate::words::cut;

/// Characters that a message may hold.
pub const MAX_CONTENT: usize = 2_000;
/// Only who asked sees it.
const EPHEMERAL: u32 = 1 << 6;

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// The text.
    pub content: String,
    /// Whether only who asked sees it.
    pub private: bool,
    /// Rows of buttons and menus.
    pub rows: Vec<Value>,
    /// Files.
    pub files: Vec<Attachment>,
    /// Whether it replaces the message whose button was pressed.
    pub replaces: bool,
    /// A form instead.
    pub form: Option<Value>,
}

impl Reply {
    /// A text.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }

    /// With a row of buttons or a menu.
    #[must_use]
    pub fn row(mut self, components: Vec<Value>) -> Self {
        if !components.is_empty() {
            let mut row = json!({ "type": 1 });
            row["components"] = Value::Array(components);
            self.rows.push(row);
        }
        self
    }

    /// With a file.
    #[must_use]
    pub fn file(mut self, file: Attachment) -> Self {
        self.files.push(file);
        self
    }

    /// In place of the message whose button was pressed.
    #[must_use]
    pub fn instead(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// For who asked alone.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// A form: its id, title, and fields, each with its label.
    pub fn form(custom_id: &str, title: &str, fields: Vec<Value>) -> Self {
        let mut form = json!({ "custom_id": custom_id, "title": cut(title, 45) });
        form["components"] = Value::Array(fields);
        Self { form: Some(form), ..Self::default() }
    }

    /// The message: pings nobody, whatever its text holds.
    pub fn message(&self) -> Value {
        let mut message = json!({
            "content": cut(&self.content, MAX_CONTENT),
            "allowed_mentions": { "parse": [] },
            "components": self.rows,
        });
        if !self.files.is_empty() {
            let files = self.files.iter().enumerate();
            let files: Vec<Value> =
                files.map(|(n, file)| json!({ "id": n.to_string(), "filename": file.name })).collect();
            message["attachments"] = json!(files);
        }
        message
    }

    /// The first answer to an interaction.
    pub fn callback(&self) -> Value {
        if let Some(form) = &self.form {
            return json!({ "type": 9, "data": form });
        }
        let mut data = self.message();
        if self.private && !self.replaces {
            data["flags"] = json!(EPHEMERAL);
        }
        json!({ "type": if self.replaces { 7 } else { 4 }, "data": data })
    }
}

/// The promise of an answer: to a command, or to a button.
pub fn deferred(component: bool, private: bool) -> Value {
    match (component, private) {
        (true, _) => json!({ "type": 6 }),
        (false, true) => json!({ "type": 5, "data": { "flags": EPHEMERAL } }),
        (false, false) => json!({ "type": 5 }),
    }
}

/// A button: its id and label.
pub fn button(custom_id: &str, label: &str) -> Value {
    json!({ "type": 2, "style": 1, "custom_id": custom_id, "label": cut(label, 80) })
}

/// A field of a form: a text.
pub fn field(id: &str, label: &str, long: bool, max: u32) -> Value {
    let style = if long { 2 } else { 1 };
    let input = json!({ "type": 4, "custom_id": id, "style": style, "min_length": 1, "max_length": max, "required": true });
    json!({ "type": 18, "label": cut(label, 45), "component": input })
}

/// The same, which may be left empty.
pub fn optional_field(id: &str, label: &str, max: u32) -> Value {
    let input = json!({ "type": 4, "custom_id": id, "style": 1, "max_length": max, "required": false });
    json!({ "type": 18, "label": cut(label, 45), "component": input })
}

/// A field of a form: a menu, of values and labels, of which `least` to `most` are to be chosen.
pub fn menu(
    id: &str,
    label: &str,
    about: &str,
    choices: &[(String, String)],
    (least, most): (usize, usize),
) -> Value {
    let options: Vec<Value> = choices
        .iter()
        .take(25)
        .map(|(value, label)| json!({ "value": cut(value, 100), "label": cut(label, 100) }))
        .collect();
    let menu = json!({
        "type": 3, "custom_id": id, "options": options, "min_values": least, "max_values": most, "required": least > 0,
    });
    json!({ "type": 18, "label": cut(label, 45), "description": cut(about, 100), "component": menu })
}
