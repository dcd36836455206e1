//! What is sold, and what was bought.

use chrono::{DateTime, Utc};
use kernel::fields::given;
use kernel::{GuildId, RoleId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::{PurchaseId, ShopItemId};

kernel::decl_words! {
    /// What a purchase brings.
    pub enum ItemKind {
        /// Something handed over by people.
        Custom = "custom",
        /// A Discord role.
        Role = "role",
        /// A badge on the profile.
        Badge = "badge",
    }
}

/// Something that gold buys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShopItem {
    /// Its number.
    pub id: ShopItemId,
    /// The guild.
    pub guild_id: GuildId,
    /// Short name, unique in the guild.
    pub slug: String,
    /// Name shown.
    pub name: String,
    /// What one gets.
    pub description: String,
    /// Price of one, in gold.
    pub price_gold: i64,
    /// What a purchase brings.
    pub kind: ItemKind,
    /// The role conferred, for kind `role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_id: Option<RoleId>,
    /// How many are left; absent for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<i32>,
    /// How many one member may buy; absent for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_user_limit: Option<i32>,
    /// False once taken off the shelf.
    pub active: bool,
    /// When it was put there.
    pub created_at: DateTime<Utc>,
}

/// Something to be sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShopItem {
    /// Short name, unique in the guild: 1 to 50 of `a-z`, `0-9` and `-`, not beginning with `-`.
    #[schema(min_length = 1, max_length = 50, pattern = "^[a-z0-9][a-z0-9-]{0,49}$")]
    pub slug: String,
    /// Name shown, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What one gets, at most 1,000 characters.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    pub description: String,
    /// Price of one, in gold: 0 to 1,000,000.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub price_gold: i64,
    /// What a purchase brings.
    #[serde(default = "custom")]
    #[schema(default = "custom")]
    pub kind: ItemKind,
    /// The role conferred; for kind `role`, and only then.
    #[serde(default)]
    pub role_id: Option<RoleId>,
    /// How many there are, from 0; null for no limit.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub stock: Option<i32>,
    /// How many one member may buy, from 1; null for no limit.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub per_user_limit: Option<i32>,
}

const fn custom() -> ItemKind {
    ItemKind::Custom
}

/// A change of an item. What is absent stays as it is; where null is taken, it clears.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopItemEdit {
    /// Name shown, 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What one gets, at most 1,000 characters.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    pub description: Option<String>,
    /// Price of one from now on, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub price_gold: Option<i64>,
    /// How many are left; null for no limit.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i32>, minimum = 0)]
    pub stock: Option<Option<i32>>,
    /// How many one member may buy; null for no limit.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i32>, minimum = 1)]
    pub per_user_limit: Option<Option<i32>>,
    /// Whether it is on the shelf.
    #[serde(default)]
    pub active: Option<bool>,
}

/// How many to buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPurchase {
    /// How many, 1 to 1,000.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1_000, default = 1)]
    pub quantity: i32,
    /// The most gold to be paid in all; null for whatever it costs. Guards against a price that has just changed.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub at_most_gold: Option<i64>,
}

const fn one() -> i32 {
    1
}

kernel::decl_words! {
    /// Where a purchase stands.
    pub enum PurchaseStatus {
        /// Paid, not handed over yet.
        Paid = "paid",
        /// Handed over.
        Fulfilled = "fulfilled",
        /// The gold was given back.
        Refunded = "refunded",
    }
}

/// Something bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Purchase {
    /// Its id.
    pub id: PurchaseId,
    /// The buyer.
    pub user_id: UserId,
    /// The item.
    pub item_id: ShopItemId,
    /// The item's name now.
    pub item_name: String,
    /// How many.
    pub quantity: i32,
    /// Gold paid for all of them.
    pub price_gold: i64,
    /// Where it stands.
    pub status: PurchaseStatus,
    /// When it was handed over or refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<DateTime<Utc>>,
    /// When it was bought.
    pub created_at: DateTime<Utc>,
}

/// Which purchases to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PurchaseQuery {
    /// Only those that stand here.
    pub status: Option<PurchaseStatus>,
    /// Only those of this member.
    pub buyer_id: Option<UserId>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    pub cursor: Option<String>,
}
