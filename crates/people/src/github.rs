//! The GitHub account of a person, as they say it themselves: nobody else says it for them, and nothing is given for it.

use kernel::UserId;
use kernel::fields::Wrong;
use sqlx::{PgConnection, PgPool};

use crate::error::Error;

/// Names a person's GitHub account, or none; answers what is kept now. The person must be known.
pub async fn github_link(pool: &PgPool, user: UserId, name: Option<&str>) -> Result<Option<String>, Error> {
    let name = name.map(|name| name.trim().trim_start_matches('@')).filter(|name| !name.is_empty());
    if let Some(name) = name {
        check(name)?;
    }
    let mut conn = db::acquire(pool).await?;
    let done = sqlx::query!("UPDATE people.users SET github_username = $2 WHERE id = $1", user.get(), name)
        .execute(&mut *conn)
        .await?;
    if done.rows_affected() == 0 {
        return Err(Error::UnknownMember(user));
    }
    Ok(name.map(str::to_owned))
}

/// A person's GitHub account, if they named one.
pub async fn github_get(conn: &mut PgConnection, user: UserId) -> Result<Option<String>, Error> {
    let row = sqlx::query_scalar!("SELECT github_username FROM people.users WHERE id = $1", user.get())
        .fetch_optional(conn)
        .await?;
    Ok(row.flatten())
}

/// GitHub's own rule for names.
fn check(name: &str) -> Result<(), Wrong> {
    let fits = name.len() <= 39
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--");
    if fits {
        return Ok(());
    }
    Err(Wrong::new("name", "must be a name as GitHub has it: up to 39 letters, digits and single hyphens"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_github_gives() {
        for fine in ["ada", "Ada-Lovelace-1815", "a", &"x".repeat(39)] {
            assert!(check(fine).is_ok(), "{fine}");
        }
        for bad in ["-ada", "ada-", "a--b", "a_b", "a b", "ada/../x", "\u{430}da", &"x".repeat(40)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
