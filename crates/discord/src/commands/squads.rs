//! `/squads`.

use kernel::{PageQuery, SquadId};
use squads::{ops, pages};

use super::Answered;
use super::call::Call;
use super::choose::{What, id};
use crate::interactions::reply::Reply;
use crate::words::{cut, plain, say};

/// Lines that are shown.
const LINES: i64 = 20;

pub(crate) async fn list(call: Call) -> Answered {
    let query = PageQuery { limit: Some(LINES), cursor: None };
    let page = ops::squad_list(call.pool(), call.guild, false, &query).await?;
    if page.items.is_empty() {
        return Ok(Reply::text(say!(
            call.lang,
            "There are no squads here yet.",
            "Hier gibt es noch keine Squads."
        )));
    }
    let mut text = say!(call.lang, "**Squads**", "**Squads**");
    for squad in page.items {
        let (members, name) = (squad.member_count, plain(&squad.name));
        let of = squad.max_members.map(|max| format!("/{max}")).unwrap_or_default();
        text.push_str(&say!(
            call.lang,
            "\n{name} — {members}{of} members",
            "\n{name} — {members}{of} Mitglieder"
        ));
    }
    Ok(Reply::text(text))
}

pub(crate) async fn info(call: Call) -> Answered {
    let squad: SquadId = id(&call, "squad", What::Squad, "squad").await?;
    let page = pages::squad_page(call.pool(), call.guild, squad).await?;
    let mut text = format!("**{}**", plain(&page.squad.name));
    if let Some(about) = &page.squad.description {
        text.push('\n');
        text.push_str(&cut(about, 500));
    }
    if let Some(at) = &page.standing {
        let (xp, by_xp, bytes, by_bytes, wins) = (at.xp, at.rank_by_xp, at.bytes, at.rank_by_bytes, at.wins);
        text.push_str(&say!(
            call.lang,
            "\n{xp} XP (rank {by_xp}), {bytes} bytes (rank {by_bytes}), {wins} campaigns won",
            "\n{xp} XP (Rang {by_xp}), {bytes} Bytes (Rang {by_bytes}), {wins} Kampagnen gewonnen"
        ));
    }
    let shown: Vec<String> = page.members.iter().take(20).map(|member| plain(&member.name)).collect();
    if !shown.is_empty() {
        text.push('\n');
        text.push_str(&shown.join(", "));
        let left = page.squad.member_count - i64::try_from(shown.len()).unwrap_or(0);
        if left > 0 {
            text.push_str(&say!(call.lang, " and {left} more", " und {left} weitere"));
        }
    }
    Ok(Reply::text(text))
}

pub(crate) async fn join(call: Call) -> Answered {
    let squad: SquadId = id(&call, "squad", What::Squad, "squad").await?;
    let (pool, guild, user) = (call.pool(), call.guild, call.user);
    let change = match ops::squad_join(pool, guild, user, squad).await {
        Err(squads::Error::AlreadyInSquad) => ops::squad_move(pool, guild, user, squad).await?,
        other => other?,
    };
    call.committed();
    let (name, cost) = (plain(&ops::squad_get(pool, guild, squad).await?.name), change.cost);
    Ok(Reply::text(if change.from_squad_id.is_some() {
        say!(
            call.lang,
            "You moved to {name}, for {cost} bytes.",
            "Du bist für {cost} Bytes zu {name} gewechselt."
        )
    } else {
        say!(call.lang, "Welcome to {name}.", "Willkommen bei {name}.")
    }))
}

pub(crate) async fn leave(call: Call) -> Answered {
    ops::squad_leave(call.pool(), call.guild, call.user).await?;
    call.committed();
    Ok(Reply::text(say!(call.lang, "You left your squad.", "Du hast dein Squad verlassen.")))
}
