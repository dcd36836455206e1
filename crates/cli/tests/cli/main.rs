//! The command as people and scripts meet it: the real binary, what it prints and the code it ends with.
#![expect(clippy::unwrap_used, reason = "a test has nothing better to do than to fail")]

mod authoring;
mod bench;
mod checking;
mod converting;
mod courses;
mod database;
mod economy;
mod guide;
mod learning_guide;
mod machine;
mod operator;
mod readme;
mod secrets;
mod terminal;
mod up;
