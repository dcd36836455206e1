//! Guilds as commands name them.

use kernel::GuildId;
use people::heading::guild_names;
use sqlx::PgPool;

use crate::failure::{Code, Failure};

/// So many guilds are told to who named none of them.
const TOLD: usize = 10;

/// Refuses a guild that nobody here knows: mostly its number is mistyped, and what is brought into it would be nobody's. With `new`
/// whoever names it means it.
pub(crate) async fn ensure_known(pool: &PgPool, guild: GuildId, new: bool) -> Result<(), Failure> {
    if new {
        return Ok(());
    }
    let known = people::guilds_known(&mut *db::acquire(pool).await?, &[guild]).await?;
    if !known.is_empty() {
        return Ok(());
    }
    let names = guild_names(pool, None).await?;
    let told: Vec<String> =
        names.iter().take(TOLD).map(|known| format!("{} ({})", known.guild_id, known.name)).collect();
    let known = match (told.is_empty(), names.len() > TOLD) {
        (true, _) => "no guild is, yet".to_owned(),
        (false, false) => format!("known are {}", told.join(", ")),
        (false, true) => format!("known are {} and others", told.join(", ")),
    };
    Err(Failure::new(
        Code::Refused,
        format!("guild {guild} is not known here: {known}. If it is the one that you mean, add --new-guild"),
    ))
}
