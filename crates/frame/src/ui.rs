//! Small parts that many pages share.

use std::fmt::Display;

use campaigns::model::Status;
use kernel::UserId;

use crate::format::{Whole, number, word};
use crate::html::{Html, escape};
use crate::shell::Shell;
use crate::sigil;

/// A state as a seal: a shape and a word, never a colour alone.
pub fn seal(tone: &str, text: &str) -> Html {
    Html::trusted(format!("<span class=\"seal {}\">{}</span>", escape(tone), escape(text)))
}

/// A member by name and arms, with a link to their page.
pub fn member(shell: &Shell, user: &UserId, name: &str) -> Html {
    Html::trusted(format!(
        "<a class=\"who\" href=\"{}\">{}<bdi>{}</bdi></a>",
        shell.at(&format!("/members/{user}")),
        sigil::arms(user),
        escape(name)
    ))
}

/// A squad by name and arms, with a link to its page.
pub fn squad(shell: &Shell, id: impl Display, name: &str) -> Html {
    let id = escape(&id.to_string());
    Html::trusted(format!(
        "<a class=\"who\" href=\"{}\">{}<bdi>{}</bdi></a>",
        shell.at(&format!("/squads/{id}")),
        sigil::arms(&id),
        escape(name)
    ))
}

/// A participant of a campaign: a member, or a squad.
pub fn participant(shell: &Shell, id: &str, is_squad: bool, name: &str) -> Html {
    match id.parse::<UserId>() {
        Ok(user) if !is_squad => member(shell, &user, name),
        _ => squad(shell, id, name),
    }
}

/// How far something is, as notches and as numbers.
pub fn tally(done: impl Whole, of: impl Whole, what: &str) -> Html {
    let (done, of) = (done.whole(), of.whole().max(1));
    let part = done.clamp(0, of);
    let words = format!("{} of {} {}", number(done), number(of), what);
    if of <= 25 {
        let notches: String =
            (0..of).map(|n| if n < part { "<i class=\"cut\"></i>" } else { "<i></i>" }).collect();
        return Html::trusted(format!(
            "<span class=\"tally\"><span class=\"notches\" aria-hidden=\"true\">{notches}</span> {}</span>",
            escape(&words)
        ));
    }
    Html::trusted(format!(
        "<span class=\"tally\"><progress max=\"{of}\" value=\"{part}\" aria-label=\"{0}\"></progress> {0}</span>",
        escape(&words)
    ))
}

/// Rarity as a word with pips.
pub fn rarity(name: &str) -> Html {
    let pips = ["common", "uncommon", "rare", "epic", "legendary"].iter().position(|known| *known == name);
    let pips = "<i></i>".repeat(pips.unwrap_or(0) + 1);
    Html::trusted(format!(
        "<span class=\"rarity {0}\"><span class=\"pips\" aria-hidden=\"true\">{pips}</span>{1}</span>",
        escape(name),
        escape(&word(name))
    ))
}

/// What a list says that has nothing in it, and what to do next.
pub fn empty(text: &str, next: Option<(&str, &str)>) -> Html {
    let link = next
        .map(|(href, label)| format!(" <a href=\"{}\">{}</a>", escape(href), escape(label)))
        .unwrap_or_default();
    Html::trusted(format!("<p class=\"empty\">{}{link}</p>", escape(text)))
}

/// The same, with a way on.
pub fn empty_but(text: &str, href: impl AsRef<str>, label: &str) -> Html {
    empty(text, Some((href.as_ref(), label)))
}

/// The way to the next page of a list.
pub fn more(path: impl AsRef<str>, query: impl AsRef<str>, next: Option<&String>) -> Html {
    let Some(next) = next else { return Html::default() };
    let (path, query) = (path.as_ref(), query.as_ref());
    let query = if query.is_empty() { String::new() } else { format!("{query}&") };
    Html::trusted(format!(
        "<p class=\"more\"><a class=\"button\" rel=\"next\" href=\"{}\">Show more</a></p>",
        escape(&format!("{path}?{query}cursor={next}"))
    ))
}

/// An amount with what it is of.
pub fn amount(value: impl Whole, unit: &str) -> Html {
    Html::trusted(format!(
        "<span class=\"amount\"><b>{}</b> <small>{}</small></span>",
        number(value),
        escape(unit)
    ))
}

/// Where a campaign is in its life.
pub fn campaign_state(status: Status, state: &str) -> Html {
    let (tone, words) = campaign_state_words(status, state);
    seal(tone, words)
}

/// The same as the tone of a seal, and its words.
pub fn campaign_state_words(status: Status, state: &str) -> (&'static str, &'static str) {
    match (status, state) {
        (_, "draft") => ("", "Draft"),
        (_, "cancelled") => ("bad", "Cancelled"),
        (_, "lapsed") => ("bad", "Never started"),
        (Status::Created, _) => ("soon", "Starts soon"),
        (Status::Running, _) => ("on", "Running"),
        (Status::Closed, _) => ("done", "Closed"),
        (Status::RewardClaim, _) => ("warn", "Rewards open"),
        (Status::Expired, _) => ("done", "Over"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_write_markup() {
        assert!(!seal("ok", "<b>").as_str().contains("<b>"));
        assert!(!tally(1_i64, 3_i64, "<b>").as_str().contains("<b>"));
        assert!(!empty("<i>", Some(("\"x", "<i>"))).as_str().contains("<i>"));
        assert!(more("/a", "b=1", Some(&"c".to_owned())).as_str().contains("/a?b=1&amp;cursor=c"));
    }

    #[test]
    fn a_tally_has_a_notch_for_each() {
        assert_eq!(tally(2_i64, 5_i64, "quests").as_str().matches("<i").count(), 5);
        assert_eq!(tally(9_i64, 5_i64, "quests").as_str().matches("class=\"cut\"").count(), 5);
        assert!(tally(50_i64, 100_i64, "x").as_str().contains("<progress max=\"100\" value=\"50\""));
        assert!(tally(0_i64, 0_i64, "x").as_str().contains("0 of 1"));
    }
}
