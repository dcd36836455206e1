//! Settings changed by a JSON merge patch (RFC 7396).

use serde_json::{Value, json};

use super::invalid;
use crate::error::Error;
use crate::model::CampaignSettings;

/// The settings after a JSON merge patch (RFC 7396).
pub(super) fn merged(old: &CampaignSettings, patch: &Value) -> Result<CampaignSettings, Error> {
    let Value::Object(_) = patch else { return Err(invalid("", "the patch must be a JSON object")) };
    let mut value = serde_json::to_value(old).unwrap_or_default();
    merge(&mut value, patch);
    serde_path_to_error::deserialize(value).map_err(|e| {
        let field = e.path().to_string();
        invalid(if field == "." { "" } else { &field }, &e.inner().to_string())
    })
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> CampaignSettings {
        serde_json::from_value(
            json!({ "name": "A", "campaign_type": "player", "duration_hours": 5, "entry_fee": 7 }),
        )
        .unwrap()
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_restores_the_default() {
        let patch = json!({ "duration_hours": 6, "entry_fee": null, "rate_limit": { "per_5s": 3 } });
        let new = merged(&settings(), &patch).unwrap();
        assert_eq!(
            (new.duration_hours, new.entry_fee, new.rate_limit.per_5s, new.rate_limit.per_5min),
            (6, 0, 3, 10)
        );
    }

    #[test]
    fn a_patch_of_the_wrong_type_names_its_field() {
        let Error::Invalid(wrong) =
            merged(&settings(), &json!({ "rate_limit": { "per_5s": "x" } })).unwrap_err()
        else {
            panic!("not an invalid patch")
        };
        assert_eq!(wrong[0].field, "rate_limit.per_5s");
    }
}
