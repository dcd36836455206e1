//! `/appeal` for members, `/appeals` for moderators.

use std::fmt::Write as _;

use kernel::{PageQuery, Problem};
use moderation::model::{AppealId, AppealStatus, Decision};
use moderation::ops::{appeal_decide, appeal_file, appeal_list};

use super::Answered;
use super::call::Call;
use super::choose::{What, id};
use super::moderate::moderator;
use crate::interactions::reply::{Reply, field};
use crate::words::{cut, plain, say, when};

/// Appeals that a list shows.
const LINES: i64 = 10;

pub(crate) async fn appeal(call: Call) -> Answered {
    let number = call.number("case").unwrap_or_default().to_string();
    let label = say!(call.lang, "Why should it be undone?", "Warum soll er aufgehoben werden?");
    let title = say!(call.lang, "Appeal case {number}", "Fall {number} anfechten");
    let id = call.mine("appeal.statement", &[&number]);
    Ok(Reply::form(&id, &title, vec![field("statement", &label, true, 2_000)]))
}

/// The form was sent.
pub(crate) async fn filed(call: Call) -> Answered {
    let number: i32 = call.arg(0)?.parse().map_err(|_| Problem::not_found("case"))?;
    let statement = call.fields.get("statement").and_then(|values| values.first()).map_or("", String::as_str);
    appeal_file(call.pool(), call.guild, call.user, number, statement).await?;
    call.committed();
    Ok(Reply::text(say!(
        call.lang,
        "Your appeal against case {number} is with the moderators.",
        "Dein Einspruch gegen Fall {number} liegt bei den Moderatoren."
    )))
}

pub(crate) async fn list(call: Call) -> Answered {
    let page = PageQuery { limit: Some(LINES), cursor: None };
    let page = appeal_list(call.pool(), call.guild, Some(AppealStatus::Open), &page).await?;
    if page.items.is_empty() {
        return Ok(Reply::text(say!(call.lang, "No appeal is open.", "Kein Einspruch ist offen.")));
    }
    let mut text = say!(call.lang, "**Open appeals**", "**Offene Einsprüche**");
    for appeal in &page.items {
        let (number, who, at) = (appeal.case_number, plain(&appeal.user_tag), when(appeal.created_at));
        let what = plain(appeal.action.as_str());
        text.push_str(&say!(
            call.lang,
            "\nCase {number} ({what}), {who}, {at}",
            "\nFall {number} ({what}), {who}, {at}"
        ));
        let _ = write!(text, "\n> {}", cut(&appeal.statement.replace('\n', " "), 120));
    }
    Ok(Reply::text(text))
}

async fn decide(call: Call, accept: bool) -> Answered {
    let appeal: AppealId = id(&call, "appeal", What::Appeal, "appeal").await?;
    let decision = Decision { accept, reason: call.must("reason")?.to_owned() };
    let by = moderator(&call).await?;
    let appeal = appeal_decide(call.pool(), call.guild, appeal, &decision, &by, call.author()).await?;
    call.committed();
    let number = appeal.case_number;
    Ok(Reply::text(if accept {
        say!(call.lang, "Case {number} is undone.", "Fall {number} ist aufgehoben.")
    } else {
        say!(call.lang, "Case {number} stands.", "Fall {number} bleibt bestehen.")
    }))
}

pub(crate) async fn accept(call: Call) -> Answered {
    decide(call, true).await
}

pub(crate) async fn deny(call: Call) -> Answered {
    decide(call, false).await
}
