//! `/campaign`.

use std::fmt::Write as _;

use campaigns::model::{Campaign, Status};
use challenges::catalogue::Challenge;
use challenges::ops::Onlooker;
use challenges::{Submission, hints, inputs};
use kernel::language::Reader;
use kernel::{CampaignId, ChallengeId, HintId, Page, Problem};
use serde_json::Value;

use super::Answered;
use super::call::Call;
use super::choose::{Choice, What, all, id, is_id, named as by_name};
use crate::boards;
use crate::interactions::custom_id::{long, short};
use crate::interactions::reply::{Reply, button, field};
use crate::sender::Attachment;
use crate::words::{cut, plain, say, when};

/// Campaigns that everybody sees, the latest first as the operation has them.
pub(super) async fn campaigns(call: &Call) -> Result<Vec<Campaign>, Problem> {
    let (pool, guild) = (call.pool(), call.guild);
    all(|page| async move { campaigns::ops::campaign_list(pool, guild, None, false, &page).await }).await
}

/// The campaign that was named.
pub(super) async fn named(call: &Call) -> Result<Campaign, Problem> {
    let id: CampaignId = id(call, "campaign", What::Campaign, "campaign").await?;
    Ok(campaigns::ops::campaign_get(call.pool(), call.guild, id, false).await?)
}

/// Challenges that whoever called may see.
pub(super) async fn challenges(call: &Call, campaign: CampaignId) -> Result<Vec<Challenge>, Problem> {
    let (pool, within, who) = (call.pool(), (call.guild, campaign), looker(call));
    all(|page| async move {
        Ok::<Page<Challenge>, Problem>(challenges::ops::challenge_list(pool, within, who, &page).await?)
    })
    .await
}

/// What there is to choose from among a campaign's challenges.
pub(super) async fn offered(call: &Call, campaign: CampaignId) -> Result<Vec<Choice>, Problem> {
    let challenges = challenges(call, campaign).await?;
    Ok(challenges.into_iter().map(|challenge| Choice::new(challenge.id, challenge.title)).collect())
}

/// Who called, in the language that they have Discord in.
fn looker(call: &Call) -> Onlooker<'_> {
    let reader = Reader { asked: None, accepted: call.locale.as_deref() };
    Onlooker { admin: false, user: Some(call.user), reader }
}

async fn both(call: &Call) -> Result<(Campaign, Challenge), Problem> {
    let campaign = named(call).await?;
    let typed = call.must("challenge")?.trim();
    let found = if is_id(typed) {
        Some(typed.to_owned())
    } else {
        by_name(&offered(call, campaign.id).await?, typed)
    };
    let id: ChallengeId =
        found.and_then(|id| id.parse().ok()).ok_or_else(|| Problem::not_found("challenge"))?;
    let which = (call.guild, campaign.id, id);
    let challenge = challenges::ops::challenge_get(call.pool(), which, looker(call)).await?;
    Ok((campaign, challenge))
}

pub(crate) async fn list(call: Call) -> Answered {
    let campaigns = campaigns(&call).await?;
    if campaigns.is_empty() {
        return Ok(Reply::text(say!(
            call.lang,
            "There are no campaigns here yet.",
            "Hier gibt es noch keine Kampagnen."
        )));
    }
    let mut text = say!(call.lang, "**Campaigns**", "**Kampagnen**");
    for campaign in campaigns.iter().take(15) {
        let name = plain(&campaign.settings.name);
        let stands = stands(&call, campaign);
        let _ = write!(text, "\n{name} — {stands}");
    }
    Ok(Reply::text(text))
}

fn stands(call: &Call, campaign: &Campaign) -> String {
    let (released, all) = (campaign.challenges_released, campaign.challenges);
    match (campaign.status, campaign.settings.start_time, campaign.end_time) {
        (Status::Created, Some(start), _) => {
            let start = when(start);
            say!(call.lang, "begins {start}", "beginnt {start}")
        }
        (Status::Created, None, _) => say!(call.lang, "to come", "kommt noch"),
        (Status::Running, _, Some(end)) => {
            let end = when(end);
            say!(
                call.lang,
                "runs, {released} of {all} challenges are out, ends {end}",
                "läuft, {released} von {all} Aufgaben sind da, endet {end}"
            )
        }
        (Status::Running, _, None) => {
            say!(
                call.lang,
                "runs, {released} of {all} challenges are out",
                "läuft, {released} von {all} Aufgaben sind da"
            )
        }
        (Status::RewardClaim, ..) => {
            say!(call.lang, "over; rewards can be claimed", "vorbei; Belohnungen können geholt werden")
        }
        (Status::Closed | Status::Expired, ..) => say!(call.lang, "over", "vorbei"),
    }
}

pub(crate) async fn register(call: Call) -> Answered {
    let campaign = named(&call).await?;
    let wake = call.bot.app().wake();
    let done = campaigns::ops::register(call.pool(), wake, call.guild, campaign.id, call.user).await?;
    let (name, shown) = (plain(&campaign.settings.name), plain(&done.0.display_name));
    Ok(Reply::text(if done.1 {
        say!(call.lang, "You take part in {name}, as {shown}.", "Du nimmst an {name} teil, als {shown}.")
    } else {
        say!(
            call.lang,
            "You take part in {name} already, as {shown}.",
            "Du nimmst an {name} schon teil, als {shown}."
        )
    }))
}

pub(crate) async fn challenge(call: Call) -> Answered {
    let (_, challenge) = both(&call).await?;
    let mut text = format!("**{}**\n{}", plain(&challenge.title), challenge.description);
    for further in &challenge.part_descriptions {
        text.push_str("\n\n");
        text.push_str(further);
    }
    let count = text.chars().count();
    if count <= crate::interactions::reply::MAX_CONTENT {
        return Ok(Reply::text(text));
    }
    let note = say!(
        call.lang,
        "**{}** is too long for a message; here it is as a file.",
        "**{}** ist zu lang für eine Nachricht; hier als Datei.",
        plain(&challenge.title)
    );
    let file = Attachment {
        name: format!("{}.md", challenge.slug),
        media_type: "text/markdown",
        content: text.into(),
    };
    Ok(Reply::text(note).file(file))
}

pub(crate) async fn input(call: Call) -> Answered {
    let (campaign, challenge) = both(&call).await?;
    let sandbox = call.bot.faculties().sandbox.clone().ok_or_else(|| {
        Problem::new(
            kernel::problem::UNAVAILABLE,
            "This server runs no scripts, so there are no inputs here.",
        )
    })?;
    let which = (call.guild, campaign.id, challenge.id);
    let input = inputs::input_get(call.pool(), call.bot.app().wake(), &sandbox, which, call.user).await?;
    let content = match input.value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let file = Attachment {
        name: format!("{}-input.txt", challenge.slug),
        media_type: "text/plain",
        content: content.into(),
    };
    let title = plain(&challenge.title);
    Ok(Reply::text(say!(call.lang, "Your input for {title}.", "Deine Eingabe für {title}.")).file(file))
}

pub(crate) async fn submit(call: Call) -> Answered {
    let (campaign, challenge) = both(&call).await?;
    let (one, other) = (short(campaign.id.get()), short(challenge.id.get()));
    let part = call.number("part").map(|part| part.to_string()).unwrap_or_default();
    let id = call.mine("campaign.answer", &[&one, &other, &part]);
    let label = say!(call.lang, "Your answer", "Deine Antwort");
    Ok(Reply::form(&id, &challenge.title, vec![field("answer", &label, true, 2_000)]))
}

/// An answer was handed in by the form.
pub(crate) async fn answered(call: Call) -> Answered {
    let (campaign, challenge) = (campaign_of(&call)?, challenge_of(&call)?);
    let part = call.arg(2)?.parse().ok();
    let answer = call.fields.get("answer").and_then(|values| values.first()).map_or("", String::as_str);
    let submission = Submission::new((call.guild, campaign, challenge), call.user, part, answer)?;
    let verdict = call.bot.faculties().submissions.submit(submission).await?;
    let part = verdict.part;
    Ok(Reply::text(if verdict.already_solved {
        say!(call.lang, "Part {part} was solved already.", "Teil {part} war schon gelöst.")
    } else if verdict.correct {
        let mut text = say!(call.lang, "Right! Part {part} is solved.", "Richtig! Teil {part} ist gelöst.");
        if let Some(position) = verdict.position {
            text.push_str(&say!(call.lang, " You are number {position}.", " Du bist Nummer {position}."));
        }
        if let Some(points) = verdict.points {
            text.push_str(&say!(call.lang, " That brings {points} points.", " Das bringt {points} Punkte."));
        }
        if let Some(next) = verdict.next_part {
            text.push_str(&say!(call.lang, " Part {next} is open now.", " Teil {next} ist jetzt offen."));
        }
        text
    } else {
        let mut text = say!(call.lang, "That is not right.", "Das ist nicht richtig.");
        if let Some(wait) = verdict.retry_after {
            text.push_str(&say!(call.lang, " Try again in {wait} s.", " Versuche es in {wait} s wieder."));
        }
        text
    }))
}

fn campaign_of(call: &Call) -> Result<CampaignId, Problem> {
    long(call.arg(0)?).map(CampaignId::new).ok_or_else(|| Problem::not_found("campaign"))
}

fn challenge_of(call: &Call) -> Result<ChallengeId, Problem> {
    long(call.arg(1)?).map(ChallengeId::new).ok_or_else(|| Problem::not_found("challenge"))
}

pub(crate) async fn hint(call: Call) -> Answered {
    let (campaign, challenge) = both(&call).await?;
    hints_shown(&call, campaign.id, challenge.id).await
}

async fn hints_shown(call: &Call, campaign: CampaignId, challenge: ChallengeId) -> Answered {
    let list = hints::hint_list(call.pool(), (call.guild, campaign, challenge), call.user).await?;
    if list.is_empty() {
        return Ok(Reply::text(say!(
            call.lang,
            "There are no hints for this challenge.",
            "Zu dieser Aufgabe gibt es keine Tipps."
        )));
    }
    let mut text = say!(call.lang, "**Hints**", "**Tipps**");
    for hint in &list {
        let (n, cost, penalty) = (hint.position, hint.cost_bytes, hint.penalty);
        match &hint.body {
            Some(body) => {
                let _ = write!(text, "\n{n}. {}", cut(body, 600));
            }
            None => text.push_str(&say!(
                call.lang,
                "\n{n}. costs {cost} bytes, and {penalty} of your score",
                "\n{n}. kostet {cost} Bytes und {penalty} deiner Wertung"
            )),
        }
    }
    let next = list.iter().find(|hint| hint.body.is_none() && hint.available);
    let Some(next) = next else { return Ok(Reply::text(text)) };
    let (one, hint, n) = (short(campaign.get()), short(next.id.get()), next.position);
    let label = say!(call.lang, "Buy hint {n}", "Tipp {n} kaufen");
    // Two ids fit; which challenge it is of, the hint says.
    Ok(Reply::text(text)
        .row(vec![button(&call.mine("campaign.hint", &[&one, &hint, &n.to_string()]), &label)]))
}

/// The next hint was bought.
pub(crate) async fn hint_bought(call: Call) -> Answered {
    let campaign = campaign_of(&call)?;
    let hint = long(call.arg(1)?).map(HintId::new).ok_or_else(|| Problem::not_found("hint"))?;
    // Found again by looking through the campaign's challenges: a custom id has no room for three ids.
    for challenge in challenges(&call, campaign).await? {
        let which = (call.guild, campaign, challenge.id);
        let list = hints::hint_list(call.pool(), which, call.user).await?;
        if list.iter().any(|known| known.id == hint) {
            hints::hint_unlock(call.pool(), which, hint, call.user).await?;
            call.committed();
            return Ok(hints_shown(&call, campaign, challenge.id).await?.instead());
        }
    }
    Err(Problem::not_found("hint"))
}

pub(crate) async fn scoreboard(call: Call) -> Answered {
    let campaign = named(&call).await?;
    board(&call, &campaign).await
}

/// The scoreboard as it is now, in the same message.
pub(crate) async fn board_again(call: Call) -> Answered {
    let campaign = campaigns::ops::campaign_get(call.pool(), call.guild, campaign_of(&call)?, false).await?;
    Ok(board(&call, &campaign).await?.instead())
}

async fn board(call: &Call, campaign: &Campaign) -> Answered {
    let (text, is_final) = boards::shown(call.pool(), call.lang, call.guild, campaign).await?;
    let reply = Reply::text(text);
    if is_final {
        return Ok(reply);
    }
    let label = say!(call.lang, "Refresh", "Aktualisieren");
    Ok(reply.row(vec![button(&call.anybodys("campaign.board", &[&short(campaign.id.get())]), &label)]))
}

/// A scoreboard in the channel that edits itself; for all who read there, so in the server's language.
pub(crate) async fn live(call: Call) -> Answered {
    let campaign = named(&call).await?;
    let channel = call.channel.ok_or_else(|| Problem::invalid("It names no channel."))?;
    boards::begin(&call.bot, call.guild_lang, call.guild, channel, &campaign).await?;
    let name = plain(&campaign.settings.name);
    Ok(Reply::text(say!(
        call.lang,
        "The scoreboard of {name} is here now, and edits itself.",
        "Der Stand von {name} ist jetzt hier und ändert sich selbst."
    )))
}

pub(crate) async fn claim(call: Call) -> Answered {
    let campaign = named(&call).await?;
    let wake = call.bot.app().wake();
    let claim = campaigns::ops::reward_claim(call.pool(), wake, call.guild, campaign.id, call.user).await?;
    let (rank, bytes, xp, gold) = (claim.rank, claim.bytes, claim.xp, claim.gold);
    Ok(Reply::text(say!(
        call.lang,
        "Rank {rank} brings you {bytes} bytes, {xp} XP and {gold} gold.",
        "Rang {rank} bringt dir {bytes} Bytes, {xp} XP und {gold} Gold."
    )))
}
