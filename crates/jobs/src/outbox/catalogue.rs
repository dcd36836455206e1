//! The catalogue of events: what each type means, its data's fields, and an example, declared beside what emits it.
//!
//! [`declare_events!`](crate::declare_events) puts a type into the catalogue; whoever links the slice finds it by
//! [`event_types`]. Debug builds check everything that is emitted against its declaration, so that an undeclared type, or
//! a field that was forgotten, fails the first test which emits it. Types that only tests emit are called `test.…` or
//! `….test_…` and are left alone.

use std::collections::HashMap;
use std::sync::LazyLock;

use kernel::UserId;
use serde_json::{Map, Value, json};

/// A declared type of event.
#[derive(Debug, Clone, Copy)]
pub struct EventType {
    /// Its name, such as `campaign.started`.
    pub name: &'static str,
    /// Who gets it, of those who may read it.
    pub audience: Audience,
    /// The scope that reading it takes.
    pub read: &'static str,
    /// The scope that reads it whomever it concerns.
    pub admin: &'static str,
    /// The module that declares it.
    pub module: &'static str,
    /// When it happens, as the end of a sentence.
    pub when: &'static str,
    /// The fields of its data.
    pub fields: &'static [Field],
    /// An example of its data.
    pub example: fn() -> Value,
}

/// The types that a module declares.
#[doc(hidden)]
#[derive(Debug)]
pub struct Declared(pub &'static [EventType]);

inventory::collect!(Declared);

/// All declared types that are linked in, in no order.
fn all() -> impl Iterator<Item = &'static EventType> {
    inventory::iter::<Declared>.into_iter().flat_map(|declared| declared.0)
}

kernel::decl_words! {
    /// Who gets an event, of those who may read it.
    pub enum Audience {
        /// Everyone; or the member concerned alone, where it names one, as while a scoreboard is frozen.
        Everyone = "everyone",
        /// The member concerned, and who holds its admin scope.
        Member = "member",
        /// Who holds its admin scope, and nobody else.
        Admins = "admins",
    }
}

/// A field of an event's data.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it may be left out or null.
    pub optional: bool,
    /// What it says.
    pub about: &'static str,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// One of our ids.
    Uuid,
    /// One of Discord's ids: a string of digits.
    Snowflake,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// An instant: RFC 3339 in UTC.
    Time,
    /// A day: `2026-12-01`.
    Date,
    /// A list of anything.
    List,
    /// An object.
    Object,
    /// Anything.
    Any,
}

impl FieldKind {
    /// As JSON Schema says it.
    pub fn schema(self) -> Value {
        match self {
            Self::Uuid => json!({ "type": "string", "format": "uuid" }),
            Self::Snowflake => json!({ "type": "string", "pattern": "^[0-9]{1,19}$" }),
            Self::Text => json!({ "type": "string" }),
            Self::Integer => json!({ "type": "integer" }),
            Self::Number => json!({ "type": "number" }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Date => json!({ "type": "string", "format": "date" }),
            Self::List => json!({ "type": "array" }),
            Self::Object => json!({ "type": "object" }),
            Self::Any => json!({}),
        }
    }

    fn holds(self, value: &Value) -> bool {
        let text = |is: fn(&str) -> bool| value.as_str().is_some_and(is);
        match self {
            Self::Uuid => text(|text| uuid::Uuid::parse_str(text).is_ok()),
            Self::Snowflake => {
                text(|text| (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))
            }
            Self::Text => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Time => text(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok()),
            Self::Date => text(|text| text.parse::<chrono::NaiveDate>().is_ok()),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::Any => true,
        }
    }
}

impl EventType {
    /// The JSON Schema (2020-12) of its data. Fields may be added to events, so others are not forbidden.
    pub fn schema(&self) -> Value {
        let property = |field: &Field| {
            let mut schema = field.kind.schema();
            if let (true, Some(Value::String(kind))) = (field.optional, schema.get("type").cloned()) {
                schema["type"] = json!([kind, "null"]);
            }
            schema["description"] = json!(field.about);
            (field.name.to_owned(), schema)
        };
        let required: Vec<&str> =
            self.fields.iter().filter(|field| !field.optional).map(|field| field.name).collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "type": "object",
            "properties": self.fields.iter().map(property).collect::<Map<_, _>>(),
            "required": required,
        })
    }

    /// What is wrong with an event's data, held against the declaration: also fields that it does not declare.
    pub fn check(&self, data: &Value) -> Result<(), String> {
        let Some(data) = data.as_object() else { return Err("the data is no object".to_owned()) };
        for field in self.fields {
            match data.get(field.name) {
                None | Some(Value::Null) if field.optional => {}
                None => return Err(format!("`{}` is missing", field.name)),
                Some(value) if field.kind.holds(value) => {}
                Some(value) => return Err(format!("`{}` is no {:?}: {value}", field.name, field.kind)),
            }
        }
        match data.keys().find(|name| !self.fields.iter().any(|field| field.name == name.as_str())) {
            Some(name) => Err(format!("`{name}` is not declared")),
            None => Ok(()),
        }
    }
}

/// All declared types, by name.
pub fn event_types() -> Vec<&'static EventType> {
    let mut types: Vec<&EventType> = all().collect();
    types.sort_by_key(|declared| declared.name);
    types
}

/// The declaration of a type; `None` where this program links none.
pub fn event_type(name: &str) -> Option<&'static EventType> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static EventType>> =
        LazyLock::new(|| all().map(|declared| (declared.name, declared)).collect());
    BY_NAME.get(name).copied()
}

/// Declares types of events beside what emits them, as the module's `EVENTS`: first the scopes that they take, to be read, and to be read
/// whomever they concern; then each with who gets it.
///
/// ```
/// jobs::declare_events! {
///     read "kitchen:read", admin "kitchen:write";
///
///     "kettle.boiled" Everyone "the water boils" {
///         kettle_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the kettle";
///         litres (optional): Number = 1.5, "how much water, where that is known";
///     }
/// }
/// ```
#[macro_export]
macro_rules! declare_events {
    (read $read:literal, admin $admin:literal; $($name:literal $audience:ident $when:literal {
        $($field:ident $(($optional:ident))? : $kind:ident = $example:expr, $about:literal;)*
    })*) => {
        /// The events that this module declares, for the slice to list.
        pub(crate) const EVENTS: &[$crate::outbox::EventType] = &[$(
            $crate::outbox::EventType {
                name: $name,
                audience: $crate::outbox::Audience::$audience,
                read: $read,
                admin: $admin,
                module: module_path!(),
                when: $when,
                fields: &[$($crate::outbox::Field {
                    name: stringify!($field),
                    kind: $crate::outbox::FieldKind::$kind,
                    optional: $crate::outbox::declaring::some(&[$(stringify!($optional))?]),
                    about: $about,
                },)*],
                example: || $crate::outbox::declaring::json!({ $((stringify!($field)): $example),* }),
            },
        )*];

        $crate::outbox::declaring::submit! { $crate::outbox::Declared(EVENTS) }
    };
}

/// What the macro needs.
#[doc(hidden)]
pub mod declaring {
    pub use inventory::submit;
    pub use serde_json::json;

    /// Whether there is something in it.
    pub const fn some(words: &[&str]) -> bool {
        !words.is_empty()
    }
}

/// Fails a debug build that emits what the catalogue does not know.
pub(super) fn check_declared(name: &str, data: &Value, concerned: Option<UserId>) {
    if !cfg!(debug_assertions) || name.starts_with("test.") || name.contains(".test_") {
        return;
    }
    let wrong = match event_type(name) {
        None => Err("it is not declared".to_owned()),
        Some(declared) if declared.audience == Audience::Member && concerned.is_none() => {
            Err("it names no member whom it concerns".to_owned())
        }
        Some(declared) => declared.check(data),
    };
    if let Err(wrong) = wrong {
        panic!("event {name}: {wrong}; see `jobs::declare_events!` and the slice's `events` module");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::declare_events! {
        read "kitchen:read", admin "kitchen:write";

        "test.kettle" Everyone "the water boils" {
            kettle_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the kettle";
            litres (optional): Number = 1.5, "how much water";
        }
    }

    fn kettle() -> &'static EventType {
        event_types().into_iter().find(|declared| declared.name == "test.kettle").unwrap()
    }

    #[test]
    fn data_is_held_against_the_declaration() {
        let id = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f";
        assert_eq!(kettle().check(&(kettle().example)()), Ok(()));
        assert_eq!(kettle().check(&json!({ "kettle_id": id, "litres": null })), Ok(()));
        for wrong in [
            json!([]),
            json!({ "litres": 1 }),
            json!({ "kettle_id": "7" }),
            json!({ "kettle_id": id, "litres": "1" }),
            json!({ "kettle_id": id, "colour": "red" }),
        ] {
            assert!(kettle().check(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_declaration_is_a_schema() {
        let schema = kettle().schema();
        assert_eq!(schema["required"], json!(["kettle_id"]));
        assert_eq!(schema["properties"]["litres"]["type"], json!(["number", "null"]));
    }

    #[test]
    #[should_panic(expected = "it is not declared")]
    fn what_nobody_declared_is_found_by_the_first_test_that_emits_it() {
        check_declared("kettle.melted", &json!({}), None);
    }
}
