//! Learning against a real PostgreSQL, over HTTP: each test has a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod answering;
mod authoring;
mod banks;
mod elsewhere;
mod exercism;
mod files;
mod folder;
mod learning;
mod prairielearn;
mod quizzes;
mod races;
mod stage;
