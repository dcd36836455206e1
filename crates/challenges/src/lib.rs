//! Challenges: inputs, submissions, leaderboards.

pub mod rules;
