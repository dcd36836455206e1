//! Names that are drawn like those of the people who run a guild, or like the service's own, but written otherwise.

use kernel::text::{Name, skeleton};
use kernel::{GuildId, UserId};
use sqlx::PgConnection;

/// Words in which the service and those who run a guild speak.
const RESERVED: [&str; 9] =
    ["Questhall", "Admin", "Administrator", "Moderator", "Owner", "Staff", "System", "Everyone", "Here"];

/// What of the staff's a name imitates, if any: it looks the same and is written with other characters. To be called the same
/// is no imitation: people are. `but` is whose name it is to be, who may be of the staff.
pub async fn imitated(
    conn: &mut PgConnection,
    guild: GuildId,
    name: &Name,
    but: Option<UserId>,
) -> sqlx::Result<Option<String>> {
    // Written plainly, nobody is misled by such a word more than by any other.
    let plain = name.as_str().chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
    if !plain && let Some(word) = RESERVED.iter().find(|word| skeleton(word) == skeleton(name.as_str())) {
        return Ok(Some((*word).to_owned()));
    }
    let staff = sqlx::query_scalar!(
        r#"SELECT DISTINCT k.name AS "name!"
             FROM access.role_grants g
             JOIN people.members m ON m.guild_id = g.guild_id AND m.user_id = g.user_id
             JOIN people.known_as k ON k.guild_id = m.guild_id AND k.user_id = m.user_id
            WHERE g.guild_id = $1 AND g.role IN ('owner', 'admin', 'moderator') AND g.user_id IS DISTINCT FROM $2
              AND (g.expires_at IS NULL OR g.expires_at > now()) AND m.left_at IS NULL"#,
        guild.get(),
        but.map(UserId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(staff.into_iter().find(|staff| name.resembles(staff)))
}
