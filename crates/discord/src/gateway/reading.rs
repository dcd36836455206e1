//! Messages and members as automod judges them, read from events. Pure; what is read is judged and forgotten.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, MessageId, RoleId, UserId};
use moderation::automod::{Attachment, Body, Embed, Member, Message, Poll, created_at};
use serde_json::Value;

use super::events::{id, time};

/// Names of fields of components whose texts are shown or lead somewhere.
const SHOWN: [&str; 5] = ["label", "content", "description", "placeholder", "url"];
/// How deep components stand in each other.
const DEPTH: usize = 8;

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A message of a person, without who wrote it and where; `None` for what Discord itself writes about joins and pins, and for what is none.
pub(super) fn message(data: &Value, is_update: bool) -> Option<Message> {
    // Updates may lack their type.
    if !matches!(data["type"].as_u64(), None | Some(0 | 19)) {
        return None;
    }
    let author = author(data)?;
    let mut message =
        Message::new(MessageId::new(id(&data["id"])?), ChannelId::new(id(&data["channel_id"])?), author);
    message.is_update = is_update;
    message.edited_at = time(&data["edited_timestamp"]);
    message.body = body(data);
    message.forwarded = list(&data["message_snapshots"]).map(|snapshot| body(&snapshot["message"])).collect();
    Some(message)
}

/// A thread or a post in a forum as it is called now. Its name is judged like a message that begins it; `author` is who made it.
pub(super) fn thread(data: &Value, author: Member) -> Option<Message> {
    let thread = id(&data["id"])?;
    let mut message = Message::new(MessageId::new(thread), ChannelId::new(thread), author);
    message.title = text(&data["name"]);
    message.title.is_some().then_some(message)
}

/// Who wrote a message, as far as it says; their rank is not in it.
fn author(data: &Value) -> Option<Member> {
    let mut member = person(&data["author"], &data["member"])?;
    member.is_bot |= !data["webhook_id"].is_null();
    Some(member)
}

/// Somebody, of whom Discord tells as a user and as a member.
pub(super) fn person(user: &Value, member: &Value) -> Option<Member> {
    let user_id = UserId::new(id(&user["id"])?);
    Some(Member {
        user_id,
        is_bot: user["bot"] == true,
        names: [&user["username"], &user["global_name"], &member["nick"]]
            .into_iter()
            .filter_map(text)
            .collect(),
        role_ids: held(member).unwrap_or_default(),
        created_at: created_at(user_id),
        joined_at: time(&member["joined_at"]),
        has_avatar: text(&user["avatar"]).is_some() || text(&member["avatar"]).is_some(),
        ..Member::default()
    })
}

/// A member's roles, where they are told.
pub(super) fn held(member: &Value) -> Option<Vec<RoleId>> {
    let roles = member["roles"].as_array()?;
    Some(roles.iter().filter_map(id).map(RoleId::new).collect())
}

fn body(data: &Value) -> Body {
    let content = data["content"].as_str().unwrap_or_default();
    let mut components = Vec::new();
    shown(&data["components"], &mut components, DEPTH);
    Body {
        content: content.to_owned(),
        embeds: list(&data["embeds"]).map(|one| embed(one, content)).collect(),
        components,
        attachments: list(&data["attachments"]).map(attachment).collect(),
        stickers: list(&data["sticker_items"]).filter_map(|one| text(&one["name"])).collect(),
        poll: poll(&data["poll"]),
    }
}

fn embed(one: &Value, content: &str) -> Embed {
    let fields = list(&one["fields"]).flat_map(|field| [&field["name"], &field["value"]]);
    let texts = [&one["title"], &one["description"], &one["footer"]["text"], &one["author"]["name"]];
    let urls = [&one["url"], &one["author"]["url"], &one["image"]["url"], &one["thumbnail"]["url"]];
    // Discord's own are of a kind of their own, or lead where the content does.
    let is_unfurled = one["type"].as_str().is_some_and(|kind| kind != "rich")
        || one["url"].as_str().is_some_and(|url| content.contains(url));
    Embed {
        texts: texts.into_iter().chain(fields).filter_map(text).collect(),
        urls: urls.into_iter().filter_map(text).collect(),
        is_unfurled,
    }
}

fn attachment(one: &Value) -> Attachment {
    // What it was called before Discord took characters out of its name is shown, too.
    let alt: Vec<String> = [&one["title"], &one["description"]].into_iter().filter_map(text).collect();
    Attachment {
        name: one["filename"].as_str().unwrap_or_default().to_owned(),
        alt: (!alt.is_empty()).then(|| alt.join("\n")),
        content_type: text(&one["content_type"]),
    }
}

fn poll(data: &Value) -> Option<Poll> {
    Some(Poll {
        question: text(&data["question"]["text"])?,
        answers: list(&data["answers"]).filter_map(|answer| text(&answer["poll_media"]["text"])).collect(),
    })
}

/// Texts and addresses of components, however they stand in each other.
fn shown(value: &Value, found: &mut Vec<String>, depth: usize) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Array(all) => all.iter().for_each(|one| shown(one, found, depth)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match text(field) {
                    Some(text) if SHOWN.contains(&name.as_str()) => found.push(text),
                    _ => shown(field, found, depth - 1),
                }
            }
        }
        _ => {}
    }
}

/// When somebody joined, as Discord says it.
pub(super) fn joined_at(data: &Value, now: DateTime<Utc>) -> DateTime<Utc> {
    time(&data["joined_at"]).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn everything_that_can_be_seen_is_read() {
        let data = json!({
            "id": "1300000000000000000", "type": 0, "channel_id": "50", "content": "one", "edited_timestamp": null,
            "author": { "id": "7", "username": "ada", "global_name": "Ada", "avatar": null },
            "member": { "nick": "countess", "roles": ["60"], "joined_at": "2026-01-01T00:00:00+00:00" },
            "embeds": [
                { "type": "rich", "title": "two", "fields": [{ "name": "three", "value": "four" }], "url": "https://e.org" },
                { "type": "video", "title": "unfurled" },
            ],
            "components": [{ "type": 1, "components": [{ "type": 2, "label": "five", "url": "https://f.org", "custom_id": "hidden" }] }],
            "attachments": [{ "filename": "six.png", "title": "six!", "description": "seven", "content_type": "image/png" }],
            "sticker_items": [{ "name": "eight" }],
            "poll": { "question": { "text": "nine" }, "answers": [{ "poll_media": { "text": "ten" } }] },
            "message_snapshots": [{ "message": { "content": "eleven", "attachments": [{ "filename": "twelve.txt" }] } }],
        });
        let message = message(&data, false).unwrap();
        assert_eq!(message.author.names, ["ada", "Ada", "countess"]);
        assert_eq!((message.author.role_ids.len(), message.author.has_avatar), (1, false));
        let Body { content, embeds, components, attachments, stickers, poll } = &message.body;
        assert_eq!(content, "one");
        assert_eq!(embeds[0].texts, ["two", "three", "four"]);
        assert_eq!((embeds[0].is_unfurled, embeds[1].is_unfurled), (false, true));
        assert_eq!(components, &["five", "https://f.org"]);
        assert_eq!(
            (attachments[0].name.as_str(), attachments[0].alt.as_deref()),
            ("six.png", Some("six!\nseven"))
        );
        assert_eq!((stickers[0].as_str(), poll.as_ref().unwrap().answers[0].as_str()), ("eight", "ten"));
        let forwarded = &message.forwarded[0];
        assert_eq!(
            (forwarded.content.as_str(), forwarded.attachments[0].name.as_str()),
            ("eleven", "twelve.txt")
        );
    }

    #[test]
    fn what_discord_or_a_webhook_writes_is_no_members() {
        let data = |more: Value| {
            let mut data = json!({ "id": "12", "channel_id": "50", "content": "x", "author": { "id": "7", "username": "ada" } });
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            data
        };
        assert!(message(&data(json!({ "type": 7 })), false).is_none());
        assert!(!message(&data(json!({})), true).unwrap().author.is_bot);
        assert!(message(&data(json!({ "webhook_id": "3" })), false).unwrap().author.is_bot);
        // An embed whose link stands in the content was made by Discord.
        let tweet = json!({ "content": "https://t.org/1", "embeds": [{ "type": "rich", "url": "https://t.org/1", "description": "theirs" }] });
        assert!(message(&data(tweet), false).unwrap().body.embeds[0].is_unfurled);
        // Names alone say what a thread is.
        assert!(thread(&json!({ "id": "12" }), Member::default()).is_none());
    }
}
