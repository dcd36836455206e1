//! How people sign in: by Discord, and in development by a local name and password.
//!
//! Promises: an answer of Discord's is used once, by the browser that asked for it, within ten minutes; nobody is sent to
//! another site afterwards; whatever Discord does (slow, away, nonsense) is answered in time and changes nothing; roles follow
//! Discord's while somebody stays signed in; a local sign-in is refused outside of development.

pub mod admin_users;
mod browser;
pub mod discord;
mod following;
mod https;
mod links;
mod oauth;
mod provider;
mod told;

pub use admin_users::{
    AdminError, AdminUser, admin_user_activate, admin_user_create, admin_user_list, admin_user_password,
    admin_user_sign_in,
};
pub use browser::{session_cookie, sign_in_local, sign_out, signed_out};
pub use discord::Discord;
pub(crate) use following::{Following, current};
pub use following::{discord_leaves_clean, discord_leaves_reseal};
pub use links::{
    Purpose, demo_sign_in, link_make, links_withdraw, set_up_link_good, set_up_sign_in, sign_in_links_clean,
};
pub use oauth::{Begun, Returned, finish, safe_path, start};
pub use told::GuildsKnown;
