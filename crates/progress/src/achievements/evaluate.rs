//! Granting: from what a batch moved, or from what members hold.

use ::jobs::outbox;
use kernel::{Gold, GuildId, UserId, Xp};
use serde_json::json;
use sqlx::PgConnection;

use super::rules::{Crossing, Thresholds};
use super::store::{self, Granted};
use crate::changes::Changes;
use crate::error::Error;
use crate::model::{Event, Grant};

/// Grants the achievements whose thresholds a batch of events crossed, in the batch's transaction, and pays for them;
/// `retroactive` where the events are so old that it is no news. Returns how many were granted. The members' rows are locked
/// already; where nothing was crossed, the only statement is the one that reads the guild's thresholds.
pub async fn evaluate_batch(
    conn: &mut PgConnection,
    changes: &Changes,
    retroactive: bool,
) -> Result<usize, Error> {
    let guild = changes.guild_id;
    let thresholds = store::thresholds(&mut *conn, guild, None).await?;
    let mut crossings = thresholds.crossings(changes);
    let summed = thresholds.to_be_summed(changes);
    if !summed.is_empty() {
        let users: Vec<i64> = summed.iter().map(|user| user.get()).collect();
        let over_all_seasons = thresholds.iter().filter(|(measure, _, _)| measure.starts_with("total:"));
        let over_all_seasons =
            Thresholds::new(over_all_seasons.map(|(measure, value, id)| (measure.to_owned(), value, id)));
        crossings.extend(store::reached(conn, guild, &over_all_seasons, &users).await?);
    }
    settle(conn, guild, crossings, retroactive).await
}

/// Grants these members whatever they have reached by what they hold now, and pays for it. For XP and stars that come
/// from elsewhere than events; `retroactive` where that is no news, so that nothing is announced. Returns how many were granted.
#[kernel::boxed]
pub async fn evaluate_members(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[UserId],
    retroactive: bool,
) -> Result<usize, Error> {
    let thresholds = store::thresholds(&mut *conn, guild, None).await?;
    if thresholds.is_empty() || users.is_empty() {
        return Ok(0);
    }
    let users: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let crossings = store::reached(conn, guild, &thresholds, &users).await?;
    settle(conn, guild, crossings, retroactive).await
}

/// Grants what these members have reached of the given thresholds, as having been reached before.
pub(super) async fn make_up(
    conn: &mut PgConnection,
    guild: GuildId,
    thresholds: &Thresholds,
    users: &[i64],
) -> Result<usize, Error> {
    let crossings = store::reached(conn, guild, thresholds, users).await?;
    settle(conn, guild, crossings, true).await
}

/// Grants crossings; and since their XP may cross further thresholds, those too, until nothing more is reached.
async fn settle(
    conn: &mut PgConnection,
    guild: GuildId,
    mut crossings: Vec<Crossing>,
    retroactive: bool,
) -> Result<usize, Error> {
    let mut count = 0;
    while !crossings.is_empty() {
        let granted = store::grant(&mut *conn, guild, &crossings, None).await?;
        count += granted.len();
        pay(&mut *conn, guild, &granted, None, retroactive).await?;
        let richer: Vec<i64> = granted.iter().filter(|one| one.xp > 0).map(|one| one.user_id.get()).collect();
        if richer.is_empty() {
            break;
        }
        let thresholds = store::thresholds(&mut *conn, guild, None).await?;
        let of_xp = thresholds.iter().filter(|(measure, _, _)| matches!(*measure, "xp" | "season_xp"));
        let of_xp = Thresholds::new(of_xp.map(|(measure, value, id)| (measure.to_owned(), value, id)));
        crossings = if of_xp.is_empty() {
            Vec::new()
        } else {
            store::reached(&mut *conn, guild, &of_xp, &richer).await?
        };
    }
    Ok(count)
}

/// Grants an achievement by hand; false where the member has it already.
pub(super) async fn by_hand(
    conn: &mut PgConnection,
    guild: GuildId,
    crossing: Crossing,
    by: Option<UserId>,
) -> Result<bool, Error> {
    let granted = store::grant(&mut *conn, guild, &[crossing], by).await?;
    pay(conn, guild, &granted, by, false).await?;
    Ok(!granted.is_empty())
}

/// Pays what was granted just now, and tells everybody.
async fn pay(
    conn: &mut PgConnection,
    guild: GuildId,
    granted: &[Granted],
    by: Option<UserId>,
    retroactive: bool,
) -> Result<(), Error> {
    let grants: Vec<Grant> = granted
        .iter()
        .map(|one| Grant {
            guild_id: guild,
            user_id: one.user_id,
            xp: Xp::new(one.xp.into()),
            gold: Gold::new(one.gold.into()),
            stars: 0,
            event_type: Event::AchievementEarned,
            source_system: "community".to_owned(),
            source_event_id: format!("achievement:{}:{}", one.achievement_id, one.user_id),
            metadata: json!({ "achievement_id": one.achievement_id, "name": one.name }),
        })
        .collect();
    crate::journal::enter(&mut *conn, &grants).await?;
    let events: Vec<outbox::Event> = granted
        .iter()
        .map(|one| outbox::Event {
            guild_id: guild,
            event_type: "achievement.earned",
            subject: format!("members/{}", one.user_id),
            correlation_id: None,
            user_id: None,
            payload: json!({
                "achievement_id": one.achievement_id, "name": one.name, "rarity": one.rarity, "user_id": one.user_id,
                "xp": one.xp, "gold": one.gold, "season_id": one.season_id, "granted_by": by,
                "announce_channel_id": one.announce_channel_id, "retroactive": retroactive,
            }),
        })
        .collect();
    outbox::emit(conn, &events).await?;
    Ok(())
}
