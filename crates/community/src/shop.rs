//! The shop: what gold buys in a guild; 003's coffee is on every guild's shelf at first.
//!
//! Promises: however many buy at once, gold and stock never go below zero and nobody buys more than a member may (a row lock
//! on the item, and check constraints); a purchase is refunded once, with its gold and its stock. Gold is journaled as any
//! other ([`progress::grant`]).
//!
//! Map: [`model`] the types · [`ops`] transactions the faces call · `store` SQL · [`routes`] the HTTP face.

pub mod model;
pub mod ops;
pub mod routes;

mod store;

pub use model::{ItemKind, NewShopItem, Purchase, PurchaseStatus, ShopItem, ShopItemEdit};

use kernel::problem::Kind;

/// A member has less gold than something costs.
pub const NOT_ENOUGH_GOLD: Kind = Kind::new("not-enough-gold", 409, "Not enough gold");
/// Nothing, or too little, is left of it.
pub const SOLD_OUT: Kind = Kind::new("sold-out", 409, "Sold out");

::jobs::declare_events! {
    read "community:read", admin "community:write";

    "shop.purchased" Member "a member bought something" {
        purchase_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the purchase";
        item_id: Integer = 1, "the item";
        slug: Text = "coffee", "its short name";
        name: Text = "Coffee", "its name";
        kind: Text = "custom", "custom, role or badge";
        role_id (optional): Snowflake = "175928847299117070", "the role it confers";
        user_id: Snowflake = "175928847299117063", "the buyer";
        quantity: Integer = 1, "how many";
        gold: Integer = 100, "gold paid";
    }
    "shop.settled" Member "a purchase was handed over, or refunded" {
        purchase_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the purchase";
        item_id: Integer = 1, "the item";
        name: Text = "Coffee", "its name";
        kind: Text = "custom", "custom, role or badge";
        role_id (optional): Snowflake = "175928847299117070", "the role it confers, or no longer does";
        user_id: Snowflake = "175928847299117063", "the buyer";
        status: Text = "fulfilled", "fulfilled or refunded";
    }
}
