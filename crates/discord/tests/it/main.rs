//! The bot against a stand-in for Discord, which misbehaves on demand and whose every request and answer is held against
//! Discord's own description.

mod chat;
mod commands;
mod effects;
mod gateway;
mod interactions;
mod judge;
mod sender;
mod stand_in;
