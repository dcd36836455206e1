//! Signing in by Discord: authorization code with PKCE (RFC 7636) and a state that only the browser which began can
//! finish.

use kernel::{Problem, UserId};
use sqlx::{PgConnection, PgPool};
use subtle::ConstantTimeEq as _;

use super::discord::Discord;
use super::following;
use super::provider::{self, Granted, Leave, Oneself};
use super::told::{GuildsKnown, told_by};
use crate::actor::{By, Origin, Person};
use crate::keys::{hash, hex, random};
use crate::problems::SIGN_IN_FAILED;
use crate::roles::{self, FromDiscord};
use crate::sessions::{NewSession, session_end_by_token, session_start};
use crate::vault::Vault;
use crate::web::HttpSettings;

/// For how many minutes a sign-in may be under way.
const MINUTES: i32 = 10;
/// A sign-in that has begun.
pub struct Begun {
    /// Where to send the browser.
    pub location: String,
    /// What the browser is to bring back, in a cookie.
    pub browser_token: String,
}

/// Whether a path is one of ours, whatever a browser makes of it: nobody is sent elsewhere after signing in.
pub fn safe_path(path: &str) -> bool {
    // Browsers read a backslash as a slash and pass over tabs and line feeds; two slashes begin another host.
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 2_000
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

fn redirect_uri(http: &HttpSettings) -> Result<String, Problem> {
    match &http.public_url {
        Some(url) => Ok(format!("{}/api/v1/auth/callback/discord", url.trim_end_matches('/'))),
        None => Err(Problem::internal_message("signing in by Discord needs the setting http.public_url")),
    }
}

/// Begins: remembers what the browser must bring back.
pub async fn start(
    conn: &mut PgConnection,
    http: &HttpSettings,
    discord: &Discord,
    redirect_to: &str,
) -> Result<Begun, Problem> {
    if !safe_path(redirect_to) {
        return Err(Problem::field("redirect_to", "must be a path on this server, such as `/dashboard`"));
    }
    let secret = || random("").map_err(|error| Problem::internal(&error));
    let (state, browser_token, verifier) = (secret()?, secret()?, secret()?);
    sqlx::query!(
        r#"
        INSERT INTO access.oauth_states (state_hash, browser_hash, pkce_verifier, redirect_to, expires_at)
        VALUES ($1, $2, $3, $4, now() + make_interval(mins => $5))
        "#,
        hex(&hash(&state)),
        hex(&hash(&browser_token)),
        verifier,
        redirect_to,
        MINUTES,
    )
    .execute(conn)
    .await?;
    let location = provider::authorize_url(discord, &redirect_uri(http)?, &state, &verifier);
    Ok(Begun { location, browser_token })
}

/// What a browser brings back from Discord.
pub struct Returned<'a> {
    /// The `state` of the address.
    pub state: &'a str,
    /// The `code` of the address.
    pub code: &'a str,
    /// What [`start`] put into its cookie.
    pub browser_token: Option<&'a str>,
    /// The token of the session that it held before, which ends.
    pub old_session: Option<&'a str>,
    /// As it names itself.
    pub user_agent: Option<&'a str>,
}

/// Finishes: asks Discord who it is, re-reads their roles, and begins a session. Returns it, and where to send the browser.
#[kernel::boxed]
pub async fn finish(
    pool: &PgPool,
    http: &HttpSettings,
    discord: &Discord,
    known: &GuildsKnown,
    returned: &Returned<'_>,
    origin: &Origin,
) -> Result<(NewSession, String), Problem> {
    // Used up at once, in a transaction of its own: whatever happens after, it cannot be used again.
    let begun = sqlx::query!(
        r#"
        DELETE FROM access.oauth_states WHERE state_hash = $1
        RETURNING browser_hash, pkce_verifier, redirect_to, expires_at > now() AS "in_time!"
        "#,
        hex(&hash(returned.state)),
    )
    .fetch_optional(&mut *db::acquire(pool).await?)
    .await?
    .filter(|begun| begun.in_time)
    .ok_or_else(|| {
        Problem::new(
            SIGN_IN_FAILED,
            "This sign-in was not begun here, was finished before, or took too long; begin again.",
        )
    })?;
    let browser = hex(&hash(returned.browser_token.unwrap_or_default()));
    if !bool::from(browser.as_bytes().ct_eq(begun.browser_hash.as_bytes())) {
        return Err(Problem::new(
            SIGN_IN_FAILED,
            "This sign-in was begun in another browser; begin again in this one.",
        ));
    }
    let granted =
        provider::exchange(discord, &redirect_uri(http)?, returned.code, &begun.pkce_verifier).await?;
    let told = told_by(pool, &Leave::new(discord, &granted.access_token), known).await?;
    let session = sign_in(pool, &http.vault, &granted, &told, returned, origin).await?;
    Ok((session, begun.redirect_to))
}

async fn sign_in(
    pool: &PgPool,
    vault: &Vault,
    granted: &Granted,
    (oneself, grants): &(Oneself, Vec<FromDiscord>),
    returned: &Returned<'_>,
    origin: &Origin,
) -> Result<NewSession, Problem> {
    let user = oneself.id;
    let mut tx = db::begin(pool).await?;
    introduce(&mut tx, oneself).await?;
    return_to(&mut tx, user, grants).await?;
    roles::follow_discord(&mut tx, By::System, origin, user, grants).await?;
    following::begin(&mut tx, vault, user, granted).await?;
    if let Some(old) = returned.old_session {
        session_end_by_token(&mut tx, old).await?;
    }
    let session = session_start(&mut tx, &Person::User(user), origin, returned.user_agent).await?;
    tx.commit().await?;
    Ok(session)
}

/// Keeps what somebody says they are called. Guilds that they are in show it where they say no other name themselves.
async fn introduce(conn: &mut PgConnection, oneself: &Oneself) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO people.users AS u (id, discord_name, discord_avatar_hash) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT pk_users DO UPDATE
            SET discord_name = excluded.discord_name, discord_avatar_hash = excluded.discord_avatar_hash
          WHERE (u.discord_name, u.discord_avatar_hash)
                IS DISTINCT FROM (excluded.discord_name, excluded.discord_avatar_hash)",
        oneself.id.get(),
        oneself.name(),
        oneself.avatar(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Discord says where somebody is: who left there, as far as was known, and came back without anybody telling us is back.
async fn return_to(conn: &mut PgConnection, user: UserId, there: &[FromDiscord]) -> sqlx::Result<()> {
    let there: Vec<i64> = there.iter().map(|one| one.guild.get()).collect();
    let gone = sqlx::query_scalar!(
        "SELECT guild_id FROM people.members WHERE user_id = $1 AND guild_id = ANY ($2) AND left_at IS NOT NULL ORDER BY guild_id",
        user.get(),
        &there,
    )
    .fetch_all(&mut *conn)
    .await?;
    // Guild by guild, in their order, as everybody takes them.
    for guild in gone {
        sqlx::query!(
            "UPDATE people.members SET left_at = NULL, joined_at = now()
              WHERE guild_id = $1 AND user_id = $2 AND left_at IS NOT NULL",
            guild,
            user.get(),
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for good in ["/", "/dashboard", "/a?b=c#d", "/a//b"] {
            assert!(safe_path(good), "{good}");
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "evil",
            "/ü",
            " /",
        ] {
            assert!(!safe_path(bad), "{bad:?}");
        }
        assert!(!safe_path(&format!("/{}", "a".repeat(2_000))));
    }
}
