//! What the faces call.

mod figures;
mod fold;
mod opinions;
mod recommend;
mod reviews;

pub(crate) use figures::day_told;
pub use figures::{bank_item_list, day_list, day_make, item_list, quest_figures};
pub use fold::{all_count, guild_count, guild_fold, guild_recount};
pub use opinions::{opinion_get, opinion_put};
pub use recommend::{Likeness, dismiss, recommendations, undismiss};
pub use reviews::{review_answer, reviews_delete, reviews_due, reviews_put, reviews_tell};
