//! A file per command.

pub(crate) mod achievement;
pub(crate) mod admin;
pub(crate) mod announcement;
pub(crate) mod audit;
pub(crate) mod audit_log;
pub(crate) mod award;
pub(crate) mod bench;
pub(crate) mod board;
pub(crate) mod campaign;
pub(crate) mod category;
pub(crate) mod completions;
pub(crate) mod db;
pub(crate) mod doctor;
pub(crate) mod economy;
pub(crate) mod generate_events;
pub(crate) mod ingest;
pub(crate) mod insight;
pub(crate) mod key;
pub(crate) mod lake;
pub(crate) mod member;
pub(crate) mod multiplier;
pub(crate) mod openapi;
pub(crate) mod path;
pub(crate) mod role;
pub(crate) mod season;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod settings;
pub(crate) mod shop;
pub(crate) mod skill;
pub(crate) mod squad;
pub(crate) mod up;
pub(crate) mod version;
pub(crate) mod webhook;

mod import_xp;
mod operator;
