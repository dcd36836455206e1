//! What lapses: claims whose time is over, quests that leave the board.

use ::jobs::outbox;
use ::jobs::schedule::JobError;
use kernel::{GuildId, UserId};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::store::{self, Released};

/// Opens quests whose claim lapsed, and takes those off the board whose time is over and that nobody has taken on. A claim
/// under way keeps its quest on the board. At most a thousand of each in one run.
pub(crate) async fn run(conn: &mut PgConnection) -> Result<Value, JobError> {
    let lapsed = store::lapse(&mut *conn).await?;
    tell(&mut *conn, &lapsed, true).await?;
    let expired = store::expire(conn).await?;
    Ok(json!({ "lapsed": lapsed.len(), "expired": expired }))
}

/// Opens the quests that a member works on: somebody who is to be forgotten.
pub(crate) async fn release_all_of(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<(), sqlx::Error> {
    let released = store::release_all_of(&mut *conn, guild, user).await?;
    tell(conn, &released, false).await
}

async fn tell(conn: &mut PgConnection, released: &[Released], lapsed: bool) -> Result<(), sqlx::Error> {
    let events: Vec<outbox::Event> = released
        .iter()
        .map(|one| outbox::Event {
            guild_id: one.guild_id,
            event_type: "board.quest_released",
            subject: format!("board/{}", one.id),
            correlation_id: None,
            user_id: None,
            payload: json!({ "quest_id": one.id, "title": one.title, "user_id": one.user_id, "lapsed": lapsed }),
        })
        .collect();
    outbox::emit(conn, &events).await
}
