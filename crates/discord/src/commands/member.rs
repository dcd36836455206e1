//! `/profile`, `/leaderboard`, `/achievements`, `/preferences`, `/privacy`.

use std::fmt::Write as _;
use std::time::Duration;

use cards::Card;
use kernel::{PageQuery, Problem, UserId};
use people::preferences::{Preferences, preferences_get, preferences_put};
use people::privacy::{member_erase, member_export};
use progress::achievements::ops::progress_list;
use progress::leaderboard::{self as xp_board, LeaderboardQuery};
use progress::profile::{Profile, member_profile};

use super::Answered;
use super::bytes::more;
use super::call::Call;
use crate::interactions::reply::{Reply, button};
use crate::sender::Attachment;
use crate::words::{cut, plain, say};

/// Lines on a page.
const LINES: i64 = 10;
/// How long a picture may take; Discord is promised an answer meanwhile.
const PICTURE: Duration = Duration::from_secs(10);

pub(crate) async fn profile(call: Call) -> Answered {
    let whose = call.member("member").unwrap_or(call.user);
    let profile = member_profile(call.pool(), call.guild, whose).await?;
    let member = &profile.member;
    let (name, level, xp, gold, stars) =
        (plain(&member.name), member.level, member.xp, member.gold, member.stars);
    let mut text = say!(
        call.lang,
        "**{name}** — level {level}, {xp} XP, {gold} gold, {stars} stars",
        "**{name}** — Level {level}, {xp} XP, {gold} Gold, {stars} Sterne"
    );
    if let Some(rank) = profile.rank {
        text.push_str(&say!(call.lang, ", rank {rank}", ", Rang {rank}"));
    }
    if let Some(next) = profile.next_level_xp {
        let (have, of) = (xp.get() - profile.level_xp, next - profile.level_xp);
        text.push('\n');
        text.push_str(&bar(have, of));
        let left = next - xp.get();
        text.push_str(&say!(call.lang, " {left} XP to the next level", " {left} XP bis zum nächsten Level"));
    }
    if let Some(github) = people::github_get(&mut *db::acquire(call.pool()).await?, whose).await? {
        let _ = write!(text, "\nGitHub: {}", plain(&github));
    }
    let reply = Reply::text(text);
    Ok(match cards::picture(card(&call, whose, &profile), PICTURE).await {
        Some(picture) => reply.file(Attachment {
            name: "profile.png".to_owned(),
            media_type: "image/png",
            content: picture.into(),
        }),
        // The text says all of it.
        None => reply,
    })
}

/// A member's standing as a picture.
fn card(call: &Call, whose: UserId, profile: &Profile) -> Card {
    let member = &profile.member;
    let (xp, gold, stars) = (member.xp.get(), member.gold, member.stars);
    let (progress, below) = match profile.next_level_xp {
        Some(next) => {
            let (have, of) = (xp - profile.level_xp, (next - profile.level_xp).max(1));
            // Shown as a bar of some hundred pixels.
            #[expect(clippy::cast_precision_loss, reason = "a bar is not read to the fifteenth digit")]
            let progress = have as f64 / of as f64;
            (progress, format!("{xp} / {next} XP"))
        }
        None => (1.0, format!("{xp} XP")),
    };
    Card {
        id: whose.get(),
        name: member.name.clone(),
        level: member.level,
        level_label: say!(call.lang, "LEVEL", "LEVEL"),
        rank: profile.rank.map(|rank| format!("#{rank}")),
        progress,
        below: (below, say!(call.lang, "{gold} gold · {stars} stars", "{gold} Gold · {stars} Sterne")),
    }
}

pub(crate) async fn link_github(call: Call) -> Answered {
    let name = people::github_link(call.pool(), call.user, call.text("name")).await?;
    Ok(Reply::text(match name {
        Some(name) => {
            let name = plain(&name);
            say!(call.lang, "Your GitHub account is {name}.", "Dein GitHub-Konto ist {name}.")
        }
        None => say!(call.lang, "You have named no GitHub account.", "Du hast kein GitHub-Konto genannt."),
    }))
}

/// How far somebody is, in twelve steps.
pub(super) fn bar(have: i64, of: i64) -> String {
    let full = usize::try_from(have.clamp(0, of.max(1)) * 12 / of.max(1)).unwrap_or(0);
    format!("{}{}", "▰".repeat(full), "▱".repeat(12 - full))
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
    let query = LeaderboardQuery { season_id: None, limit: Some(LINES), cursor };
    let page = xp_board::leaderboard(call.pool(), call.guild, &query).await?;
    let mut text = say!(call.lang, "**Most XP**", "**Die meisten XP**");
    for row in &page.items {
        let (rank, name, level, xp) = (row.rank, plain(&row.name), row.level, row.xp);
        text.push_str(&say!(
            call.lang,
            "\n{rank}. {name} — level {level}, {xp} XP",
            "\n{rank}. {name} — Level {level}, {xp} XP"
        ));
    }
    Ok(more(call, "xp.page", Reply::text(text), page.next))
}

pub(crate) async fn achievements(call: Call) -> Answered {
    let query = PageQuery { limit: Some(200), cursor: None };
    let page = progress_list(call.pool(), call.guild, call.user, &query).await?;
    if page.items.is_empty() {
        return Ok(Reply::text(say!(
            call.lang,
            "There is nothing to achieve here yet.",
            "Hier gibt es noch nichts zu erreichen."
        )));
    }
    let (earned, open): (Vec<_>, Vec<_>) = page.items.iter().partition(|one| one.earned_at.is_some());
    let (have, of) = (earned.len(), page.items.len());
    let mut text = say!(call.lang, "**{have} of {of} achieved**", "**{have} von {of} erreicht**");
    for one in earned.iter().take(20) {
        let _ = write!(text, "\n✓ {}", plain(&one.name));
    }
    for one in open.iter().take(10) {
        let _ = write!(text, "\n{}", plain(&one.name));
        if let (Some(value), Some(threshold)) = (one.value, one.threshold) {
            let _ = write!(text, " — {value}/{threshold}");
        }
    }
    Ok(Reply::text(text))
}

pub(crate) async fn preferences(call: Call) -> Answered {
    let (pool, guild, user) = (call.pool(), call.guild, call.user);
    let now = preferences_get(pool, guild, user).await?;
    let wanted = Preferences {
        announce_level_up: call.yes("levels").unwrap_or(now.announce_level_up),
        announce_achievements: call.yes("achievements").unwrap_or(now.announce_achievements),
        announce_awards: call.yes("awards").unwrap_or(now.announce_awards),
        language: now.language.clone(),
    };
    let kept = if wanted == now { now } else { preferences_put(pool, guild, user, wanted).await? };
    let yes = |on: bool| match (on, call.lang) {
        (true, crate::words::Lang::English) => "yes",
        (false, crate::words::Lang::English) => "no",
        (true, crate::words::Lang::German) => "ja",
        (false, crate::words::Lang::German) => "nein",
    };
    let (levels, achievements, awards) =
        (yes(kept.announce_level_up), yes(kept.announce_achievements), yes(kept.announce_awards));
    Ok(Reply::text(say!(
        call.lang,
        "Announced about you: levels {levels}, achievements {achievements}, awards {awards}.",
        "Über dich angesagt: Level {levels}, Erfolge {achievements}, Auszeichnungen {awards}."
    )))
}

pub(crate) async fn export(call: Call) -> Answered {
    let keepers = &call.bot.faculties().keepers;
    let copy = member_export(call.pool(), keepers, call.guild, call.user, call.by(), call.origin()).await?;
    let text = serde_json::to_string_pretty(&copy).map_err(|error| Problem::internal(&error))?;
    if text.len() > 8 * 1024 * 1024 {
        return Err(Problem::conflict(say!(
            call.lang,
            "It is too much for a file here. Ask those who run this server for a copy.",
            "Es ist zu viel für eine Datei hier. Bitte die, die diesen Server führen, um eine Kopie."
        )));
    }
    let file = Attachment {
        name: "questhall.json".to_owned(),
        media_type: "application/json",
        content: text.into(),
    };
    Ok(Reply::text(say!(
        call.lang,
        "All that is kept of you here.",
        "Alles, was hier über dich gespeichert ist."
    ))
    .file(file))
}

pub(crate) async fn erase(call: Call) -> Answered {
    let label = say!(call.lang, "Forget me", "Vergesst mich");
    let text = say!(
        call.lang,
        "Everything that is kept of you here is removed, or made nobody's: levels, bytes, answers. It cannot be undone.",
        "Alles, was hier über dich gespeichert ist, wird gelöscht oder niemandem mehr zugeordnet: Level, Bytes, Antworten. Das lässt sich nicht rückgängig machen."
    );
    Ok(Reply::text(text).row(vec![button(&call.mine("privacy.erase", &[]), &label)]))
}

/// They meant it.
pub(crate) async fn erased(call: Call) -> Answered {
    let keepers = &call.bot.faculties().keepers;
    let reason = "at their own wish, on Discord";
    let done =
        member_erase(call.pool(), keepers, call.guild, call.user, reason, call.by(), call.origin()).await?;
    call.committed();
    let rows = done.rows;
    Ok(Reply::text(cut(
        &say!(
            call.lang,
            "You are forgotten: {rows} rows are gone.",
            "Du bist vergessen: {rows} Zeilen sind weg."
        ),
        200,
    ))
    .instead())
}
