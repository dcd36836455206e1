//! What an announcement says.

use serde_json::Value;

use crate::words::{cut, plain};

/// Characters that a message may hold.
const MAX: usize = 2_000;

/// The text of an announcement, of the data of `announcement.due`. Names are harmless in it; an administrator's own words stay as
/// they are, and ping nobody as the message permits it to nobody.
pub(super) fn announcement(due: &Value) -> String {
    let what = &due["what"];
    let text = |name: &str| plain(what[name].as_str().unwrap_or_default());
    let number = |name: &str| what[name].as_i64().unwrap_or_default();
    let who = due["user_id"].as_str().or_else(|| what["user_id"].as_str());
    let who = who.map_or_else(|| "Somebody".to_owned(), |id| format!("<@{id}>"));
    let said = match what["event"].as_str().unwrap_or_default() {
        "member.levelled_up" => format!("{who} reached level {}.", number("level")),
        "achievement.earned" => format!("{who} has achieved **{}**.", text("name")),
        "member.awarded" => {
            let parts: Vec<String> = [("xp", "XP"), ("gold", "gold"), ("stars", "stars")]
                .into_iter()
                .filter(|(field, _)| number(field) > 0)
                .map(|(field, unit)| format!("{} {unit}", number(field)))
                .collect();
            format!("{who} got {}: {}", parts.join(" and "), text("reason"))
        }
        "season.started" => format!("A season has begun: **{}**.", text("name")),
        "season.ended" => format!("The season **{}** is over.", text("name")),
        "board.quest_posted" => format!("A new quest is on the board: **{}**.", text("title")),
        "board.quest_completed" => format!("{who} completed the quest **{}**.", text("title")),
        "campaign.started" => format!("**{}** has begun. `/campaign register` takes you in.", text("name")),
        "campaign.closed" | "multiplier.ended" => format!("**{}** is over.", text("name")),
        "challenge.released" => {
            format!(
                "**{}**: challenge {} is out: **{}**.",
                text("name"),
                number("order_position"),
                text("title")
            )
        }
        "multiplier.scheduled" => format!("**{}** is coming.", text("name")),
        "multiplier.started" => format!("**{}** has begun.", text("name")),
        "multiplier.called_off" => format!("**{}** is called off.", text("name")),
        _ => what["text"].as_str().unwrap_or("Something happened.").to_owned(),
    };
    cut(&said, MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_happened_is_said_and_names_stay_names() {
        let say = |what: Value| announcement(&json!({ "user_id": null, "what": what }));
        let level = json!({ "event": "member.levelled_up", "user_id": "7", "level": 3 });
        assert_eq!(say(level), "<@7> reached level 3.");
        let award = json!({ "event": "member.awarded", "user_id": "7", "xp": 5, "gold": 2, "stars": 0, "reason": "a **talk**" });
        assert_eq!(say(award), "<@7> got 5 XP and 2 gold: a \\*\\*talk\\*\\*");
        let season = json!({ "event": "season.started", "name": "@everyone" });
        assert_eq!(say(season), "A season has begun: **\\@everyone**.");
        assert_eq!(say(json!({ "text": "Hi **all**" })), "Hi **all**");
        assert_eq!(say(json!({ "text": "x".repeat(3_000) })).chars().count(), MAX);
    }
}
