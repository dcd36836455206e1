//! What the faces call.

mod figures;
mod fold;
mod opinions;

pub(crate) use figures::day_told;
pub use figures::{day_list, day_make, item_list, quest_figures};
pub use fold::{all_count, guild_count, guild_fold, guild_recount};
pub use opinions::{opinion_get, opinion_put};
