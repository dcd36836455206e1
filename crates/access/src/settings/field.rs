//! One setting: its type, its bounds, and whether a value is within them.

use serde_json::Value;

/// What a setting may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Type {
    /// `true` or `false`.
    Boolean,
    /// A whole number within these bounds, both included.
    Integer {
        /// The smallest.
        minimum: i64,
        /// The largest.
        maximum: i64,
    },
    /// A number within these bounds, both included.
    Number {
        /// The smallest.
        minimum: f64,
        /// The largest.
        maximum: f64,
    },
    /// A text of at most so many characters.
    Text {
        /// Most characters.
        max_length: usize,
    },
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A list of texts.
    Texts {
        /// Most texts.
        max_items: usize,
        /// Most characters of each.
        max_length: usize,
    },
    /// A Discord id, as decimal digits in a text.
    Id,
    /// Something nested: what it may hold is said by the group's struct and its [`crate::settings::Group::validate`].
    Json,
}

/// A setting within its group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// The name of the struct's field.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Type,
    /// Whether it may be null, for "none".
    pub nullable: bool,
    /// What it does, as a sentence for administrators, with its unit.
    pub about: &'static str,
}

impl Field {
    const fn new(name: &'static str, kind: Type, about: &'static str) -> Self {
        Self { name, kind, nullable: false, about }
    }

    /// A field that is `true` or `false`.
    pub const fn boolean(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Type::Boolean, about)
    }

    /// A whole number from `minimum` to `maximum`.
    pub const fn integer(name: &'static str, minimum: i64, maximum: i64, about: &'static str) -> Self {
        Self::new(name, Type::Integer { minimum, maximum }, about)
    }

    /// A number from `minimum` to `maximum`.
    pub const fn number(name: &'static str, minimum: f64, maximum: f64, about: &'static str) -> Self {
        Self::new(name, Type::Number { minimum, maximum }, about)
    }

    /// A text of at most `max_length` characters.
    pub const fn text(name: &'static str, max_length: usize, about: &'static str) -> Self {
        Self::new(name, Type::Text { max_length }, about)
    }

    /// One of some texts.
    pub const fn choice(name: &'static str, choices: &'static [&'static str], about: &'static str) -> Self {
        Self::new(name, Type::Choice(choices), about)
    }

    /// A list of at most `max_items` texts of at most `max_length` characters.
    pub const fn texts(name: &'static str, max_items: usize, max_length: usize, about: &'static str) -> Self {
        Self::new(name, Type::Texts { max_items, max_length }, about)
    }

    /// A Discord id.
    pub const fn id(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Type::Id, about)
    }

    /// Something nested, which the group's struct and `validate` check.
    pub const fn json(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Type::Json, about)
    }

    /// The same, but it may be null.
    #[must_use]
    pub const fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Checks a value; says how it must be, as the end of a sentence that begins with the setting's name.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if value.is_null() && self.nullable {
            return Ok(());
        }
        let good = match self.kind {
            Type::Boolean => value.is_boolean(),
            Type::Integer { minimum, maximum } => {
                value.as_i64().is_some_and(|n| (minimum..=maximum).contains(&n))
            }
            Type::Number { minimum, maximum } => {
                value.as_f64().is_some_and(|n| (minimum..=maximum).contains(&n))
            }
            Type::Text { max_length } => value.as_str().is_some_and(|text| fits(text, max_length)),
            Type::Choice(choices) => value.as_str().is_some_and(|text| choices.contains(&text)),
            Type::Texts { max_items, max_length } => value.as_array().is_some_and(|items| {
                items.len() <= max_items
                    && items.iter().all(|item| item.as_str().is_some_and(|text| fits(text, max_length)))
            }),
            Type::Id => value.as_str().is_some_and(|text| text.parse::<kernel::UserId>().is_ok()),
            Type::Json => !value.is_null(),
        };
        if good { Ok(()) } else { Err(format!("must be {}", self.expected())) }
    }

    /// What it takes, in words.
    pub fn expected(&self) -> String {
        let kind = match self.kind {
            Type::Boolean => "`true` or `false`".to_owned(),
            Type::Integer { minimum, maximum } => format!("a whole number from {minimum} to {maximum}"),
            Type::Number { minimum, maximum } => format!("a number from {minimum} to {maximum}"),
            Type::Text { max_length } => format!("a text of at most {max_length} characters"),
            Type::Choice(choices) => format!("one of {}", choices.join(", ")),
            Type::Texts { max_items, max_length } => {
                format!("a list of at most {max_items} texts of at most {max_length} characters")
            }
            Type::Id => "a Discord id, as digits in a text".to_owned(),
            Type::Json => "JSON".to_owned(),
        };
        if self.nullable { format!("{kind}, or null for none") } else { kind }
    }

    /// The type's name, as the API tells it.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Type::Boolean => "boolean",
            Type::Integer { .. } => "integer",
            Type::Number { .. } => "number",
            Type::Text { .. } | Type::Choice(_) => "string",
            Type::Texts { .. } => "array",
            Type::Id => "id",
            Type::Json => "json",
        }
    }

    /// A value as somebody typed it: texts stand for themselves, everything else is JSON.
    pub fn typed(&self, text: &str) -> Value {
        if self.nullable && text == "null" {
            return Value::Null;
        }
        match self.kind {
            Type::Text { .. } | Type::Choice(_) | Type::Id => Value::String(text.to_owned()),
            _ => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        }
    }
}

fn fits(text: &str, max_length: usize) -> bool {
    !text.contains('\0') && text.chars().count() <= max_length
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_checked_by_type_and_bounds() {
        let hours = Field::integer("hours", 1, 24, "");
        for good in [json!(1), json!(24)] {
            assert!(hours.check(&good).is_ok(), "{good}");
        }
        for bad in [json!(0), json!(25), json!(1.5), json!("3"), json!(null), json!(true), json!(1e30)] {
            assert_eq!(hours.check(&bad).unwrap_err(), "must be a whole number from 1 to 24", "{bad}");
        }
        assert!(hours.or_null().check(&json!(null)).is_ok());
        assert!(Field::number("share", 0.0, 1.0, "").check(&json!(1)).is_ok());
        assert!(Field::number("share", 0.0, 1.0, "").check(&json!(-0.1)).is_err());
        assert!(Field::text("t", 3, "").check(&json!("äöü")).is_ok());
        assert!(Field::text("t", 3, "").check(&json!("a\u{0}")).is_err());
        assert!(Field::choice("c", &["a", "b"], "").check(&json!("c")).is_err());
        assert!(Field::texts("l", 1, 3, "").check(&json!(["abc"])).is_ok());
        assert!(Field::texts("l", 1, 3, "").check(&json!(["a", "b"])).is_err());
        assert!(Field::id("i", "").check(&json!("175928847299117063")).is_ok());
        assert!(Field::id("i", "").check(&json!(175_928_847_299_117_063_i64)).is_err());
    }

    #[test]
    fn what_is_typed_means_what_its_field_holds() {
        assert_eq!(Field::text("t", 9, "").typed("12"), json!("12"));
        assert_eq!(Field::integer("n", 0, 99, "").typed("12"), json!(12));
        assert_eq!(Field::integer("n", 0, 99, "").or_null().typed("null"), json!(null));
        assert_eq!(Field::integer("n", 0, 99, "").typed("twelve"), json!("twelve"));
    }
}
