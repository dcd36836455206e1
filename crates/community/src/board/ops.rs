//! What the faces call: each operation is a transaction.

use ::jobs::outbox;
use access::author::{Author, Deed};
use access::settings::settings_read;
use access::web::Repeatable;
use kernel::fields;
use kernel::{Gold, GuildId, Limit, Page, PageQuery, Problem, UserId, Xp};
use progress::model::{Event, Grant};
use progress::rewards::RewardSettings;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use super::model::{BoardQuery, BoardQuest, BoardQuestEdit, BoardStatus, NewBoardQuest};
use super::store::{self, Wanted};
use crate::error::Error;
use crate::ids::BoardQuestId;

const TABLE: &str = "community.quests";

/// A page of the quests on the guild's board, the latest first.
#[kernel::boxed]
pub async fn quest_list(
    pool: &PgPool,
    guild: GuildId,
    query: BoardQuery,
) -> Result<Page<BoardQuest>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, before) = (page.limit()?, page.after()?);
    let wanted = Wanted { status: query.status, claimed_by: query.claimed_by, before, ..Wanted::default() };
    let mut conn = db::acquire(pool).await?;
    let quests = store::list(&mut conn, guild, &wanted, limit).await?;
    Ok(Page::new(quests, limit, |quest| quest.id))
}

/// A quest of the guild, also one that was taken off the board.
pub async fn quest_get(pool: &PgPool, guild: GuildId, quest: BoardQuestId) -> Result<BoardQuest, Error> {
    known(&mut *db::acquire(pool).await?, guild, quest).await
}

/// Posts a quest. Audited; tells `board.quest_posted`.
#[kernel::boxed]
pub async fn quest_create(
    pool: &PgPool,
    guild: GuildId,
    mut new: NewBoardQuest,
    author: Author<'_>,
    repeatable: &Repeatable,
) -> Result<BoardQuest, Error> {
    new.title = fields::line("title", &new.title, 200)?;
    new.description = fields::text("description", &new.description, 10_000)?;
    new.xp_reward.map(|xp| fields::within("xp_reward", xp, 0, 1_000_000)).transpose()?;
    fields::within("gold_reward", new.gold_reward, 0, 1_000_000)?;
    new.claim_hours.map(|hours| fields::within("claim_hours", hours, 1, 8_760)).transpose()?;
    new.expires_at.map(|at| fields::time("expires_at", at)).transpose()?;
    new.github_issue_url = new.github_issue_url.map(|url| issue(&url)).transpose()?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        people::guild_ensure(&mut tx, guild, None).await?;
        let now = db::now(&mut tx).await?;
        if new.expires_at.is_some_and(|at| at <= now) {
            return Err(Error::Invalid("expires_at", "must be in the future".to_owned()));
        }
        let xp = match new.xp_reward {
            Some(xp) => xp,
            None => settings_read::<RewardSettings>(&mut tx, Some(guild)).await?.quest_complete_xp,
        };
        let id = store::insert(&mut tx, guild, &new, xp, author.member()).await?;
        let made = known(&mut tx, guild, id).await?;
        Deed::new("CREATE", TABLE, id.to_string()).after(&made).record(&mut tx, guild, author).await?;
        let payload = json!({
            "quest_id": id, "title": made.title, "xp": made.xp_reward, "gold": made.gold_reward,
            "github_issue_url": made.github_issue_url,
        });
        tell(&mut tx, &made, "board.quest_posted", payload).await?;
        repeatable.carried_out(&mut tx).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Changes a quest that is not done. Audited.
#[kernel::boxed]
pub async fn quest_update(
    pool: &PgPool,
    guild: GuildId,
    quest: BoardQuestId,
    edit: BoardQuestEdit,
    author: Author<'_>,
) -> Result<BoardQuest, Error> {
    let title = edit.title.map(|title| fields::line("title", &title, 200)).transpose()?;
    let description = edit.description.map(|text| fields::text("description", &text, 10_000)).transpose()?;
    edit.xp_reward.map(|xp| fields::within("xp_reward", xp, 0, 1_000_000)).transpose()?;
    edit.gold_reward.map(|gold| fields::within("gold_reward", gold, 0, 1_000_000)).transpose()?;
    edit.claim_hours.flatten().map(|hours| fields::within("claim_hours", hours, 1, 8_760)).transpose()?;
    edit.expires_at.flatten().map(|at| fields::time("expires_at", at)).transpose()?;
    let url = edit.github_issue_url.map(|url| url.map(|url| issue(&url)).transpose()).transpose()?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = locked(&mut tx, guild, quest).await?;
        let after = BoardQuest {
            title: title.clone().unwrap_or_else(|| before.title.clone()),
            description: description.clone().unwrap_or_else(|| before.description.clone()),
            xp_reward: edit.xp_reward.unwrap_or(before.xp_reward),
            gold_reward: edit.gold_reward.unwrap_or(before.gold_reward),
            github_issue_url: url.clone().unwrap_or_else(|| before.github_issue_url.clone()),
            claim_hours: edit.claim_hours.unwrap_or(before.claim_hours),
            expires_at: edit.expires_at.unwrap_or(before.expires_at),
            ..before.clone()
        };
        if after != before {
            check_open(&before)?;
            store::update(&mut tx, &after).await?;
            let deed = Deed::new("UPDATE", TABLE, quest.to_string()).before(&before).after(&after);
            deed.record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Takes a quest off the board; refused while somebody works on it. Doing so again changes nothing. Audited.
#[kernel::boxed]
pub async fn quest_remove(
    pool: &PgPool,
    guild: GuildId,
    quest: BoardQuestId,
    author: Author<'_>,
) -> Result<BoardQuest, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = locked(&mut tx, guild, quest).await?;
        if !before.active {
            return Ok(before);
        }
        if before.status == BoardStatus::Claimed {
            return Err(Error::Refused("somebody works on this quest; release it first".to_owned()));
        }
        let after = BoardQuest { active: false, ..before.clone() };
        store::update(&mut tx, &after).await?;
        let deed = Deed::new("DELETE", TABLE, quest.to_string()).before(&before).after(&after);
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// A member takes a quest on. Of many who ask at once, one gets it. Tells `board.quest_claimed`.
#[kernel::boxed]
pub async fn quest_claim(
    pool: &PgPool,
    guild: GuildId,
    quest: BoardQuestId,
    user: UserId,
) -> Result<BoardQuest, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let member = people::member_known(&mut tx, guild, user).await?;
        if member.is_bot {
            return Err(Error::Refused("bots take on no quests".to_owned()));
        }
        let claimed = store::claim(&mut tx, guild, quest, user).await?;
        let after = known(&mut tx, guild, quest).await?;
        if !claimed {
            return Err(Error::Refused(match (after.status, after.claimed_by) {
                (BoardStatus::Claimed, Some(by)) if by == user => {
                    "you have taken this quest on already".to_owned()
                }
                (BoardStatus::Claimed, _) => "somebody else has taken this quest on".to_owned(),
                (BoardStatus::Complete, _) => "this quest is done".to_owned(),
                (BoardStatus::Open, _) => "this quest is no longer on the board".to_owned(),
            }));
        }
        let payload = json!({ "quest_id": quest, "title": after.title, "user_id": user });
        tell(&mut tx, &after, "board.quest_claimed", payload).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// A member gives up a quest they took on. Tells `board.quest_released`.
#[kernel::boxed]
pub async fn quest_unclaim(
    pool: &PgPool,
    guild: GuildId,
    quest: BoardQuestId,
    user: UserId,
) -> Result<BoardQuest, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = locked(&mut tx, guild, quest).await?;
        if !store::release(&mut tx, guild, quest, Some(user)).await? {
            return Err(Error::Refused("you have not taken this quest on".to_owned()));
        }
        let after = released(&mut tx, &before, user).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// An administrator takes a quest away from whoever took it on. Audited; tells `board.quest_released`.
#[kernel::boxed]
pub async fn quest_release(
    pool: &PgPool,
    guild: GuildId,
    quest: BoardQuestId,
    author: Author<'_>,
) -> Result<BoardQuest, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = locked(&mut tx, guild, quest).await?;
        let Some(user) = before.claimed_by.filter(|_| before.status == BoardStatus::Claimed) else {
            return Err(Error::Refused("nobody works on this quest".to_owned()));
        };
        store::release(&mut tx, guild, quest, None).await?;
        let after = released(&mut tx, &before, user).await?;
        let deed = Deed::new("UPDATE", TABLE, quest.to_string()).before(&before).after(&after);
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Accepts a quest as done and pays whoever took it on, once: its XP and gold, and the guild's stars for a quest. Audited;
/// tells `board.quest_completed`.
#[kernel::boxed]
pub async fn quest_complete(
    pool: &PgPool,
    guild: GuildId,
    quest: BoardQuestId,
    author: Author<'_>,
) -> Result<BoardQuest, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = locked(&mut tx, guild, quest).await?;
        let Some(user) = before.claimed_by.filter(|_| before.status == BoardStatus::Claimed) else {
            let why =
                if before.status == BoardStatus::Complete { "is done" } else { "was taken on by nobody" };
            return Err(Error::Refused(format!("this quest {why}")));
        };
        store::complete(&mut tx, guild, quest, author.member()).await?;
        let stars = settings_read::<RewardSettings>(&mut tx, Some(guild)).await?.quest_complete_stars;
        let grant = Grant {
            guild_id: guild,
            user_id: user,
            xp: Xp::new(before.xp_reward.into()),
            gold: Gold::new(before.gold_reward.into()),
            stars: stars.into(),
            event_type: Event::QuestComplete,
            source_system: "community".to_owned(),
            source_event_id: format!("quest:{quest}"),
            metadata: json!({ "quest_id": quest, "title": before.title }),
        };
        progress::grant(&mut tx, &[grant]).await?;
        let after = known(&mut tx, guild, quest).await?;
        let payload = json!({
            "quest_id": quest, "title": after.title, "user_id": user, "xp": after.xp_reward,
            "gold": after.gold_reward, "stars": stars,
        });
        tell(&mut tx, &after, "board.quest_completed", payload).await?;
        let deed = Deed::new("UPDATE", TABLE, quest.to_string()).before(&before).after(&after);
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

async fn released(conn: &mut PgConnection, before: &BoardQuest, user: UserId) -> Result<BoardQuest, Error> {
    let payload = json!({ "quest_id": before.id, "title": before.title, "user_id": user, "lapsed": false });
    tell(&mut *conn, before, "board.quest_released", payload).await?;
    known(conn, before.guild_id, before.id).await
}

async fn tell(
    conn: &mut PgConnection,
    quest: &BoardQuest,
    event_type: &'static str,
    payload: Value,
) -> Result<(), Error> {
    let event = outbox::Event {
        guild_id: quest.guild_id,
        event_type,
        subject: format!("board/{}", quest.id),
        correlation_id: None,
        user_id: None,
        payload,
    };
    Ok(outbox::emit_one(conn, event).await?)
}

async fn known(conn: &mut PgConnection, guild: GuildId, quest: BoardQuestId) -> Result<BoardQuest, Error> {
    let one = Limit::new(Some(1)).map_err(|_| Error::Unknown("quest"))?;
    let wanted = Wanted { only: Some(quest), with_removed: true, ..Wanted::default() };
    store::list(conn, guild, &wanted, one).await?.pop().ok_or(Error::Unknown("quest"))
}

async fn locked(conn: &mut PgConnection, guild: GuildId, quest: BoardQuestId) -> Result<BoardQuest, Error> {
    if !store::lock(&mut *conn, guild, quest).await? {
        return Err(Error::Unknown("quest"));
    }
    known(conn, guild, quest).await
}

fn check_open(quest: &BoardQuest) -> Result<(), Error> {
    if quest.status == BoardStatus::Complete || !quest.active {
        return Err(Error::Refused("this quest is done, or was taken off the board".to_owned()));
    }
    Ok(())
}

/// `https://github.com/owner/name/issues/7`, or `pull` instead of `issues`.
fn issue(url: &str) -> Result<String, Error> {
    let url = fields::url("github_issue_url", url)?;
    let parts: Vec<&str> = url.strip_prefix("https://github.com/").unwrap_or_default().split('/').collect();
    let named = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match parts[..] {
        [owner, name, "issues" | "pull", number]
            if named(owner)
                && named(name)
                && (1..=18).contains(&number.len())
                && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Ok(url)
        }
        _ => {
            let message =
                "must be an issue or a pull request, such as https://github.com/owner/name/issues/7";
            Err(Error::Invalid("github_issue_url", message.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::issue;

    #[test]
    fn only_issues_and_pull_requests_are_taken() {
        for fine in ["https://github.com/acme/site.rs/issues/7", " https://github.com/a-b/c_d/pull/12 "] {
            assert!(issue(fine).is_ok(), "{fine}");
        }
        for bad in [
            "http://github.com/a/b/issues/7",
            "https://github.com.evil.com/a/b/issues/7",
            "https://github.com/a/b/issues/",
            "https://github.com/a/b/issues/7/x",
            "https://github.com/a/b/wiki/7",
            "https://github.com//b/issues/7",
        ] {
            assert!(issue(bad).is_err(), "{bad}");
        }
    }
}
