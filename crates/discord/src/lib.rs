//! Discord as a face of the house: commands, and what they answer.
//!
//! Promises:
//! * Discord is never asked for too much, by all nodes together, whatever it does ([`sender`]).
//! * An interaction is Discord's, fresh, and carried out once; it is answered in time ([`interactions`]).
//! * What happens in guilds is taken at least once and counts once, and no word of it is kept (`gateway`).
//! * Nobody is pinged by what others are called or write ([`words`]).
//! * A guild that was set up is kept in step with what Discord has of it ([`setup`]).
//! * Who may do what is decided by the house's own roles and scopes, as for every other face ([`commands`]).
//!
//! Map: [`settings`] what the operator chooses · [`sender`] requests to Discord · [`interactions`] what members do · [`commands`] the
//! tree, a thin face on each operation · [`effects`] what is done on Discord · [`boards`] messages that edit themselves · [`setup`] categories and roles from Discord's own · [`native`] rules for Discord's own `AutoMod` · [`sync`] whose turn it is to be brought in step, and what came of it · `gateway` what happens there · [`words`] languages · [`bot`] what commands work with.

pub mod boards;
pub mod bot;
pub mod commands;
pub mod effects;
pub mod interactions;
pub mod native;
pub mod sender;
pub mod settings;
pub mod setup;
pub mod sync;
pub mod words;

mod gateway;
mod personal;
mod slice;
mod upkeep;

pub use bot::{Bot, Faculties};
pub use sender::{Answer, Attachment, Request, SendError, Sender};
pub use settings::{Application, DiscordSettings};
pub use slice::SLICE;
