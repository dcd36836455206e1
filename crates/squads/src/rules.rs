//! What a change of squad costs, and what squads may be called: pure decisions.

use kernel::Bytes;

use crate::error::Error;
use crate::model::{NewSquad, SquadEdit};

/// How somebody last left a squad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastDeparture {
    /// They were never in one.
    Never,
    /// They left of their own accord.
    OwnAccord,
    /// They were removed, or their squad was retired.
    Removed,
}

/// What it costs to move to a squad with this switch cost.
pub fn move_price(switch_cost: Bytes) -> Bytes {
    switch_cost
}

/// What it costs to join a squad with this switch cost. The first joining is free. Whoever left of their own accord pays
/// as for a move, or leaving and joining would be the free way to move; who was removed starts anew.
pub fn join_price(switch_cost: Bytes, last: LastDeparture) -> Bytes {
    match last {
        LastDeparture::Never | LastDeparture::Removed => Bytes::ZERO,
        LastDeparture::OwnAccord => switch_cost,
    }
}

/// Whether one more fits into a squad with so many members.
pub fn has_room(members: i64, max_members: Option<i32>) -> bool {
    max_members.is_none_or(|max| members < i64::from(max))
}

/// Checks a new squad, and trims its texts.
pub fn check_new(mut squad: NewSquad) -> Result<NewSquad, Error> {
    squad.name = check_name(&squad.name)?;
    squad.description = check_description(squad.description)?;
    check_cost(squad.switch_cost)?;
    check_max(squad.max_members)?;
    Ok(squad)
}

/// Checks an edit, and trims its texts.
pub fn check_edit(mut edit: SquadEdit) -> Result<SquadEdit, Error> {
    edit.name = edit.name.map(|name| check_name(&name)).transpose()?;
    edit.description = edit.description.map(check_description).transpose()?;
    edit.switch_cost.map(check_cost).transpose()?;
    edit.max_members.map(check_max).transpose()?;
    Ok(edit)
}

fn check_name(name: &str) -> Result<String, Error> {
    kernel::text::name_check(name, 100)
        .map(str::to_owned)
        .map_err(|fault| Error::Field("name", fault.to_string()))
}

fn check_description(text: Option<String>) -> Result<Option<String>, Error> {
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    if text.chars().count() > 500 || text.contains('\0') {
        let message = "must be at most 500 characters, none of them NUL";
        return Err(Error::Field("description", message.into()));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn check_cost(cost: i32) -> Result<(), Error> {
    if (0..=1_000_000).contains(&cost) {
        return Ok(());
    }
    Err(Error::Field("switch_cost", "must be between 0 and 1000000".into()))
}

fn check_max(max: Option<i32>) -> Result<(), Error> {
    if max.is_none_or(|max| max >= 1) {
        return Ok(());
    }
    Err(Error::Field("max_members", "must be at least 1, or null for no limit".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn new(name: &str) -> NewSquad {
        NewSquad { name: name.into(), description: None, role_id: None, switch_cost: 50, max_members: None }
    }

    #[test]
    fn squads_are_checked_and_trimmed() {
        let squad = check_new(NewSquad { description: Some("  ".into()), ..new(" Owls ") }).unwrap();
        assert_eq!((squad.name.as_str(), squad.description), ("Owls", None));
        for (field, bad) in [
            ("name", new(" ")),
            ("name", new(&"x".repeat(101))),
            ("name", new("a\nb")),
            ("description", NewSquad { description: Some("x".repeat(501)), ..new("Owls") }),
            ("switch_cost", NewSquad { switch_cost: -1, ..new("Owls") }),
            ("max_members", NewSquad { max_members: Some(0), ..new("Owls") }),
        ] {
            match check_new(bad) {
                Err(Error::Field(named, _)) => assert_eq!(named, field),
                other => panic!("{field}: {other:?}"),
            }
        }
    }

    #[test]
    fn null_clears_and_silence_keeps() {
        let edit: SquadEdit = serde_json::from_str(r#"{"max_members": null}"#).unwrap();
        assert_eq!(edit, SquadEdit { max_members: Some(None), ..SquadEdit::default() });
    }

    proptest! {
        #[test]
        fn leaving_and_joining_is_never_cheaper_than_moving(cost in 0i64..1_000_000) {
            let cost = Bytes::new(cost);
            prop_assert_eq!(join_price(cost, LastDeparture::OwnAccord), move_price(cost));
            prop_assert_eq!(join_price(cost, LastDeparture::Never), Bytes::ZERO);
            prop_assert_eq!(join_price(cost, LastDeparture::Removed), Bytes::ZERO);
        }

        #[test]
        fn a_squad_never_holds_more_than_it_may(max in 1i32..100, joiners in 0i64..200) {
            let mut members = 0;
            for _ in 0..joiners {
                members += i64::from(has_room(members, Some(max)));
            }
            prop_assert_eq!(members, joiners.min(i64::from(max)));
        }
    }
}
