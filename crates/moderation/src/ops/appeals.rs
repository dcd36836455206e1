//! Appeals: by a link that goes out with the direct message, as who is banned cannot reach the bot.

use access::settings::settings_read;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::GuildId;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::CaseId;
use crate::settings::ModerationSettings;
use crate::store::appeals;

/// Makes a link's token for whom a case is about: the guild, a dot, 256 bits by chance. Only its hash is kept.
pub(crate) async fn link_make(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
) -> Result<String, Error> {
    let mut bytes = [0u8; 32];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Error::Database(sqlx::Error::Io(std::io::Error::other(error))))?;
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let settings = settings_read::<ModerationSettings>(conn, Some(guild)).await?;
    appeals::link_insert(conn, guild, case, &hash(&secret), settings.appeal_link_days).await?;
    Ok(format!("{guild}.{secret}"))
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
