//! Typed settings that administrators change while it runs, for a guild or for the whole installation.
//!
//! A slice declares a [`Group`]: a plain struct with defaults, and a table that says of each field what it does and which
//! values it takes. Everything else follows from it: reading ([`Settings::get`]), the API, `questhall settings`, and
//! docs/settings.md. A guild's value beats the installation's, which beats the default.
//!
//! Promises: reading a setting that is cached costs no query; a change counts within a second on every node, also when
//! the connection that hears of changes is lost ([`Settings`]); no value is stored that its group would not take; every
//! change is in the audit log with before and after.
//!
//! Operator's choices that a process needs before it has a database (addresses, limits of memory) are not these: they are
//! in `questhall.toml`.

mod cache;
mod document;
mod field;
mod group;
mod listener;
pub mod ops;
mod store;

pub use cache::{MAX_CACHED, MAX_UNHEARD, Settings};
pub use document::document;
pub use field::{Field, Type};
pub use group::{Described, Group, Registry};
pub use ops::{
    Setting, SettingGroup, SettingsError, Source, settings_change, settings_get, settings_list,
    settings_read, settings_reset,
};
