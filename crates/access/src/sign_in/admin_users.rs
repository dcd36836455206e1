//! Local administrators: for development, and never counted outside of it.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, PasswordHash};
use chrono::{DateTime, Utc};
use kernel::Problem;
use kernel::problem::FORBIDDEN;
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::actor::{By, Person};
use crate::audit::{self, AuditEntry};
use crate::problems::SIGN_IN_FAILED;

/// The shortest password.
const MIN_PASSWORD: usize = 12;
/// The longest: hashing it must not take for ever.
const MAX_PASSWORD: usize = 200;
/// Passwords hashed at once; each takes 19 MiB and some 30 ms of processor time.
static HASHING: Semaphore = Semaphore::const_new(2);

/// What a password is compared with where nobody has the name: that costs the same time as a wrong one.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

/// A local administrator, without the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdminUser {
    /// Identifier.
    pub id: Uuid,
    /// Sign-in name.
    pub username: String,
    /// False when they may not sign in.
    pub is_active: bool,
    /// When they last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// When they were made.
    pub created_at: DateTime<Utc>,
}

/// Why an administrator could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nobody has this name.
    #[error("there is no local administrator of this name")]
    NotFound,
    /// Somebody has this name.
    #[error("there is a local administrator of this name already")]
    Taken,
    /// A name that cannot be.
    #[error("a name has 1 to 50 characters, lower case, without blanks around it")]
    Name,
    /// A password that cannot be.
    #[error("a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")]
    Password,
    /// It could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for AdminError {
    fn from(error: sqlx::Error) -> Self {
        match db::constraint(&error) {
            Some("uq_admin_users_username") => Self::Taken,
            Some("ck_admin_users_username") => Self::Name,
            _ => Self::Database(error),
        }
    }
}

/// Makes a local administrator.
pub async fn admin_user_create(
    conn: &mut PgConnection,
    by: By<'_>,
    username: &str,
    password: &str,
) -> Result<AdminUser, AdminError> {
    let hash = hashed(password).await?;
    let user = sqlx::query_as!(
        AdminUser,
        r#"
        INSERT INTO access.admin_users (username, password_hash) VALUES ($1, $2)
        RETURNING id, username, is_active, last_login_at, created_at
        "#,
        username,
        hash,
    )
    .fetch_one(&mut *conn)
    .await?;
    record(conn, by, "CREATE", None, &user).await?;
    Ok(user)
}

/// All local administrators, by name; there are few.
pub async fn admin_user_list(conn: &mut PgConnection) -> Result<Vec<AdminUser>, AdminError> {
    Ok(sqlx::query_as!(
        AdminUser,
        "SELECT id, username, is_active, last_login_at, created_at FROM access.admin_users ORDER BY username"
    )
    .fetch_all(conn)
    .await?)
}

/// Lets somebody sign in or not any more. Their sessions stop within a second when they may not.
pub async fn admin_user_activate(
    conn: &mut PgConnection,
    by: By<'_>,
    username: &str,
    active: bool,
) -> Result<AdminUser, AdminError> {
    let before = find(conn, username).await?;
    let user = sqlx::query_as!(
        AdminUser,
        r#"
        UPDATE access.admin_users SET is_active = $2 WHERE id = $1
        RETURNING id, username, is_active, last_login_at, created_at
        "#,
        before.id,
        active,
    )
    .fetch_one(&mut *conn)
    .await?;
    if before.is_active != active {
        record(conn, by, "UPDATE", Some(&before), &user).await?;
    }
    Ok(user)
}

/// Gives somebody another password, and ends their sessions.
pub async fn admin_user_password(
    conn: &mut PgConnection,
    by: By<'_>,
    username: &str,
    password: &str,
) -> Result<AdminUser, AdminError> {
    let hash = hashed(password).await?;
    let before = find(conn, username).await?;
    sqlx::query!("UPDATE access.admin_users SET password_hash = $2 WHERE id = $1", before.id, hash)
        .execute(&mut *conn)
        .await?;
    let person = Person::Admin { id: before.id, username: before.username.as_str().into() };
    crate::sessions::session_end_all(conn, &person)
        .await
        .map_err(|problem| AdminError::Hash(problem.to_string()))?;
    record(conn, by, "ROTATE", Some(&before), &before).await?;
    Ok(before)
}

/// Who signs in with this name and password. In development only.
pub async fn admin_user_sign_in(
    conn: &mut PgConnection,
    development: bool,
    username: &str,
    password: &str,
) -> Result<Person, Problem> {
    if !development {
        return Err(Problem::new(
            FORBIDDEN,
            "Signing in with a local name and password is for development; this server runs without \
             `auth.development = true`. Sign in by Discord at /api/v1/auth/login/discord.",
        ));
    }
    let row = sqlx::query!(
        r#"SELECT id, username, password_hash FROM access.admin_users WHERE username = $1 AND is_active"#,
        username,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let stored = row.as_ref().and_then(|row| row.password_hash.clone());
    let password = password.chars().take(MAX_PASSWORD + 1).collect::<String>();
    let known = stored.is_some();
    let good = off_the_runtime(move || {
        let stored = stored.unwrap_or_else(|| NOBODY.clone());
        PasswordHash::new(&stored)
            .is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
    })
    .await
    .map_err(|error| Problem::internal_message(&error))?;
    match row {
        Some(row) if good && known => {
            sqlx::query!("UPDATE access.admin_users SET last_login_at = now() WHERE id = $1", row.id)
                .execute(conn)
                .await?;
            Ok(Person::Admin { id: row.id, username: row.username.into() })
        }
        _ => Err(Problem::new(SIGN_IN_FAILED, "There is no such name, or it has another password.")),
    }
}

async fn find(conn: &mut PgConnection, username: &str) -> Result<AdminUser, AdminError> {
    sqlx::query_as!(
        AdminUser,
        r#"
        SELECT id, username, is_active, last_login_at, created_at FROM access.admin_users
        WHERE username = $1 FOR NO KEY UPDATE
        "#,
        username,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(AdminError::NotFound)
}

async fn hashed(password: &str) -> Result<String, AdminError> {
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.chars().count()) {
        return Err(AdminError::Password);
    }
    let password = password.to_owned();
    off_the_runtime(move || hash_now(&password)).await.and_then(|hash| hash).map_err(AdminError::Hash)
}

/// Argon2id with the parameters that OWASP recommends, which are the crate's defaults: 19 MiB, two passes.
fn hash_now(password: &str) -> Result<String, String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

/// Slow work on a thread where nobody waits behind it.
async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let _turn = HASHING.acquire().await.map_err(|error| error.to_string())?;
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
}

async fn record(
    conn: &mut PgConnection,
    by: By<'_>,
    action: &'static str,
    before: Option<&AdminUser>,
    after: &AdminUser,
) -> Result<(), AdminError> {
    let entry = AuditEntry {
        before: before.map(|user| json!(user)),
        after: Some(json!(after)),
        ..AuditEntry::new(None, by, action, "access.admin_users", after.id.to_string())
    };
    Ok(audit::record(conn, &entry).await?)
}
