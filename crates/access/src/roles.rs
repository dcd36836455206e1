//! Who has which role in a guild, and which Discord roles confer one.
//!
//! A grant is made by hand, or follows what Discord says of somebody when they sign in; one made by hand is not touched
//! then. Nobody grants what they may not do themselves. A role that is taken away stops counting within a second.

mod model;
mod ops;
mod store;

pub use model::{Grant, Mapping};
pub(crate) use ops::{FromDiscord, follow_discord, mappings_of};
pub use ops::{RoleError, grant_list, grant_put, grant_remove, mapping_list, mapping_put, mapping_remove};
