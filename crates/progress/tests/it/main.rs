//! What members earn, against a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod achievements;
mod audit;
mod awards;
mod grants;
mod house;
mod imports;
mod levels;
mod members;
mod repeats;
mod seasons;
