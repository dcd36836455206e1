//! `/award`, `/grant`, `/season`, `/announce`: for who runs a server.

use access::web::Repeatable;
use chrono::TimeDelta;
use community::announcements::model::NewNotice;
use community::announcements::ops as announcement_ops;
use economy::model::{AwardKind, AwardRequest};
use kernel::{Bytes, PageQuery, Problem};
use progress::achievements::model::GrantAchievement;
use progress::awards::NewAward;
use progress::seasons::{NewSeason, RepeatBy, RollSeason, SeasonState, ops as season_ops};

use super::Answered;
use super::call::{Call, mention};
use super::choose::{What, id};
use crate::interactions::reply::Reply;
use crate::words::{plain, say, when};

async fn award(call: Call, xp: i64, gold: i64) -> Answered {
    let member = call.must_member("member")?;
    let reason = call.must("reason")?.to_owned();
    let new = NewAward { user_ids: vec![member], xp, gold, stars: 0, reason };
    progress::awards::ops::award(call.pool(), call.guild, new, call.author(), &Repeatable::default()).await?;
    call.committed();
    let name = mention(member);
    Ok(Reply::text(if xp > 0 {
        say!(call.lang, "{name} got {xp} XP.", "{name} hat {xp} XP bekommen.")
    } else {
        say!(call.lang, "{name} got {gold} gold.", "{name} hat {gold} Gold bekommen.")
    }))
}

pub(crate) async fn award_xp(call: Call) -> Answered {
    let amount = call.number("amount").unwrap_or_default();
    award(call, amount, 0).await
}

pub(crate) async fn award_gold(call: Call) -> Answered {
    let amount = call.number("amount").unwrap_or_default();
    award(call, 0, amount).await
}

pub(crate) async fn award_bytes(call: Call) -> Answered {
    let user_id = call.must_member("member")?;
    let amount = Bytes::new(call.number("amount").unwrap_or_default());
    let reason = Some(call.must("reason")?.to_owned());
    let request = AwardRequest { user_id, amount, kind: AwardKind::Award, reason };
    economy::ops::award(call.pool(), call.guild, &request, call.by(), call.origin()).await?;
    call.committed();
    let name = mention(user_id);
    Ok(Reply::text(say!(call.lang, "{name} got {amount} bytes.", "{name} hat {amount} Bytes bekommen.")))
}

pub(crate) async fn grant(call: Call) -> Answered {
    let user_id = call.must_member("member")?;
    let achievement = id(&call, "achievement", What::Achievement, "achievement").await?;
    let grant = GrantAchievement { user_id, reason: call.text("reason").map(str::to_owned) };
    let granted = progress::achievements::ops::achievement_grant(
        call.pool(),
        call.guild,
        achievement,
        grant,
        call.author(),
    )
    .await?;
    call.committed();
    let (name, what) = (mention(user_id), plain(&granted.name));
    Ok(Reply::text(say!(call.lang, "{name} has achieved {what}.", "{name} hat {what} erreicht.")))
}

pub(crate) async fn season_list(call: Call) -> Answered {
    let query = PageQuery { limit: Some(10), cursor: None };
    let page = season_ops::season_list(call.pool(), call.guild, &query).await?;
    if page.items.is_empty() {
        return Ok(Reply::text(say!(call.lang, "There is no season yet.", "Noch gibt es keine Saison.")));
    }
    let mut text = say!(call.lang, "**Seasons**", "**Saisons**");
    for season in &page.items {
        let (name, start, end) = (plain(&season.name), when(season.starts_at), when(season.ends_at));
        text.push_str(&match season.state {
            SeasonState::Planned => {
                say!(call.lang, "\n{name} — begins {start}", "\n{name} — beginnt {start}")
            }
            SeasonState::Active => {
                say!(call.lang, "\n{name} — runs, ends {end}", "\n{name} — läuft, endet {end}")
            }
            SeasonState::Ended => say!(call.lang, "\n{name} — ended {end}", "\n{name} — endete {end}"),
        });
    }
    Ok(Reply::text(text))
}

pub(crate) async fn season_start(call: Call) -> Answered {
    let now = db::now(&mut *db::acquire(call.pool()).await?).await?;
    let new = NewSeason {
        name: call.must("name")?.to_owned(),
        starts_at: None,
        ends_at: now + TimeDelta::days(call.number("days").unwrap_or(30)),
        repeats: false,
        repeat_by: RepeatBy::Length,
        name_pattern: None,
    };
    let season = season_ops::season_create(call.pool(), call.guild, new, call.author()).await?;
    call.committed();
    let (name, end) = (plain(&season.name), when(season.ends_at));
    Ok(Reply::text(say!(
        call.lang,
        "{name} has begun; it ends {end}.",
        "{name} hat begonnen; sie endet {end}."
    )))
}

pub(crate) async fn season_end(call: Call) -> Answered {
    let query = PageQuery { limit: Some(200), cursor: None };
    let page = season_ops::season_list(call.pool(), call.guild, &query).await?;
    let running = page.items.iter().find(|season| season.state == SeasonState::Active);
    let running = running.ok_or_else(|| {
        Problem::conflict(say!(call.lang, "No season is running.", "Es läuft keine Saison."))
    })?;
    let roll = RollSeason { next: None, bring_forward: false, reason: None };
    let rolled = season_ops::season_roll(call.pool(), call.guild, running.id, roll, call.author()).await?;
    call.committed();
    let (name, placed) = (plain(&rolled.ended.name), rolled.standings);
    Ok(Reply::text(say!(
        call.lang,
        "{name} has ended; {placed} members are in its standings.",
        "{name} ist zu Ende; {placed} Mitglieder stehen in der Wertung."
    )))
}

pub(crate) async fn announce(call: Call) -> Answered {
    let new = NewNotice { channel_id: call.channel_given("channel"), text: call.must("text")?.to_owned() };
    let made =
        announcement_ops::notice_create(call.pool(), call.guild, new, call.author(), &Repeatable::default())
            .await?;
    call.committed();
    let channel = made.channel_id;
    Ok(Reply::text(say!(
        call.lang,
        "It is announced in <#{channel}> when its turn comes.",
        "Es wird in <#{channel}> angesagt, sobald es dran ist."
    )))
}
