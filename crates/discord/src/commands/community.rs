//! `/board` and `/shop`.

use access::web::Repeatable;
use community::board::model::BoardStatus;
use community::board::ops as board_ops;
use community::ids::{BoardQuestId, ShopItemId};
use community::shop::model::NewPurchase;
use community::shop::ops as shop_ops;
use kernel::PageQuery;

use super::Answered;
use super::call::Call;
use super::choose::{What, board, id};
use crate::interactions::reply::Reply;
use crate::words::{plain, say, when};

pub(crate) async fn board_list(call: Call) -> Answered {
    let quests = board(&call, Some(BoardStatus::Open)).await?;
    if quests.is_empty() {
        return Ok(Reply::text(say!(call.lang, "No quest is open.", "Es ist keine Quest offen.")));
    }
    let mut text = say!(call.lang, "**Open quests**", "**Offene Quests**");
    for quest in quests.iter().take(15) {
        let (title, xp, gold) = (plain(&quest.title), quest.xp_reward, quest.gold_reward);
        text.push_str(&say!(
            call.lang,
            "\n{title} — {xp} XP, {gold} gold",
            "\n{title} — {xp} XP, {gold} Gold"
        ));
    }
    Ok(Reply::text(text))
}

pub(crate) async fn board_claim(call: Call) -> Answered {
    let quest: BoardQuestId = id(&call, "quest", What::BoardQuest, "quest").await?;
    let quest = board_ops::quest_claim(call.pool(), call.guild, quest, call.user).await?;
    call.committed();
    let title = plain(&quest.title);
    Ok(Reply::text(match quest.claim_expires_at {
        Some(until) => {
            let until = when(until);
            say!(
                call.lang,
                "{title} is yours; the claim ends {until}.",
                "{title} ist deine; die Übernahme endet {until}."
            )
        }
        None => say!(call.lang, "{title} is yours.", "{title} ist deine."),
    }))
}

pub(crate) async fn board_release(call: Call) -> Answered {
    let quest: BoardQuestId = id(&call, "quest", What::BoardQuest, "quest").await?;
    let quest = board_ops::quest_unclaim(call.pool(), call.guild, quest, call.user).await?;
    call.committed();
    let title = plain(&quest.title);
    Ok(Reply::text(say!(call.lang, "{title} is open to others again.", "{title} ist wieder offen.")))
}

pub(crate) async fn shop_list(call: Call) -> Answered {
    let query = PageQuery { limit: Some(20), cursor: None };
    let page = shop_ops::item_list(call.pool(), call.guild, false, &query).await?;
    if page.items.is_empty() {
        return Ok(Reply::text(say!(call.lang, "The shop is empty.", "Der Laden ist leer.")));
    }
    let mut text = say!(call.lang, "**Shop**", "**Laden**");
    for item in &page.items {
        let (name, price) = (plain(&item.name), item.price_gold);
        text.push_str(&say!(call.lang, "\n{name} — {price} gold", "\n{name} — {price} Gold"));
        if let Some(stock) = item.stock {
            text.push_str(&say!(call.lang, ", {stock} left", ", noch {stock}"));
        }
    }
    Ok(Reply::text(text))
}

pub(crate) async fn shop_buy(call: Call) -> Answered {
    let item: ShopItemId = id(&call, "item", What::Item, "item").await?;
    let new = NewPurchase { quantity: 1, at_most_gold: None };
    let bought =
        shop_ops::item_buy(call.pool(), call.guild, item, call.user, new, &Repeatable::default()).await?;
    call.committed();
    let (name, price) = (plain(&bought.item_name), bought.price_gold);
    Ok(Reply::text(say!(
        call.lang,
        "You bought {name} for {price} gold.",
        "Du hast {name} für {price} Gold gekauft."
    )))
}
