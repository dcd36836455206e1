//! What staff do: setting a guild up, campaigns, learning, members, moderation, and what happened.

mod audit;
mod campaign_form;
mod campaigns;
mod cases;
mod challenge;
mod community;
mod deeds;
mod grading;
mod keys;
mod learning;
mod members;
mod moderation;
mod new_guild;
mod overview;
mod roles;
mod settings;
mod sheet;
mod webhooks;

use ::campaigns::ops::Asker;
use access::scope::Scope;
use access::{App, InGuild};
use axum::Router;
use axum::routing::{get, post};
use kernel::{PageQuery, UserId};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Where a list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cursor {
    cursor: Option<String>,
}

impl Cursor {
    fn page(self) -> PageQuery {
        PageQuery { limit: None, cursor: self.cursor }
    }
}

/// Somebody by their id.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Who {
    user_id: UserId,
}

/// Who asks, of a handler's guard.
fn asker<S: Scope>(guild: &InGuild<S>) -> Asker<'_> {
    Asker { by: guild.by(), origin: Some(&guild.origin) }
}

/// Takes the rows out of a list that were left empty: a form has more of them than are filled.
fn without_empty_rows(body: &mut Value, list: &str, is_filled: fn(&Map<String, Value>) -> bool) {
    let Some(body) = body.as_object_mut() else { return };
    let rows =
        body.remove(list).and_then(|rows| if let Value::Array(rows) = rows { Some(rows) } else { None });
    let filled = rows.unwrap_or_default().into_iter().filter(|row| row.as_object().is_some_and(is_filled));
    body.insert(list.to_owned(), filled.collect());
}

pub(super) fn router() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/staff{rest}");
    let campaign = |rest: &str| at(&format!("/campaigns/{{campaign_id}}{rest}"));
    let challenge = |rest: &str| campaign(&format!("/challenges/{{challenge_id}}{rest}"));
    let quest = |rest: &str| at(&format!("/learning/quests/{{quest_id}}{rest}"));
    let path = |rest: &str| at(&format!("/learning/paths/{{path_id}}{rest}"));
    Router::new()
        .route(&at(""), get(overview::show))
        .route(&at("/settings"), get(settings::list))
        .route(&at("/settings/{category}"), get(settings::show).post(settings::change))
        .route(&at("/settings/{category}/{name}/reset"), post(settings::reset))
        .route(&at("/campaigns"), get(campaigns::list))
        .route(&at("/campaigns/new"), get(campaign_form::new).post(campaign_form::create))
        .route(&at("/campaigns/import"), get(campaign_form::import).post(campaign_form::import_new))
        .route(&at("/timers"), get(campaigns::timers))
        .route(&at("/timers/{timer_id}/retry"), post(campaigns::timer_retry))
        .route(&campaign(""), get(campaigns::show))
        .route(&campaign("/edit"), get(campaign_form::edit).post(campaign_form::update))
        .route(&campaign("/import"), get(campaign_form::import_into).post(campaign_form::import_over))
        .route(&campaign("/bundle.json"), get(campaign_form::export))
        .route(&campaign("/publish"), get(deeds::ask_publish).post(deeds::publish))
        .route(&campaign("/start"), get(deeds::ask_start).post(deeds::start))
        .route(&campaign("/close"), get(deeds::ask_close).post(deeds::close))
        .route(&campaign("/open-rewards"), get(deeds::ask_open_rewards).post(deeds::open_rewards))
        .route(&campaign("/cancel"), get(deeds::ask_cancel).post(deeds::cancel))
        .route(&campaign("/delete"), get(deeds::ask_delete).post(deeds::delete))
        .route(&campaign("/registrations"), get(campaigns::registrations))
        .route(&campaign("/submissions"), get(campaigns::submissions))
        .route(&campaign("/claims"), get(campaigns::claims))
        .route(&campaign("/history"), get(campaigns::history))
        .route(&campaign("/testers"), post(campaigns::tester_add))
        .route(&campaign("/testers/remove"), post(campaigns::tester_remove))
        .route(&campaign("/challenges/new"), get(challenge::new).post(challenge::create))
        .route(&challenge(""), get(challenge::edit).post(challenge::update))
        .route(&challenge("/move"), post(challenge::reorder))
        .route(&challenge("/delete"), get(challenge::ask_delete).post(challenge::delete))
        .route(&at("/grading"), get(grading::list))
        .route(&at("/grading/next"), post(grading::next))
        .route(&at("/grading/{submission_id}"), get(grading::show).post(grading::judge))
        .route(&at("/grading/{submission_id}/claim"), post(grading::claim))
        .route(&at("/grading/{submission_id}/release"), post(grading::release))
        .route(&at("/grading/{submission_id}/override"), post(grading::overrule))
        .route(&at("/learning"), get(learning::list))
        .route(&at("/learning/import"), get(learning::import).post(learning::import_now))
        .route(&at("/learning/quests/new"), get(learning::quest_new).post(learning::quest_create))
        .route(&at("/learning/paths/new"), get(learning::path_new).post(learning::path_create))
        .route(&quest(""), get(learning::quest).post(learning::quest_put))
        .route(&quest("/retire"), get(learning::quest_ask_retire).post(learning::quest_retire))
        .route(&path(""), get(learning::path).post(learning::path_put))
        .route(&path("/retire"), get(learning::path_ask_retire).post(learning::path_retire))
        .route(&path("/bundle.json"), get(learning::export))
        .merge(people_and_house())
        .route("/guilds/new", get(new_guild::show).post(new_guild::make))
}

/// Members, moderation, and what lets others in.
fn people_and_house() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/staff{rest}");
    let webhook = |rest: &str| at(&format!("/webhooks/{{webhook_id}}{rest}"));
    Router::new()
        .route(&at("/members"), get(members::list))
        .route(&at("/members/find"), get(members::find))
        .route(&at("/members/{user_id}"), get(members::show))
        .route(&at("/members/{user_id}/award"), post(members::award))
        .route(&at("/members/{user_id}/bytes"), post(members::bytes))
        .route(&at("/roles"), get(roles::list).post(roles::grant))
        .route(&at("/roles/take"), post(roles::take))
        .route(&at("/roles/map"), post(roles::map))
        .route(&at("/roles/unmap"), post(roles::unmap))
        .route(&at("/keys"), get(keys::list).post(keys::create))
        .route(&at("/keys/{key_id}/revoke"), get(keys::ask_revoke).post(keys::revoke))
        .route(&at("/webhooks"), get(webhooks::list).post(webhooks::create))
        .route(&webhook(""), get(webhooks::show).post(webhooks::update))
        .route(&webhook("/ping"), post(webhooks::ping))
        .route(&webhook("/secret"), post(webhooks::rotate))
        .route(&webhook("/replay"), post(webhooks::replay))
        .route(&webhook("/delete"), get(webhooks::ask_delete).post(webhooks::delete))
        .route(&at("/cases"), get(cases::list))
        .route(&at("/cases/new"), get(cases::new).post(cases::create))
        .route(&at("/cases/{case_number}"), get(cases::show).post(cases::change))
        .route(&at("/appeals"), get(moderation::appeals))
        .route(&at("/appeals/{appeal_id}"), get(moderation::appeal).post(moderation::decide))
        .route(&at("/appeals/{appeal_id}/notes"), post(moderation::note))
        .route(&at("/raids"), get(moderation::raids).post(moderation::raid_start))
        .route(&at("/raids/end"), post(moderation::raid_end))
        .route(&at("/raids/{raid_id}/release"), post(moderation::raid_release))
        .route(&at("/automod"), get(moderation::rules))
        .route(&at("/automod/new"), get(moderation::rule_new).post(moderation::rule_create))
        .route(&at("/automod/{rule_id}"), get(moderation::rule).post(moderation::rule_replace))
        .route(&at("/automod/{rule_id}/delete"), post(moderation::rule_delete))
        .route(&at("/audit"), get(audit::list))
        .merge(offers())
}

/// What a guild offers its members.
fn offers() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/staff{rest}");
    let squad = |rest: &str| at(&format!("/squads/{{squad_id}}{rest}"));
    Router::new()
        .route(&at("/squads"), get(community::squads).post(community::squad_create))
        .route(&squad(""), get(community::squad).post(community::squad_update))
        .route(&squad("/assign"), post(community::squad_assign))
        .route(&squad("/remove"), post(community::squad_remove))
        .route(&squad("/retire"), post(community::squad_retire))
        .route(&at("/shop"), get(community::shop).post(community::item_create))
        .route(&at("/shop/{item_id}/remove"), post(community::item_remove))
        .route(&at("/shop/purchases/{purchase_id}/fulfil"), post(community::purchase_fulfil))
        .route(&at("/shop/purchases/{purchase_id}/refund"), post(community::purchase_refund))
        .route(&at("/board"), get(community::board).post(community::board_create))
        .route(&at("/board/{board_quest_id}/complete"), post(community::board_complete))
        .route(&at("/board/{board_quest_id}/release"), post(community::board_release))
        .route(&at("/board/{board_quest_id}/remove"), post(community::board_remove))
        .route(&at("/seasons"), get(community::seasons).post(community::season_create))
        .route(&at("/seasons/{season_id}/end"), get(community::season_ask_end).post(community::season_end))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_that_were_left_empty_are_none() {
        let filled = |row: &Map<String, Value>| row.contains_key("bytes");
        let mut body = json!({ "rewards": [{ "participation": false }, { "bytes": 5 }, null] });
        without_empty_rows(&mut body, "rewards", filled);
        assert_eq!(body, json!({ "rewards": [{ "bytes": 5 }] }));
        let mut body = json!({ "name": "x" });
        without_empty_rows(&mut body, "rewards", filled);
        assert_eq!(body, json!({ "name": "x", "rewards": [] }));
    }
}
