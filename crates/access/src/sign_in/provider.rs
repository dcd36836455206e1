//! What is asked of Discord, and what of its answers is believed.

use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::Full;
use kernel::{GuildId, Problem, UserId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::discord::Discord;
use super::https::{self, CallError};
use crate::problems::{SIGN_IN_FAILED, SIGN_IN_UNAVAILABLE};

/// What people are asked to let us see: who they are, their guilds, their roles in those.
const SCOPES: &str = "identify guilds guilds.members.read";
/// `ADMINISTRATOR` and `MANAGE_GUILD`, by Discord's documentation of permissions.
const MANAGES: u64 = 1 << 3 | 1 << 5;

/// A guild that somebody is in, by Discord's word.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Membership {
    #[serde(rename = "id")]
    pub(super) guild_id: GuildId,
    #[serde(default)]
    pub(super) owner: bool,
    #[serde(default)]
    permissions: String,
}

impl Membership {
    /// Whether they may manage the server.
    pub(super) fn manages(&self) -> bool {
        self.permissions.parse::<u64>().is_ok_and(|bits| bits & MANAGES != 0)
    }
}

/// Who somebody is, by their own word to Discord.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Oneself {
    /// The person.
    pub(super) id: UserId,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    global_name: Option<String>,
    /// The hash of their avatar.
    #[serde(default)]
    avatar: Option<String>,
}

impl Oneself {
    /// The name that they want to be called by, as far as it can be shown.
    pub(super) fn name(&self) -> Option<String> {
        let given = self.global_name.as_deref().or(self.username.as_deref());
        given.and_then(|name| kernel::text::cleaned(name, 100))
    }

    /// The hash of their avatar, if it is one.
    pub(super) fn avatar(&self) -> Option<&str> {
        let is_hash = |hash: &&str| {
            (1..=100).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        self.avatar.as_deref().filter(is_hash)
    }
}

/// What Discord grants: leave to ask about somebody, and to renew it.
#[derive(Deserialize)]
pub(super) struct Granted {
    pub(super) access_token: String,
    token_type: String,
    #[serde(default)]
    pub(super) refresh_token: Option<String>,
    /// For how many seconds the access token is good.
    #[serde(default)]
    pub(super) expires_in: i64,
}

/// Leave to ask about somebody.
pub(super) struct Leave<'a> {
    discord: &'a Discord,
    token: &'a str,
}

/// Where a browser is sent to sign in.
pub(super) fn authorize_url(discord: &Discord, redirect_uri: &str, state: &str, verifier: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &discord.client_id)
        .append_pair("scope", SCOPES)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("prompt", "none")
        .finish();
    format!("{}/oauth2/authorize?{query}", discord.base_url.trim_end_matches('/'))
}

/// Changes the code that the browser brought for leave to ask. Refused, it is a `sign-in-failed`.
pub(super) async fn exchange(
    discord: &Discord,
    redirect_uri: &str,
    code: &str,
    verifier: &str,
) -> Result<Granted, Problem> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("code_verifier", verifier)
        .finish();
    grant(discord, form).await
}

/// Renews leave. Refused, because it was taken back or used before, it is a `sign-in-failed`.
pub(super) async fn renew(discord: &Discord, refresh_token: &str) -> Result<Granted, Problem> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("refresh_token", refresh_token)
        .finish();
    grant(discord, form).await
}

async fn grant(discord: &Discord, form: String) -> Result<Granted, Problem> {
    let basic = STANDARD.encode(format!("{}:{}", discord.client_id, discord.client_secret));
    let request = request(discord, Method::POST, "/api/v10/oauth2/token", &format!("Basic {basic}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(form)));
    let (status, body) = answered(request).await?;
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        // An old or used code, or settings that Discord does not know: the log tells which.
        tracing::warn!(%status, body = %String::from_utf8_lossy(&body[..body.len().min(300)]), "Discord grants nothing");
        return Err(Problem::new(
            SIGN_IN_FAILED,
            "Discord did not accept the code that your browser brought; sign in again.",
        ));
    }
    let granted: Granted = read(status, &body)?;
    if !granted.token_type.eq_ignore_ascii_case("bearer") {
        return Err(nonsense("a token of an unknown type"));
    }
    Ok(granted)
}

impl<'a> Leave<'a> {
    pub(super) fn new(discord: &'a Discord, token: &'a str) -> Self {
        Self { discord, token }
    }

    /// Who they are.
    pub(super) async fn user(&self) -> Result<Oneself, Problem> {
        self.get("/api/v10/users/@me").await
    }

    /// Which guilds they are in.
    pub(super) async fn guilds(&self) -> Result<Vec<Membership>, Problem> {
        self.get("/api/v10/users/@me/guilds").await
    }

    /// Which of Discord's roles they have in a guild.
    pub(super) async fn roles(&self, guild: GuildId) -> Result<Vec<i64>, Problem> {
        #[derive(Deserialize)]
        struct Answer {
            roles: Vec<GuildId>,
        }
        let answer: Answer = self.get(&format!("/api/v10/users/@me/guilds/{guild}/member")).await?;
        Ok(answer.roles.into_iter().map(GuildId::get).collect())
    }

    /// A `sign-in-failed` where the leave is no good any more.
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        let request = request(self.discord, Method::GET, path, &format!("Bearer {}", self.token));
        let (status, body) = answered(request.body(Full::default())).await?;
        if status == StatusCode::UNAUTHORIZED {
            return Err(Problem::new(
                SIGN_IN_FAILED,
                "Discord does not let us ask about you; sign in again.",
            ));
        }
        read(status, &body)
    }
}

fn request(
    discord: &Discord,
    method: Method,
    path: &str,
    authorization: &str,
) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("{}{path}", discord.base_url.trim_end_matches('/')))
        .header(header::AUTHORIZATION, authorization)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("Questhall (", env!("CARGO_PKG_VERSION"), ")"))
}

#[kernel::boxed]
async fn answered(
    request: Result<Request<Full<Bytes>>, axum::http::Error>,
) -> Result<(StatusCode, Bytes), Problem> {
    let outcome = match request {
        Ok(request) => https::call(request).await,
        Err(_) => Err(CallError::Address),
    };
    outcome.map_err(|error| {
        tracing::warn!(%error, "Discord does not answer");
        Problem::new(SIGN_IN_UNAVAILABLE, "Discord does not answer; try again in a moment.")
            .retry_after(std::time::Duration::from_secs(5))
    })
}

fn read<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, Problem> {
    if !status.is_success() {
        return Err(nonsense(&format!("status {status}")));
    }
    serde_json::from_slice(body).map_err(|error| nonsense(&error.to_string()))
}

fn nonsense(what: &str) -> Problem {
    tracing::warn!(what, "Discord answers what cannot be used");
    Problem::new(
        SIGN_IN_UNAVAILABLE,
        "Discord answered something that cannot be used; try again in a moment.",
    )
    .retry_after(std::time::Duration::from_secs(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_manage_the_server_is_told_by_two_bits() {
        let with = |permissions: &str| Membership {
            guild_id: GuildId::new(1),
            owner: false,
            permissions: permissions.to_owned(),
        };
        assert!(with("32").manages() && with("8").manages() && with("2147483647").manages());
        for not in ["0", "16", "", "many", "-1"] {
            assert!(!with(not).manages(), "{not}");
        }
    }
}
