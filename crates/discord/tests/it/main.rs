//! The bot against a stand-in for Discord, which misbehaves on demand and whose every request and answer is held against
//! Discord's own description.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::needless_pass_by_value, reason = "what happens is given away")]

mod automod;
mod chat;
mod commands;
mod effects;
mod gateway;
mod interactions;
mod judge;
mod native;
mod outside;
mod peers;
mod sanctions;
mod sender;
mod setup;
mod staff;
mod stand_in;
