//! What Discord knows of the commands: looked at when a process starts, and written only where it differs.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::describe::describe;
use crate::bot::Bot;
use crate::sender::{Method, Request, SendError};

/// What was done about the commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synced {
    /// Nothing: this set was written or found before.
    Known,
    /// Nothing: Discord has them.
    Same,
    /// They were written.
    Written,
}

/// Brings Discord's commands to ours. Discord lets 200 be made a day: so it is asked nothing while the set is the one of last
/// time, and told nothing where it has the same.
pub async fn sync(bot: &Bot) -> Result<Synced, SendError> {
    let wanted = describe();
    let hash = Sha256::digest(wanted.to_string().as_bytes()).to_vec();
    let (pool, id) = (bot.app().pool(), bot.sender().application_id());
    let known = sqlx::query_scalar!("SELECT hash FROM discord.command_sets WHERE application_id = $1", id)
        .fetch_optional(&mut *db::acquire(pool).await?)
        .await?;
    if known.as_deref() == Some(&hash) {
        return Ok(Synced::Known);
    }
    let path = format!("/applications/{id}/commands");
    let ask = Request::new(Method::GET, format!("{path}?with_localizations=true"));
    let there = bot.sender().send(&ask).await?.body;
    let same = is_same(&wanted, &there);
    if !same {
        bot.sender().send(&Request::new(Method::PUT, path).json(wanted)).await?;
    }
    sqlx::query!(
        "INSERT INTO discord.command_sets (application_id, hash) VALUES ($1, $2)
         ON CONFLICT (application_id) DO UPDATE SET hash = excluded.hash, written_at = now()",
        id,
        hash,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(if same { Synced::Same } else { Synced::Written })
}

/// Whether Discord has these commands, whatever else it says of them and in whatever order.
fn is_same(wanted: &Value, there: &Value) -> bool {
    let sorted = |list: &Value| {
        let mut list: Vec<Value> = list.as_array().into_iter().flatten().map(essence).collect();
        list.sort_by_key(|command| command["name"].as_str().unwrap_or_default().to_owned());
        list
    };
    sorted(wanted) == sorted(there)
}

/// What matters of a command or an option: what is left out counts as what it is by default.
fn essence(value: &Value) -> Value {
    let permissions = match &value["default_member_permissions"] {
        Value::Number(bits) => json!(bits.to_string()),
        other => other.clone(),
    };
    let options: Vec<Value> = value["options"].as_array().into_iter().flatten().map(essence).collect();
    let or = |name: &str, default: Value| if value[name].is_null() { default } else { value[name].clone() };
    json!({
        "type": or("type", json!(1)), "name": value["name"], "description": value["description"],
        "names": or("name_localizations", json!({})), "descriptions": or("description_localizations", json!({})),
        "required": or("required", json!(false)), "autocomplete": or("autocomplete", json!(false)),
        "min": value["min_value"], "max": value["max_value"], "long": value["max_length"],
        "permissions": permissions, "options": options,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_discord_adds_makes_no_difference_and_what_we_change_does() {
        let wanted = describe();
        let mut there = wanted.clone();
        for command in there.as_array_mut().unwrap() {
            command["id"] = json!("1");
            command["version"] = json!("2");
            let bits = command["default_member_permissions"].as_u64().map(|bits| bits.to_string());
            command["default_member_permissions"] = json!(bits);
        }
        there.as_array_mut().unwrap().reverse();
        assert!(is_same(&wanted, &there));
        let mut other = there.clone();
        other[0]["description"] = json!("another");
        assert!(!is_same(&wanted, &other));
        there.as_array_mut().unwrap().pop();
        assert!(!is_same(&wanted, &there));
        assert!(!is_same(&wanted, &Value::Null));
    }
}
