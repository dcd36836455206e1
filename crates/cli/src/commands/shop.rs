//! `questhall shop`: the shop and what was bought.

use clap::Subcommand;
use community::ids::{PurchaseId, ShopItemId};
use community::shop;
use community::shop::model::PurchaseStatus;
use kernel::{PageQuery, UserId};

use super::operator::{on_database, once, one, operator, pages, read, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

#[derive(Debug, Subcommand)]
pub(crate) enum ShopCommand {
    /// List what is sold.
    List {
        #[command(flatten)]
        guild: Guild,
        /// What was taken off the shelf too.
        #[arg(long)]
        all: bool,
    },
    /// Put something on the shelf.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change something on the shelf, or take it off: '{"active": false}'.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The item.
        item: ShopItemId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Buy something for a member, with their gold.
    Buy {
        #[command(flatten)]
        guild: Guild,
        /// The item.
        item: ShopItemId,
        /// The member.
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// How many.
        #[arg(long, default_value_t = 1)]
        quantity: i32,
        /// The most gold to be paid in all.
        #[arg(long, value_name = "GOLD")]
        at_most: Option<i64>,
    },
    /// List purchases, the latest first.
    Purchases {
        #[command(flatten)]
        guild: Guild,
        /// Only those that are paid, fulfilled or refunded.
        #[arg(long)]
        status: Option<PurchaseStatus>,
        /// Only those of this member.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Note that a purchase was handed over.
    Fulfil {
        #[command(flatten)]
        guild: Guild,
        /// The purchase.
        purchase: PurchaseId,
    },
    /// Give the gold of a purchase back.
    Refund {
        #[command(flatten)]
        guild: Guild,
        /// The purchase.
        purchase: PurchaseId,
    },
}

pub(crate) async fn run(global: &Global, command: &ShopCommand, screen: &Screen) -> Result<(), Failure> {
    use ShopCommand as C;
    use shop::ops;
    on_database(global, async |pool| match command {
        C::List { guild, all } => {
            let rows =
                pages(usize::MAX, async |page: PageQuery| ops::item_list(pool, guild.id, *all, &page).await);
            let columns = ["id", "slug", "name", "price_gold", "kind", "stock", "per_user_limit", "active"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Create { guild, body } => {
            one(screen, ops::item_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, item, body } => {
            one(screen, ops::item_update(pool, guild.id, *item, read(body)?, operator()).await)
        }
        C::Buy { guild, item, user, quantity, at_most } => {
            let new = shop::model::NewPurchase { quantity: *quantity, at_most_gold: *at_most };
            one(screen, ops::item_buy(pool, guild.id, *item, *user, new, &once()).await)
        }
        C::Purchases { guild, status, user, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                let query = shop::model::PurchaseQuery {
                    status: *status,
                    buyer_id: *user,
                    limit: page.limit,
                    cursor: page.cursor,
                };
                ops::purchase_list(pool, guild.id, query).await
            });
            let columns = ["id", "user_id", "item_name", "quantity", "price_gold", "status", "created_at"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Fulfil { guild, purchase } => {
            one(screen, ops::purchase_fulfil(pool, guild.id, *purchase, operator()).await)
        }
        C::Refund { guild, purchase } => {
            one(screen, ops::purchase_refund(pool, guild.id, *purchase, operator()).await)
        }
    })
    .await
}
