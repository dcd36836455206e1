//! Pages for staff: settings, campaigns, learning, members, moderation, what happened, and the installation for those who run it.
//!
//! As members' pages they have no SQL and no rule; most of them are a `sheet`: what there is, in tables and forms.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "templates lend what they pass, however small it is")]

mod achievements;
mod announcements;
mod audit;
mod automod;
mod automod_kinds;
mod automod_native;
mod banks;
mod board;
mod bundles;
mod campaign_figures;
mod campaign_form;
mod campaigns;
mod cases;
mod categories;
mod challenge;
mod credentials;
mod deeds;
mod earnings;
mod economy;
mod effects;
mod extensions;
mod figures;
mod grading;
mod hits;
mod in_step;
mod inputs;
mod installation;
mod journal;
mod keys;
mod kinds;
mod lake;
mod learning;
mod member_data;
mod members;
mod moderation;
mod multipliers;
mod names;
mod overlay;
mod overview;
mod path_form;
mod quest_form;
mod regrades;
mod rehearsal;
mod roles;
mod seasons;
mod settings;
mod setup;
mod sheet;
mod shelf;
mod shop;
mod skills;
mod squads;
mod told;
mod webhooks;
mod what_if;

use ::campaigns::ops::Asker;
use access::scope::Scope;
use access::{App, InGuild};
use axum::Router;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use kernel::{PageQuery, Problem, UserId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use frame::decode::{Typed, read_value};

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

/// An edit of something that has times, without those that stand there as they are stored: a form shows no seconds, and would move
/// them.
fn timed_edit<T: DeserializeOwned>(
    typed: &Typed,
    stored: &[(&str, Option<&DateTime<Utc>>)],
) -> Result<T, Problem> {
    let mut body = typed.json()?;
    for (name, at) in stored {
        let Some(shown) = at.map(|at| at.format("%Y-%m-%dT%H:%M").to_string()) else { continue };
        if let Some(body) = body.as_object_mut()
            && body.get(*name).and_then(Value::as_str).is_some_and(|typed| typed.starts_with(&shown))
        {
            body.remove(*name);
        }
    }
    read_value(&body)
}

/// The pages, under `/g/{guild_id}/staff`.
pub fn router() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/staff{rest}");
    let campaign = |rest: &str| at(&format!("/campaigns/{{campaign_id}}{rest}"));
    let challenge = |rest: &str| campaign(&format!("/challenges/{{challenge_id}}{rest}"));
    let quest = |rest: &str| at(&format!("/learning/quests/{{quest_id}}{rest}"));
    let path = |rest: &str| at(&format!("/learning/paths/{{path_id}}{rest}"));
    Router::new()
        .route(&at(""), get(overview::show))
        .route(&at("/settings"), get(settings::list))
        .route(&at("/settings/{category}"), get(settings::show).post(settings::change))
        .route(&at("/settings/{category}/undo"), post(settings::undo_change))
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
        .route(&campaign("/figures"), get(campaign_figures::show))
        .route(&campaign("/rehearsal"), get(rehearsal::show))
        .route(&campaign("/testers"), post(campaigns::tester_add))
        .route(&campaign("/testers/remove"), post(campaigns::tester_remove))
        .route(&campaign("/challenges/new"), get(challenge::new).post(challenge::create))
        .route(&challenge(""), get(challenge::edit).post(challenge::update))
        .route(&challenge("/inputs"), get(inputs::list))
        .route(&challenge("/inputs/{participant_id}"), get(inputs::show))
        .route(&challenge("/move"), post(challenge::reorder))
        .route(&challenge("/delete"), get(challenge::ask_delete).post(challenge::delete))
        .route(&at("/grading"), get(grading::list))
        .route(&at("/grading/next"), post(grading::next))
        .route(&at("/grading/{submission_id}"), get(grading::show).post(grading::judge))
        .route(&at("/grading/{submission_id}/claim"), post(grading::claim))
        .route(&at("/grading/{submission_id}/release"), post(grading::release))
        .route(&at("/grading/{submission_id}/override"), post(grading::overrule))
        .route(&at("/learning"), get(learning::list))
        .route(&at("/learning/import"), get(bundles::import).post(bundles::import_now))
        .route(&at("/learning/quests/new"), get(learning::quest_new).post(learning::quest_create))
        .route(&at("/learning/paths/new"), get(learning::path_new).post(learning::path_create))
        .route(&quest(""), get(learning::quest).post(learning::quest_put))
        .route(&quest("/retire"), get(learning::quest_ask_retire).post(learning::quest_retire))
        .route(&path(""), get(learning::path).post(learning::path_put))
        .route(&path("/retire"), get(learning::path_ask_retire).post(learning::path_retire))
        .route(&path("/bundle.json"), get(bundles::export))
        .merge(people_and_house())
}

/// Members, moderation, and what lets others in.
fn people_and_house() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/staff{rest}");
    let webhook = |rest: &str| at(&format!("/webhooks/{{webhook_id}}{rest}"));
    Router::new()
        .route(&at("/members"), get(members::list))
        .route(&at("/members/new"), get(member_data::new).post(member_data::create))
        .route(&at("/members/import"), get(member_data::import).post(member_data::import_now))
        .route(&at("/members/{user_id}"), get(members::show))
        .route(&at("/members/{user_id}/data"), get(member_data::data).post(member_data::update))
        .route(&at("/members/{user_id}/export"), post(member_data::export))
        .route(&at("/members/{user_id}/erasure"), get(member_data::ask_erase).post(member_data::erase))
        .route(&at("/members/{user_id}/award"), post(members::award))
        .route(&at("/members/{user_id}/bytes"), post(members::bytes))
        .route(&at("/roles"), get(roles::list).post(roles::grant))
        .route(&at("/roles/take"), post(roles::take))
        .route(&at("/roles/map"), post(roles::map))
        .route(&at("/roles/unmap"), post(roles::unmap))
        .route(&at("/keys"), get(keys::list).post(keys::create))
        .route(&at("/keys/{key_id}/rotate"), get(keys::ask_rotate).post(keys::rotate))
        .route(&at("/keys/{key_id}/revoke"), get(keys::ask_revoke).post(keys::revoke))
        .route(&at("/webhooks"), get(webhooks::list).post(webhooks::create))
        .route(&webhook(""), get(webhooks::show).post(webhooks::update))
        .route(&webhook("/ping"), post(webhooks::ping))
        .route(&webhook("/secret"), post(webhooks::rotate))
        .route(&webhook("/replay"), post(webhooks::replay))
        .route(&webhook("/delete"), get(webhooks::ask_delete).post(webhooks::delete))
        .route(&at("/cases"), get(cases::list))
        .route(&at("/cases.csv"), get(cases::export))
        .route(&at("/cases/new"), get(cases::new).post(cases::create))
        .route(&at("/cases/{case_number}/evidence"), post(cases::evidence_add))
        .route(&at("/cases/{case_number}/evidence/{evidence_id}/remove"), post(cases::evidence_remove))
        .route(&at("/cases/{case_number}"), get(cases::show).post(cases::change))
        .route(&at("/appeals"), get(moderation::appeals))
        .route(&at("/appeals/{appeal_id}"), get(moderation::appeal).post(moderation::decide))
        .route(&at("/appeals/{appeal_id}/notes"), post(moderation::note))
        .route(&at("/raids"), get(moderation::raids).post(moderation::raid_start))
        .route(&at("/raids/end"), post(moderation::raid_end))
        .route(&at("/raids/{raid_id}/release"), post(moderation::raid_release))
        .route(&at("/automod"), get(automod::list))
        .route(&at("/automod/native"), get(automod_native::show).post(automod_native::start))
        .route(&at("/automod/native/stop"), post(automod_native::stop))
        .route(&at("/automod/new"), get(automod::new).post(automod::create))
        .route(&at("/automod/{rule_id}"), get(automod::show).post(automod::replace))
        .route(&at("/automod/{rule_id}/delete"), get(automod::ask_delete).post(automod::delete))
        .route(&at("/hits"), get(hits::list))
        .route(&at("/statistics"), get(hits::statistics))
        .route(&at("/escalations"), get(hits::escalations).post(hits::escalation_create))
        .route(&at("/escalations/{escalation_id}"), get(hits::escalation).post(hits::escalation_replace))
        .route(&at("/escalations/{escalation_id}/delete"), post(hits::escalation_delete))
        .route(&at("/audit"), get(audit::list))
        .merge(offers())
}

/// What a guild offers its members.
fn offers() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/staff{rest}");
    let squad = |rest: &str| at(&format!("/squads/{{squad_id}}{rest}"));
    let item = |rest: &str| at(&format!("/shop/{{item_id}}{rest}"));
    let purchase = |rest: &str| at(&format!("/shop/purchases/{{purchase_id}}{rest}"));
    let quest = |rest: &str| at(&format!("/board/{{board_quest_id}}{rest}"));
    let season = |rest: &str| at(&format!("/seasons/{{season_id}}{rest}"));
    let achievement = |rest: &str| at(&format!("/achievements/{{achievement_id}}{rest}"));
    Router::new()
        .route(&at("/squads"), get(squads::list).post(squads::create))
        .route(&squad(""), get(squads::show).post(squads::update))
        .route(&squad("/assign"), post(squads::assign))
        .route(&squad("/remove"), post(squads::remove))
        .route(&squad("/retire"), post(squads::retire))
        .route(&at("/shop"), get(shop::list).post(shop::create))
        .route(&item(""), get(shop::item).post(shop::item_update))
        .route(&at("/shop/purchases"), get(shop::purchases))
        .route(&purchase(""), get(shop::purchase))
        .route(&purchase("/fulfil"), post(shop::purchase_fulfil))
        .route(&purchase("/refund"), post(shop::purchase_refund))
        .route(&at("/board"), get(board::list).post(board::create))
        .route(&quest(""), get(board::show).post(board::update))
        .route(&quest("/complete"), post(board::complete))
        .route(&quest("/release"), post(board::release))
        .route(&quest("/remove"), post(board::remove))
        .route(&at("/seasons"), get(seasons::list).post(seasons::create))
        .route(&season(""), get(seasons::show).post(seasons::update))
        .route(&season("/end"), get(seasons::ask_end).post(seasons::end))
        .route(&season("/delete"), get(seasons::ask_delete).post(seasons::delete))
        .route(&at("/achievements"), get(achievements::list).post(achievements::create))
        .route(&achievement(""), get(achievements::show).post(achievements::update))
        .route(&achievement("/grant"), post(achievements::grant))
        .route(&achievement("/revoke"), get(achievements::ask_revoke).post(achievements::revoke))
        .route(&at("/announcements"), get(announcements::list).post(announcements::create))
        .route(&at("/announcements/channels"), get(announcements::channels).post(announcements::choose))
        .route(&at("/announcements/{announcement_id}/cancel"), post(announcements::cancel))
        .merge(rewards())
}

/// What things done on Discord are worth.
fn rewards() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/staff{rest}");
    let category = |rest: &str| at(&format!("/categories/{{category_id}}{rest}"));
    let multiplier = |rest: &str| at(&format!("/multipliers/{{event_id}}{rest}"));
    Router::new()
        .route(&at("/categories"), get(categories::list).post(categories::create))
        .route(&category(""), get(categories::show).post(categories::update))
        .route(&category("/remove"), post(categories::remove))
        .route(&at("/multipliers"), get(multipliers::list).post(multipliers::create))
        .route(&multiplier(""), get(multipliers::show).post(multipliers::update))
        .route(&multiplier("/call-off"), get(multipliers::ask_call_off).post(multipliers::call_off))
        .route(&at("/earnings"), get(earnings::show))
        .route(&at("/what-if"), get(what_if::show))
        .route(&at("/lake"), get(lake::events))
        .route(&at("/lake/health"), get(lake::health))
        .route(&at("/days"), get(lake::days))
        .route(&at("/journal"), get(journal::show))
        .route(&at("/effects"), get(effects::list))
        .route(&at("/effects/{discord_effect_id}/retry"), post(effects::retry))
        .route(&at("/discord"), get(setup::show).post(setup::start))
        .route(&at("/discord/stop"), post(setup::stop))
        .route(&at("/undone"), get(effects::undone))
        .route(&at("/undone/{effect_id}/again"), post(effects::send_again))
        .merge(economy_and_skills())
        .merge(learners())
        .merge(whole())
}

/// The currency, skills, and what can be shown to others.
fn economy_and_skills() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/staff{rest}");
    let skill = |rest: &str| at(&format!("/skills/{{skill_id}}{rest}"));
    let badge = |rest: &str| at(&format!("/badges/{{badge_id}}{rest}"));
    Router::new()
        .route(&at("/economy"), get(economy::config).post(economy::config_put))
        .route(&at("/economy/reports"), get(economy::report_list).post(economy::report_make))
        .route(&at("/economy/reports/{day}"), get(economy::report))
        .route(&at("/economy/ledger"), get(economy::ledger))
        .route(&at("/economy/transactions.csv"), get(economy::export))
        .route(&at("/skills"), get(skills::list).post(skills::create))
        .route(&skill(""), get(skills::show).post(skills::update))
        .route(&at("/badges"), get(credentials::badges).post(credentials::badge_create))
        .route(&badge(""), get(credentials::badge).post(credentials::badge_update))
        .route(&badge("/image"), post(credentials::badge_image))
        .route(&at("/credentials"), get(credentials::issued).post(credentials::issue))
        .route(&at("/credentials/keys"), get(credentials::keys).post(credentials::rotate))
        .route(
            &at("/credentials/{credential_id}/revoke"),
            get(credentials::ask_revoke).post(credentials::revoke),
        )
}

/// Learners: what they are asked, how they do, and grading them again.
fn learners() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/staff{rest}");
    let bank = |rest: &str| at(&format!("/banks/{{bank_slug}}{rest}"));
    Router::new()
        .route(&at("/extensions/{quest_id}/{assessment_id}"), get(extensions::show).post(extensions::put))
        .route(&at("/grading/reviews/{review_id}/hide"), post(grading::hide))
        .route(&at("/banks"), get(banks::list).post(banks::create))
        .route(&bank(""), get(banks::show).post(banks::put))
        .route(&bank("/retire"), get(banks::ask_retire).post(banks::retire))
        .route(&bank("/figures"), get(figures::bank))
        .route(&at("/regrades"), get(regrades::list))
        .route(&at("/regrades/new"), get(regrades::new).post(regrades::create))
        .route(&at("/regrades/{regrade_id}"), get(regrades::show))
        .route(&at("/figures"), get(figures::days))
        .route(&at("/figures/days"), post(figures::day_make))
        .route(&at("/figures/days.csv"), get(figures::days_csv))
        .route(&at("/figures/quests/{quest_id}"), get(figures::quest))
        .route(&at("/figures/quests/{quest_id}/items.csv"), get(figures::items_csv))
}

/// The installation, for those who run it.
fn whole() -> Router<App> {
    use installation::{condition, nodes, queues, schedules, timers};

    let at = |rest: &str| format!("/g/{{guild_id}}/staff/installation{rest}");
    Router::new()
        .route(&at(""), get(condition::show))
        .route(&at("/timers"), get(timers::list))
        .route(&at("/timers/{timer_id}/retry"), post(timers::retry))
        .route(&at("/timers/{timer_id}/cancel"), get(timers::ask_cancel).post(timers::cancel))
        .route(&at("/queues"), get(queues::list))
        .route(&at("/queues/{queue}/pause"), get(queues::ask_pause).post(queues::pause))
        .route(&at("/queues/{queue}/resume"), post(queues::resume))
        .route(&at("/schedules"), get(schedules::list))
        .route(&at("/schedules/{schedule}/run"), post(schedules::run))
        .route(&at("/nodes"), get(nodes::list))
        .route(&at("/nodes/{node_id}/drain"), get(nodes::ask_drain).post(nodes::drain))
        .route(&at("/nodes/{node_id}/resume"), post(nodes::resume))
        .route(&at("/settings"), get(settings::list_whole))
        .route(&at("/settings/{category}"), get(settings::show_whole).post(settings::change_whole))
        .route(&at("/settings/{category}/undo"), post(settings::undo_change_whole))
        .route(&at("/settings/{category}/{name}/reset"), post(settings::reset_whole))
        .route(&at("/audit"), get(audit::list_whole))
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

    #[test]
    fn a_time_that_was_left_alone_does_not_move() {
        let stored = "2026-12-01T18:30:27.5Z".parse::<DateTime<Utc>>().unwrap();
        let left = |sent: &[u8]| -> Value {
            timed_edit(&Typed::parse(sent).unwrap(), &[("ends_at", Some(&stored)), ("starts_at", None)])
                .unwrap()
        };
        assert_eq!(left(b"ends_at%3Atime=2026-12-01T18%3A30&name=x"), json!({ "name": "x" }));
        let moved = left(b"ends_at%3Atime=2026-12-01T18%3A31&starts_at%3Atime=2026-12-01T18%3A30");
        assert_eq!(moved, json!({ "ends_at": "2026-12-01T18:31:00Z", "starts_at": "2026-12-01T18:30:00Z" }));
        assert_eq!(left(b"ends_at%3Atime-null="), json!({ "ends_at": null }));
    }
}
