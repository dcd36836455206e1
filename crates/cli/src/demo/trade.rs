//! What is bought, paid and posted: the shop, the board, bytes of every day and from member to member.

use access::web::Repeatable;
use access::{Author, By, Origin};
use chrono::{Days, TimeDelta};
use community::board::model::BoardQuery;
use community::board::{self, NewBoardQuest};
use community::ids::ShopItemId;
use community::shop::model::NewPurchase;
use community::shop::{self, ItemKind, NewShopItem};
use economy::model::TransferRequest;
use economy::transfers::Transfer;
use futures::{StreamExt as _, stream};
use kernel::{Bytes, PageQuery, UserId};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use server::Services;
use sqlx::PgPool;

use super::{AT_ONCE, GUILD, failed, people, season};
use crate::failure::Failure;

/// Purchases in the shop.
const PURCHASES: usize = 140;
/// Members who pay another, each once.
const TRANSFERS: usize = 260;
/// Days of which the daily bytes are claimed.
const DAYS: u64 = 10;
/// What chance is seeded with: the demo is the same every time.
const SEED: u64 = 31;

/// Slug, name, what it is, price in gold, stock, limit.
type Ware = (&'static str, &'static str, &'static str, i64, ItemKind, Option<i32>, Option<i32>);

const WARES: [Ware; 8] = [
    (
        "name-colour",
        "A colour for your name",
        "Any but the staff's. Tell us which.",
        25,
        ItemKind::Custom,
        None,
        None,
    ),
    (
        "copper-badge",
        "Copper badge",
        "A badge on your profile, for all to see.",
        40,
        ItemKind::Badge,
        None,
        Some(1),
    ),
    ("silver-badge", "Silver badge", "Shinier than copper.", 120, ItemKind::Badge, Some(40), Some(1)),
    (
        "stickers",
        "A sheet of stickers",
        "Sent by post, all over the world.",
        60,
        ItemKind::Custom,
        Some(25),
        Some(2),
    ),
    ("emoji", "An emoji of your own", "You draw it, we hang it up.", 90, ItemKind::Custom, Some(12), Some(1)),
    (
        "pair-hour",
        "An hour of pairing",
        "With one of the mentors, on what you like.",
        150,
        ItemKind::Custom,
        Some(10),
        None,
    ),
    (
        "mug",
        "The guild's mug",
        "Holds tea, coffee and one small cactus.",
        200,
        ItemKind::Custom,
        Some(6),
        Some(1),
    ),
    (
        "roof-tile",
        "A tile of the copper roof",
        "With your name on it. It will turn green.",
        500,
        ItemKind::Custom,
        Some(100),
        None,
    ),
];

/// Title, text, XP, gold, and how far it is: 0 open, 1 claimed, 2 completed.
const QUESTS: [(&str, &str, i32, i32, u8); 12] = [
    (
        "Translate the welcome page",
        "Into a language that it does not speak yet. **Short sentences**, please.",
        150,
        10,
        2,
    ),
    ("Review the beginners' quiz", "Are the questions fair? Say which ones are not, and why.", 120, 8, 2),
    ("Host a reading evening", "Pick a chapter, pick a date, be there.", 200, 15, 2),
    ("Alt texts for the gallery", "Every picture deserves a sentence.", 100, 5, 2),
    ("Write up the outage of Tuesday", "What happened, what we did, what we change. No blame.", 180, 12, 1),
    (
        "Sort the help desk's pinned posts",
        "Half of them are older than the language they are about.",
        90,
        5,
        1,
    ),
    ("Try the new path as a beginner", "Write down every place where you were stuck.", 140, 10, 1),
    ("Draw arms for the Marmots", "They are too sleepy to do it themselves.", 110, 8, 0),
    ("A script that greets newcomers", "By name, in their time zone's morning.", 250, 20, 0),
    (
        "Measure the search",
        "Twenty questions that people ask, and whether the answer is among the first five.",
        220,
        18,
        0,
    ),
    ("Mentor somebody for a week", "An hour in all is plenty.", 300, 25, 0),
    ("Find the oldest bug", "That is still open, and can be reproduced.", 160, 10, 0),
];

/// Fills shop and board, and lets members buy, pay and do, as far as that is not so. The season must have been told: whoever talked
/// has gold.
pub(super) async fn set_up(services: &Services) -> Result<(), Failure> {
    let pool = services.app.pool();
    post(pool).await?;
    // Paying comes last: once somebody has paid, all days are claimed that were to be.
    if !paid(pool).await? {
        daily(pool).await?;
        pay(services).await?;
    }
    let items = offer(pool).await?;
    buy(pool, &items).await?;
    services.app.wake().outbox();
    Ok(())
}

async fn offer(pool: &PgPool) -> Result<Vec<ShopItemId>, Failure> {
    let here = Origin::default();
    let author = Author::new(By::Cli, &here);
    let page = PageQuery { limit: Some(200), cursor: None };
    let there = shop::ops::item_list(pool, GUILD, true, &page).await?;
    let mut items = Vec::new();
    for (slug, name, description, price_gold, kind, stock, per_user_limit) in WARES {
        if let Some(item) = there.items.iter().find(|item| item.slug == slug) {
            items.push(item.id);
            continue;
        }
        let new = NewShopItem {
            slug: slug.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            price_gold,
            kind,
            role_id: None,
            stock,
            per_user_limit,
        };
        items.push(shop::ops::item_create(pool, GUILD, new, author).await.map_err(failed)?.id);
    }
    Ok(items)
}

async fn buy(pool: &PgPool, items: &[ShopItemId]) -> Result<(), Failure> {
    let bought = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM community.shop_purchases WHERE guild_id = $1"#,
        GUILD.get()
    )
    .fetch_one(&mut *db::acquire(pool).await?)
    .await?;
    if bought > 0 {
        return Ok(());
    }
    let here = Origin::default();
    let author = Author::new(By::Cli, &here);
    let mut chance = StdRng::seed_from_u64(SEED);
    let buyers: Vec<UserId> = season::talkative(400).collect();
    for n in 0..PURCHASES {
        let (user, item) =
            (buyers[chance.random_range(0..buyers.len())], items[chance.random_range(0..items.len())]);
        let new = NewPurchase { quantity: 1, at_most_gold: None };
        match shop::ops::item_buy(pool, GUILD, item, user, new, &Repeatable::default()).await {
            // Most is handed over by now, little came back.
            Ok(purchase) if n % 17 == 5 => {
                shop::ops::purchase_refund(pool, GUILD, purchase.id, author)
                    .await
                    .map(|_| ())
                    .or_else(settled)?;
            }
            Ok(purchase) if n % 4 > 0 => {
                shop::ops::purchase_fulfil(pool, GUILD, purchase.id, author)
                    .await
                    .map(|_| ())
                    .or_else(settled)?;
            }
            Ok(_) => {}
            // Too dear, sold out, or had already: that is what a shop is like.
            Err(error) => tracing::debug!(%error, "a purchase of the demo's was refused"),
        }
    }
    Ok(())
}

/// What is handed over at once is settled already.
fn settled(error: community::Error) -> Result<(), Failure> {
    match kernel::Problem::from(error) {
        problem if problem.status() == 409 => Ok(()),
        problem => Err(failed(problem)),
    }
}

async fn post(pool: &PgPool) -> Result<(), Failure> {
    let here = Origin::default();
    let author = Author::new(By::Cli, &here);
    let query = BoardQuery { limit: Some(200), ..BoardQuery::default() };
    let there = board::ops::quest_list(pool, GUILD, query).await?;
    for (n, (title, description, xp, gold, state)) in QUESTS.into_iter().enumerate() {
        if there.items.iter().any(|quest| quest.title == title) {
            continue;
        }
        let new = NewBoardQuest {
            title: title.to_owned(),
            description: description.to_owned(),
            xp_reward: Some(xp),
            gold_reward: gold,
            github_issue_url: None,
            claim_hours: None,
            expires_at: None,
        };
        let made = board::ops::quest_create(pool, GUILD, new, author, &Repeatable::default())
            .await
            .map_err(failed)?;
        if state > 0 {
            board::ops::quest_claim(pool, GUILD, made.id, people::id(20 + n)).await.map_err(failed)?;
        }
        if state > 1 {
            board::ops::quest_complete(pool, GUILD, made.id, author).await.map_err(failed)?;
        }
    }
    Ok(())
}

/// The daily bytes of whoever talked, day by day.
async fn daily(pool: &PgPool) -> Result<(), Failure> {
    let today = db::now(&mut *db::acquire(pool).await?).await?.date_naive();
    let everybody: Vec<UserId> = people::ids().collect();
    for back in (1..=DAYS).rev() {
        let Some(day) = today.checked_sub_days(Days::new(back)) else { continue };
        // A date is claimed once, and none before one that was.
        let mut tx = db::begin(pool).await?;
        economy::ops::daily_claim_many(&mut tx, GUILD, &everybody, day).await.map_err(failed)?;
        tx.commit().await?;
    }
    Ok(())
}

/// Whether members have paid each other.
async fn paid(pool: &PgPool) -> Result<bool, Failure> {
    let paid = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM economy.bytes_transactions WHERE guild_id = $1 AND kind = 'transfer'"#,
        GUILD.get()
    )
    .fetch_one(&mut *db::acquire(pool).await?)
    .await?;
    Ok(paid > 0)
}

/// Members thank each other.
async fn pay(services: &Services) -> Result<(), Failure> {
    const REASONS: [&str; 6] = [
        "For the review, thank you!",
        "You were right about the index.",
        "For last night's help",
        "Lost the bet.",
        "Happy birthday",
        "شكرا جزيلا",
    ];
    let mut chance = StdRng::seed_from_u64(SEED + 1);
    let transfers: Vec<(UserId, TransferRequest)> = (0..TRANSFERS)
        .map(|n| {
            let (giver, mut receiver) = (30 + n, chance.random_range(0..600));
            if receiver == giver {
                receiver += 1;
            }
            let request = TransferRequest {
                receiver_id: people::id(receiver),
                amount: Bytes::new(chance.random_range(1..40)),
                reason: Some(REASONS[chance.random_range(0..REASONS.len())].to_owned()),
            };
            (people::id(giver), request)
        })
        .collect();
    let mut done = stream::iter(transfers)
        .map(|(giver, request)| async move {
            let transfer = Transfer::new(GUILD, giver, &request).map_err(failed)?;
            if let Err(error) = services.transfers.transfer(transfer).await {
                tracing::debug!(%error, "a transfer of the demo's was refused");
            }
            Ok::<_, Failure>(())
        })
        .buffered(AT_ONCE);
    while let Some(outcome) = done.next().await {
        outcome?;
    }
    Ok(())
}

/// A weekend that counts double is announced, where none is.
pub(super) async fn weekend(pool: &PgPool) -> Result<(), Failure> {
    let here = Origin::default();
    let page = PageQuery { limit: Some(50), cursor: None };
    let there = lake::multipliers::ops::event_list(pool, GUILD, &page).await?;
    if !there.items.is_empty() {
        return Ok(());
    }
    let now = db::now(&mut *db::acquire(pool).await?).await?;
    let new = lake::multipliers::NewMultiplierEvent {
        name: "Copper weekend".to_owned(),
        interaction_types: None,
        category_id: None,
        xp_multiplier: 2.0,
        star_multiplier: 1.0,
        starts_at: Some(now + TimeDelta::days(3)),
        ends_at: now + TimeDelta::days(5),
    };
    let author = Author::new(By::Cli, &here);
    lake::multipliers::ops::event_create(pool, GUILD, new, author, &Repeatable::default())
        .await
        .map_err(failed)?;
    Ok(())
}
