//! Seasons, achievements, quest board, shop and the rest of a guild's life, against a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod achievements;
mod announcements;
mod audit;
mod board;
mod house;
mod imports;
mod multipliers;
mod people;
mod rollover;
mod seasons;
mod skills;
