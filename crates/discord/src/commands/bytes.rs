//! `/bytes`.

use std::fmt::Write as _;

use economy::model::{Occasion, TransferRequest};
use economy::ops;
use economy::transfers::Transfer;
use kernel::{Bytes, PageQuery, UserId};

use super::Answered;
use super::call::{Call, mention};
use crate::interactions::reply::{Reply, button};
use crate::words::{plain, say};

/// Lines on a page.
const LINES: i64 = 10;

pub(crate) async fn balance(call: Call) -> Answered {
    let whose = call.member("member").unwrap_or(call.user);
    let has = ops::balance_get(call.pool(), call.guild, whose).await?;
    let (balance, received, sent) = (has.balance, has.total_received, has.total_sent);
    Ok(Reply::text(if whose == call.user {
        say!(
            call.lang,
            "You have {balance} bytes: {received} received, {sent} sent.",
            "Du hast {balance} Bytes: {received} bekommen, {sent} verschickt."
        )
    } else {
        let name = mention(whose);
        say!(call.lang, "{name} has {balance} bytes.", "{name} hat {balance} Bytes.")
    }))
}

pub(crate) async fn send(call: Call) -> Answered {
    let receiver = call.must_member("member")?;
    let amount = Bytes::new(call.number("amount").unwrap_or_default());
    let request =
        TransferRequest { receiver_id: receiver, amount, reason: call.text("reason").map(str::to_owned) };
    let transfer = Transfer::new(call.guild, call.user, &request)?;
    let receipt = call.bot.faculties().transfers.transfer(transfer).await?;
    let (left, name) = (receipt.balance, mention(receiver));
    let mut text = say!(
        call.lang,
        "You sent {amount} bytes to {name}. You have {left} left.",
        "Du hast {name} {amount} Bytes geschickt. Du hast noch {left}."
    );
    if let Some(reason) = call.text("reason") {
        text.push_str("\n> ");
        text.push_str(&plain(reason));
    }
    Ok(Reply::text(text))
}

pub(crate) async fn daily(call: Call) -> Answered {
    let receipt = ops::daily_claim(call.pool(), call.guild, call.user, Occasion::Command).await?;
    call.committed();
    let (amount, streak, balance) = (receipt.amount, receipt.streak, receipt.balance);
    Ok(Reply::text(say!(
        call.lang,
        "You got {amount} bytes; day {streak} in a row. You have {balance}.",
        "Du hast {amount} Bytes bekommen; Tag {streak} in Folge. Du hast {balance}."
    )))
}

pub(crate) async fn leaderboard(call: Call) -> Answered {
    board(&call, None).await
}

/// The next page of the leaderboard.
pub(crate) async fn page(call: Call) -> Answered {
    let cursor = call.arg(0)?.to_owned();
    Ok(board(&call, Some(cursor)).await?.instead())
}

async fn board(call: &Call, cursor: Option<String>) -> Answered {
    let query = PageQuery { limit: Some(LINES), cursor };
    let page = ops::leaderboard(call.pool(), call.guild, &query).await?;
    let mut text = say!(call.lang, "**Most bytes**", "**Die meisten Bytes**");
    for row in &page.items {
        let _ = write!(text, "\n{}. {} — {}", row.rank, plain(&row.name), row.balance);
    }
    if page.items.is_empty() {
        text.push_str(&say!(call.lang, "\nNobody has any yet.", "\nNoch hat niemand welche."));
    }
    Ok(more(call, "bytes.page", Reply::text(text), page.next))
}

/// A button to the next page, where there is one and it fits.
pub(crate) fn more(call: &Call, name: &str, reply: Reply, next: Option<String>) -> Reply {
    let Some(next) = next.filter(|next| next.len() <= 60) else { return reply };
    let label = say!(call.lang, "More", "Mehr");
    reply.row(vec![button(&call.anybodys(name, &[&next]), &label)])
}

pub(crate) async fn history(call: Call) -> Answered {
    let query = PageQuery { limit: Some(LINES), cursor: None };
    let page = ops::history(call.pool(), call.guild, Some(call.user), None, &query).await?;
    if page.items.is_empty() {
        return Ok(Reply::text(say!(
            call.lang,
            "There are no payments yet.",
            "Noch gibt es keine Zahlungen."
        )));
    }
    let mut text = say!(call.lang, "**Your last payments**", "**Deine letzten Zahlungen**");
    for row in page.items {
        let (sign, other, name) = if row.giver_id == call.user {
            ('−', row.receiver_id, row.receiver_name)
        } else {
            ('+', row.giver_id, row.giver_name)
        };
        let with = if other == UserId::HOUSE { String::new() } else { format!(", {}", plain(&name)) };
        let reason = row.reason.map(|reason| format!(": {}", plain(&reason))).unwrap_or_default();
        let _ = write!(
            text,
            "\n<t:{}:d> {sign}{} ({}{with}){reason}",
            row.created_at.timestamp(),
            row.amount,
            plain(row.kind.as_str())
        );
    }
    Ok(Reply::text(text))
}
