//! A file per command.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod audit_log;
pub(crate) mod bench;
pub(crate) mod campaign;
pub(crate) mod completions;
pub(crate) mod db;
pub(crate) mod doctor;
pub(crate) mod economy;
pub(crate) mod generate_events;
pub(crate) mod ingest;
pub(crate) mod key;
pub(crate) mod lake;
pub(crate) mod life;
pub(crate) mod member;
pub(crate) mod openapi;
pub(crate) mod path;
pub(crate) mod role;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod settings;
pub(crate) mod squad;
pub(crate) mod up;
pub(crate) mod version;
pub(crate) mod webhook;
