//! The page about events, written from their declarations.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jobs::outbox::{Audience, EventType, event_types};

const HEAD: &str = include_str!("document_head.md");

/// `docs/events.md`, of all types that this program links.
pub fn document() -> String {
    let mut scopes: BTreeMap<&str, Vec<&EventType>> = BTreeMap::new();
    for declared in event_types() {
        if !declared.name.starts_with("test.") && !declared.name.contains(".test_") {
            scopes.entry(declared.read).or_default().push(declared);
        }
    }
    let mut page = HEAD.to_owned();
    for (scope, types) in scopes {
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## `{scope}`\n\n| type | when | to | data |\n|---|---|---|---|\n");
        for declared in types {
            let fields: Vec<String> =
                declared
                    .fields
                    .iter()
                    .map(|field| {
                        if field.optional { format!("*{}*", field.name) } else { format!("`{}`", field.name) }
                    })
                    .collect();
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                declared.name,
                declared.when,
                audience(declared),
                fields.join(", ")
            );
        }
    }
    page
}

fn audience(declared: &EventType) -> String {
    let admin = declared.admin;
    match declared.audience {
        Audience::Everyone => "everyone".to_owned(),
        Audience::Member => format!("the member concerned, and `{admin}`"),
        Audience::Admins => format!("`{admin}`"),
    }
}
