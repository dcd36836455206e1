//! What a guild has in common: its leaderboard, squads, board, shop, achievements, seasons.

mod achievements;
mod activity;
mod board;
mod leaderboard;
mod seasons;
mod shop;
mod skill;
mod skills;
mod squads;

use access::App;
use axum::Router;
use axum::routing::{get, post};
use serde::Deserialize;

/// Where a list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cursor {
    cursor: Option<String>,
}

pub(super) fn router() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}{rest}");
    Router::new()
        .route(&at("/leaderboard"), get(leaderboard::show))
        .route(&at("/squads"), get(squads::list))
        .route(&at("/squads/leaving"), get(squads::leaving).post(squads::leave))
        .route(&at("/squads/{squad_id}"), get(squads::show))
        .route(&at("/squads/{squad_id}/joining"), get(squads::joining).post(squads::join))
        .route(&at("/board"), get(board::list))
        .route(&at("/board/{board_quest_id}"), get(board::show))
        .route(&at("/board/{board_quest_id}/claim"), post(board::claim))
        .route(&at("/board/{board_quest_id}/unclaim"), post(board::unclaim))
        .route(&at("/shop"), get(shop::list))
        .route(&at("/shop/{item_id}"), get(shop::show).post(shop::buy))
        .route(&at("/achievements"), get(achievements::list))
        .route(&at("/achievements/{achievement_id}"), get(achievements::show))
        .route(&at("/skills"), get(skills::tree))
        .route(&at("/skills/{skill_id}"), get(skill::show))
        .route(&at("/members/{user_id}/skills"), get(skill::of_member))
        .route(&at("/activity"), get(activity::list))
        .route(&at("/seasons"), get(seasons::list))
        .route(&at("/seasons/{season_id}"), get(seasons::show))
}
