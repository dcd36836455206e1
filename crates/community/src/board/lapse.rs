//! What lapses: claims whose time is over, quests that leave the board.

use ::jobs::outbox;
use ::jobs::schedule::JobError;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::store;

/// Opens quests whose claim lapsed, and takes those off the board whose time is over and that nobody has taken on. A claim
/// under way keeps its quest on the board. At most a thousand of each in one run.
pub(crate) async fn run(conn: &mut PgConnection) -> Result<Value, JobError> {
    let lapsed = store::lapse(&mut *conn).await?;
    let events: Vec<outbox::Event> = lapsed
        .iter()
        .map(|one| outbox::Event {
            guild_id: one.guild_id,
            event_type: "board.quest_released",
            subject: format!("board/{}", one.id),
            correlation_id: None,
            user_id: None,
            payload: json!({ "quest_id": one.id, "title": one.title, "user_id": one.user_id, "lapsed": true }),
        })
        .collect();
    outbox::emit(&mut *conn, &events).await?;
    let expired = store::expire(conn).await?;
    Ok(json!({ "lapsed": lapsed.len(), "expired": expired }))
}
