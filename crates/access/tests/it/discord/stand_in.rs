//! Who plays Discord's part.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::USER;
use crate::house::{GUILD, OTHER_GUILD};

/// How the stand-in behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Good,
    Silent,
    Broken,
    Garbage,
    Flood,
    Redirecting,
    Busy,
}

#[derive(Clone)]
pub(super) struct StandIn(pub(super) Arc<Mutex<Scene>>);

pub(super) struct Scene {
    pub(super) mood: Mood,
    /// Challenges by code; a code is used once.
    pub(super) codes: HashMap<String, String>,
    pub(super) guilds: Value,
    pub(super) roles: Vec<String>,
    /// The access token that is good.
    pub(super) access: String,
    /// The refresh token that is good, once.
    pub(super) refresh: String,
    /// How often somebody asked who they are.
    pub(super) asked: usize,
}

impl Scene {
    fn granted(&self) -> Value {
        json!({
            "access_token": self.access, "refresh_token": self.refresh, "token_type": "Bearer", "expires_in": 604_800,
        })
    }
}

impl StandIn {
    pub(super) async fn start() -> (Self, String) {
        let scene = Scene {
            mood: Mood::Good,
            codes: HashMap::new(),
            guilds: json!([
                {"id": GUILD.to_string(), "name": "Ours", "owner": false, "permissions": "32"},
                {"id": OTHER_GUILD.to_string(), "name": "Theirs", "owner": false, "permissions": "0"},
                {"id": "5", "name": "Not here", "owner": true, "permissions": "2147483647"},
            ]),
            roles: Vec::new(),
            access: "leave-1".to_owned(),
            refresh: "renewal-1".to_owned(),
            asked: 0,
        };
        let stand_in = Self(Arc::new(Mutex::new(scene)));
        let router = Router::new()
            .route("/api/v10/oauth2/token", post(token))
            .route("/api/v10/users/@me", get(me))
            .route("/api/v10/users/@me/guilds", get(guilds))
            .route("/api/v10/users/@me/guilds/{guild}/member", get(member))
            .with_state(stand_in.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stand_in, url)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Scene)) {
        change(&mut self.0.lock().unwrap());
    }

    /// What the mood answers instead of what was asked.
    async fn disturbed(&self) -> Option<Response> {
        let mood = self.0.lock().unwrap().mood;
        match mood {
            Mood::Good => None,
            Mood::Silent => std::future::pending().await,
            Mood::Broken => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
            Mood::Garbage => Some("<html>\u{fffd}{{".into_response()),
            Mood::Flood => Some(vec![b' '; 2 * 1024 * 1024].into_response()),
            Mood::Redirecting => {
                Some((StatusCode::FOUND, [(header::LOCATION, "http://169.254.169.254/")]).into_response())
            }
            Mood::Busy => Some(StatusCode::TOO_MANY_REQUESTS.into_response()),
        }
    }
}

async fn token(State(stand_in): State<StandIn>, headers: HeaderMap, body: String) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    if let Some(response) = stand_in.disturbed().await {
        return response;
    }
    let basic = base64::engine::general_purpose::STANDARD.encode("our-app:our-secret");
    assert_eq!(headers["authorization"], format!("Basic {basic}"));
    if form["grant_type"] == "refresh_token" {
        let mut scene = stand_in.0.lock().unwrap();
        if form["refresh_token"] != scene.refresh {
            return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
        }
        let number: u32 = scene.refresh.split_once('-').unwrap().1.parse::<u32>().unwrap() + 1;
        scene.access = format!("leave-{number}");
        scene.refresh = format!("renewal-{number}");
        return Json(scene.granted()).into_response();
    }
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["redirect_uri"], "http://localhost:8080/api/v1/auth/callback/discord");
    let challenge = stand_in.0.lock().unwrap().codes.remove(&form["code"]);
    let proof =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if challenge == Some(proof) {
        Json(stand_in.0.lock().unwrap().granted()).into_response()
    } else {
        (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response()
    }
}

async fn me(State(stand_in): State<StandIn>, headers: HeaderMap) -> Response {
    if let Some(response) = stand_in.disturbed().await {
        return response;
    }
    let mut scene = stand_in.0.lock().unwrap();
    scene.asked += 1;
    if headers["authorization"] != format!("Bearer {}", scene.access) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(json!({"id": USER.to_string(), "username": "nelly", "global_name": "Nel\u{202e}ly", "avatar": "face_1"})).into_response()
}

async fn guilds(State(stand_in): State<StandIn>) -> Response {
    Json(stand_in.0.lock().unwrap().guilds.clone()).into_response()
}

async fn member(State(stand_in): State<StandIn>, Path(guild): Path<String>) -> Response {
    assert_eq!(guild, OTHER_GUILD.to_string());
    Json(json!({"roles": stand_in.0.lock().unwrap().roles})).into_response()
}
