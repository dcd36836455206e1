//! The catalogue of events.

use std::collections::BTreeSet;

use jobs::outbox::event_types;

#[test]
fn examples_are_as_their_schemas_say() {
    let declared = event_types();
    assert!(declared.len() >= 25, "{}", declared.len());
    let mut names = BTreeSet::new();
    for event in declared {
        assert!(names.insert(event.name), "{} is declared twice", event.name);
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'_';
        assert!(event.name.len() <= 64 && event.name.bytes().all(plain), "{}", event.name);
        assert_eq!(event.check(&(event.example)()), Ok(()), "{}", event.name);
        assert!(!event.when.is_empty() && !event.when.contains('|'), "{}", event.name);
    }
}

#[test]
fn the_page_about_events_says_what_the_program_does() {
    let page = include_str!("../../../../docs/events.md");
    assert!(
        page == delivery::document::document(),
        "docs/events.md is out of date: run script/update-events"
    );
}
