//! What staff do is in the audit log, with what was before and after: every operation is done, and the log is looked at.

use axum::http::Method;
use serde_json::{Value, json};

use crate::guilds::{Guild, run_timers};
use crate::house::House;
use crate::malformed::{key_for, send_as, value};
use crate::samples::{Operation, body_of, operations, sample};

const GUILD: i64 = 375_928_847_299_117_063;
const USER: i64 = 60_011;

/// Operations that take a scope of staff, change something, and are in no log: why.
const NOT_LOGGED: [(&str, &str); 12] = [
    ("assessment_claim_next", "a lease of half an hour, told to others who grade"),
    ("assessment_claim", "likewise"),
    ("assessment_claim_release", "likewise"),
    ("insight_day_make", "figures, derived again from what happened"),
    ("member_role_report", "what became of roles on Discord, told by whoever talks to it"),
    ("member_role_observe", "likewise"),
    ("rule_replay", "a look at what would have been"),
    ("rule_try", "likewise"),
    ("lake_what_if", "likewise"),
    ("challenge_rejudge", "the sample only asks what would change"),
    ("xp_import", "the sample names nobody"),
    ("webhook_ping", "its delivery is in the webhook's own record"),
];

/// What changes something of what [`Guild::furnish`] made, where the document's sample asks for what is so already.
fn changing(deed: &str) -> Option<Value> {
    Some(match deed {
        "board_quest_update" => json!({ "title": "Anew" }),
        "achievement_update"
        | "category_update"
        | "multiplier_event_update"
        | "season_update"
        | "skill_update"
        | "squad_update" => json!({ "name": "Anew" }),
        "case_edit" => json!({ "reason": "Seen anew" }),
        "guild_settings_change" => json!({ "api_keys.max_lifetime_days": 91 }),
        "settings_change" => json!({ "api_keys.max_lifetime_days": 92 }),
        "guild_settings_change_group" => json!({ "max_lifetime_days": 93 }),
        "settings_change_group" => json!({ "max_lifetime_days": 94 }),
        _ => return None,
    })
}

/// Whether the operation takes what members, and those who deliver events, may do.
fn is_of_members(operation: &Operation) -> bool {
    let scopes: Vec<&str> = operation.description["security"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|way| way["api_key"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    scopes.iter().all(|scope| {
        [":play", ":own", ":ingest", ":read", ":me"].iter().any(|ending| scope.ends_with(ending))
    })
}

async fn logged(house: &House) -> i64 {
    sqlx::query_scalar("SELECT coalesce(max(id), 0)::bigint FROM access.admin_log")
        .fetch_one(house.database.pool())
        .await
        .unwrap()
}

/// What the answer to a deed says otherwise than the thing itself does, looked at afterwards: what there was before, say.
async fn differs(
    house: &House,
    guild: &Guild,
    document: &Value,
    deed: &Operation,
    key: &str,
    answer: &str,
) -> Option<String> {
    // The thing is where the deed is done, or what a verb is done to.
    let over = deed.path.rsplit_once('/').map_or("", |(over, _)| over);
    let place = [deed.path.as_str(), over].into_iter().find(|place| {
        let get = &document["paths"][*place]["get"];
        get.is_object() && place.ends_with('}')
    })?;
    let looked = Operation { path: place.to_owned(), ..deed.clone() };
    let path = looked.path_with(|name| value(guild, name));
    let there = send_as(house, USER, key, &Method::GET, &path, None).await;
    let (Ok(Value::Object(told)), Ok(Value::Object(there))) =
        (serde_json::from_str(answer), serde_json::from_str(&there.text))
    else {
        return None;
    };
    let other: Vec<String> = told
        .iter()
        .filter(|(name, told)| there.get(*name).is_some_and(|there| there != *told))
        .map(|(name, told)| format!("{name}: {told}, and then {}", there[name]))
        .collect();
    (!other.is_empty()).then(|| format!("{}: {}", deed.id, other.join("; ")))
}

#[tokio::test]
async fn what_staff_do_is_in_the_log_with_what_was_before_and_after() {
    let house = House::new().await;
    let document: Value = serde_json::to_value(server::openapi()).unwrap();
    let mut deeds: Vec<Operation> = operations(&document)
        .into_iter()
        .filter(|operation| operation.method != Method::GET && !is_of_members(operation))
        .collect();
    // What takes things away comes last, and what takes the most away last of all.
    deeds.sort_by_key(|deed| {
        let last = ["campaign_delete", "member_erase", "campaign_cancel"].contains(&deed.id.as_str());
        (last, deed.method == Method::DELETE)
    });
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let begin = logged(&house).await;
    let (mut done, mut faults, mut refused) = (0, Vec::new(), Vec::new());
    for deed in &deeds {
        let path = deed.path_with(|name| value(&guild, name));
        let key = key_for(&house, &guild, deed);
        let full = deed.body_schema().map(|schema| sample(&document, schema, true));
        // A body that asks for nothing changes nothing: then one that asks for everything.
        let bodies =
            changing(&deed.id).map_or_else(|| vec![body_of(&document, deed), full], |body| vec![Some(body)]);
        let mut outcome = None;
        for body in bodies {
            let before = logged(&house).await;
            let body = body.map(|body| body.to_string().into_bytes());
            let answer = send_as(&house, USER, key, &deed.method, &path, body).await;
            run_timers(&house).await;
            if answer.status.is_success() {
                faults.extend(differs(&house, &guild, &document, deed, key, &answer.text).await);
                let told = logged(&house).await > before;
                outcome = Some(outcome == Some(true) || told);
            } else if outcome.is_none() {
                refused.push(format!("{}: {} {}", deed.id, answer.status, answer.text));
            }
            if outcome == Some(true) {
                break;
            }
        }
        let known = NOT_LOGGED.iter().any(|(id, _)| *id == deed.id);
        match outcome {
            Some(false) if !known => faults.push(format!("{}: done, and in no log", deed.id)),
            Some(true) if known => faults.push(format!("{}: in the log, and in NOT_LOGGED", deed.id)),
            Some(_) => done += 1,
            None => {}
        }
    }
    let same: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT action_type || ' ' || target_table || ' ' || coalesce(before_snapshot::text, '') FROM access.admin_log
          WHERE id > $1 AND before_snapshot = after_snapshot
            -- Who decides the same by hand decides it all the same.
            AND action_type <> 'OVERRIDE' ORDER BY 1",
    )
    .bind(begin)
    .fetch_all(house.database.pool())
    .await
    .unwrap();
    faults.extend(same.into_iter().map(|entry| format!("before as after: {entry}")));
    assert!(
        faults.is_empty(),
        "{} of {done}:\n{}\nrefused:\n{}",
        faults.len(),
        faults.join("\n"),
        refused.join("\n")
    );
    assert!(done > 80, "{done}; refused:\n{}", refused.join("\n"));
}
