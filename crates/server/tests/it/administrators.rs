//! What administrators may choose.

#[test]
fn every_group_of_settings_is_declared_rightly() {
    let registry = server::settings_registry();
    assert_eq!(registry.faults(), Vec::<String>::new());
    assert!(!registry.groups().is_empty());
}

#[test]
fn the_page_about_settings_says_what_the_program_does() {
    let page = include_str!("../../../../docs/settings.md");
    let made = access::settings::document(&server::settings_registry());
    assert!(page == made, "docs/settings.md is out of date: run script/update-settings");
}
