//! The server as its users meet it: requests and answers, streams, signals.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod administrators;
mod attacks;
mod audited;
mod catalogue;
mod dashboard;
mod dashboard_coverage;
mod dashboard_frozen;
mod dashboard_learning;
mod dashboard_members;
mod dashboard_notices;
mod dashboard_public;
mod dashboard_rehearsal;
mod dashboard_replay;
mod dashboard_set_up;
mod dashboard_staff;
mod dashboard_staff_deeds;
mod dashboard_statements;
mod dashboard_what_if;
mod document;
mod guilds;
mod health;
mod house;
mod isolation;
mod malformed;
mod meetings;
mod operations;
mod personal;
mod problems;
mod process;
mod samples;
mod settings;
mod slices;
mod streams;
