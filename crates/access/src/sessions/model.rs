//! A session as its holder sees it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A session, as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionInfo {
    /// Identifier.
    pub id: Uuid,
    /// Where it began.
    pub ip_address: Option<String>,
    /// The browser, as it names itself.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A session that has begun, with what its holder needs to use it.
pub struct NewSession {
    /// The session.
    pub info: SessionInfo,
    /// For the cookie.
    pub token: String,
    /// For the header of unsafe requests.
    pub csrf_token: String,
}
