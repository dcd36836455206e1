//! Board, shop, announcements, skills and privacy, against a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod announcements;
mod board;
mod house;
mod imports;
mod privacy;
mod skills;
