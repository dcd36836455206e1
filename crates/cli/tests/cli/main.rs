//! The command as people and scripts meet it: the real binary, what it prints and the code it ends with.

mod authoring;
mod database;
mod machine;
mod readme;
mod terminal;
mod up;
