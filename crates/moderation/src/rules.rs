//! Pure decisions about cases: what may be asked for, who may act upon whom, what counts as the same done twice, which rung of the
//! escalation follows. None of them reads a clock or a database.

mod escalation;
mod reach;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::fields::{self, Wrong};

pub use escalation::{Rung, Warned, rung_reached};
pub use reach::{bot_lacks, reach, reach_by_roles};

use crate::model::{Action, NewCase, NewEvidence};

/// Discord's longest time-out, in seconds: 28 days.
pub const LONGEST_TIMEOUT: i64 = 28 * 86_400;
/// Longest ban or warning with an end, in seconds: ten years. What is longer has none.
pub const LONGEST: i64 = 3_650 * 86_400;
/// How much less than 28 days is sent, as Discord's clock may be ahead of ours.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// Until when a time-out may be sent now: its end, or what Discord takes at most, if that is sooner; then it is prolonged later.
pub fn timeout_until(until: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    until.min(now + TimeDelta::seconds(LONGEST_TIMEOUT) - MARGIN)
}

/// Checks a case that is asked for, and trims its texts.
pub fn check_new(mut case: NewCase) -> Result<NewCase, Wrong> {
    case.reason = line("reason", &case.reason, 500)?;
    if let Some(tag) = case.user_tag.take() {
        case.user_tag = kernel::text::cleaned(&tag, 100);
    }
    let about_user = case.user_id.is_some();
    if !about_user && case.action != Action::Purge {
        return Err(Wrong::new("user_id", "says whom it is about, and must be given"));
    }
    match (case.action, case.duration_seconds) {
        (Action::Timeout, None) => return Err(Wrong::new("duration_seconds", "must say for how long")),
        (Action::Timeout, Some(seconds)) => {
            fields::within("duration_seconds", seconds, 1, LONGEST_TIMEOUT)?;
        }
        (Action::Ban | Action::Warn, Some(seconds)) => {
            fields::within("duration_seconds", seconds, 1, LONGEST)?;
        }
        (_, None) => {}
        (_, Some(_)) => {
            return Err(Wrong::new("duration_seconds", "is for time-outs, bans and warnings only"));
        }
    }
    match (case.action, case.delete_message_seconds) {
        (Action::Ban, Some(seconds)) => {
            fields::within("delete_message_seconds", seconds, 0, 604_800)?;
        }
        (_, Some(_)) => return Err(Wrong::new("delete_message_seconds", "is for bans only")),
        (_, None) => {}
    }
    match (case.action, case.limit, case.channel_id) {
        (Action::Purge, None, _) => return Err(Wrong::new("limit", "must say how many messages at most")),
        (Action::Purge, _, None) => return Err(Wrong::new("channel_id", "must say where")),
        (Action::Purge, Some(limit), Some(_)) => {
            fields::within("limit", limit, 1, 1_000)?;
        }
        (_, Some(_), _) => return Err(Wrong::new("limit", "is for purges only")),
        _ => {}
    }
    if case.evidence.len() > 10 {
        return Err(Wrong::new("evidence", "must be at most 10 links"));
    }
    case.evidence = case.evidence.into_iter().map(check_evidence).collect::<Result<_, _>>()?;
    Ok(case)
}

/// Checks evidence, and trims its texts.
pub fn check_evidence(evidence: NewEvidence) -> Result<NewEvidence, Wrong> {
    let url = evidence.url.trim();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let fine = rest.is_some_and(|rest| !rest.is_empty())
        && url.chars().count() <= 2_000
        && url.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !fine {
        return Err(Wrong::new(
            "url",
            "must be an address of at most 2000 characters that begins with https:// or http://",
        ));
    }
    let note = match evidence.note {
        Some(note) => Some(line("note", &note, 500)?),
        None => None,
    };
    Ok(NewEvidence { url: url.to_owned(), note })
}

/// A reason or the like: some characters that can be seen; what a chat lets people write on several lines is one.
pub fn line(field: &'static str, text: &str, max: usize) -> Result<String, Wrong> {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = joined.chars().count();
    if length == 0 || length > max || joined.chars().any(char::is_control) {
        return Err(Wrong::new(
            field,
            format!("must be 1 to {max} characters, none of them a control character"),
        ));
    }
    Ok(joined)
}

/// A case that stands in the way of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// How long ago it was made.
    pub age: TimeDelta,
    /// Whether the same moderator made it.
    pub same_moderator: bool,
    /// Whether it is still in force; kicks never are.
    pub in_force: bool,
    /// When it ends, where it does.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whether an action is what the one before it did already: by somebody else a moment ago; or a ban without end upon one.
pub fn is_duplicate(
    action: Action,
    expires_at: Option<DateTime<Utc>>,
    before: &Before,
    within: TimeDelta,
) -> bool {
    let just_now = before.age <= within;
    match action {
        Action::Ban => before.in_force && (just_now || (expires_at.is_none() && before.expires_at.is_none())),
        Action::Timeout => before.in_force && just_now,
        Action::Kick | Action::Warn => just_now && !before.same_moderator,
        Action::Unban | Action::Untimeout | Action::Note | Action::Purge => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{ChannelId, UserId};
    use proptest::prelude::*;

    fn new(action: Action) -> NewCase {
        NewCase::about(action, UserId::new(7), "because")
    }

    fn field(case: NewCase) -> &'static str {
        check_new(case).unwrap_err().field
    }

    #[test]
    fn each_action_takes_what_it_needs_and_nothing_else() {
        assert_eq!(field(new(Action::Timeout)), "duration_seconds");
        assert_eq!(field(new(Action::Timeout).lasting(LONGEST_TIMEOUT + 1)), "duration_seconds");
        assert_eq!(field(new(Action::Kick).lasting(5)), "duration_seconds");
        assert_eq!(field(new(Action::Purge)), "limit");
        assert_eq!(field(NewCase { limit: Some(5), ..new(Action::Purge) }), "channel_id");
        assert_eq!(field(NewCase { limit: Some(5), ..new(Action::Warn) }), "limit");
        assert_eq!(field(NewCase { user_id: None, ..new(Action::Warn) }), "user_id");
        assert_eq!(
            field(NewCase { delete_message_seconds: Some(1), ..new(Action::Kick) }),
            "delete_message_seconds"
        );
        assert_eq!(
            field(NewCase { delete_message_seconds: Some(604_801), ..new(Action::Ban) }),
            "delete_message_seconds"
        );
        assert_eq!(field(NewCase { reason: " \n ".into(), ..new(Action::Ban) }), "reason");
        let purge = NewCase {
            user_id: None,
            limit: Some(50),
            channel_id: Some(ChannelId::new(5)),
            ..new(Action::Purge)
        };
        assert!(check_new(purge).is_ok());
        for action in
            [Action::Warn, Action::Ban, Action::Kick, Action::Note, Action::Unban, Action::Untimeout]
        {
            assert!(check_new(new(action)).is_ok(), "{action}");
        }
        assert_eq!(
            check_new(NewCase { reason: " two\nlines ".into(), ..new(Action::Note) }).unwrap().reason,
            "two lines"
        );
    }

    #[test]
    fn evidence_is_an_address() {
        let ok = |url: &str| check_evidence(NewEvidence { url: url.into(), note: None }).is_ok();
        assert!(ok("https://e.com/a.png") && ok(" http://e.com "));
        for bad in [
            "",
            "https://",
            "ftp://e.com",
            "javascript:alert(1)",
            "https://e.com/a b",
            &format!("https://{}", "a".repeat(2_000)),
        ] {
            assert!(!ok(bad), "{bad}");
        }
    }

    #[test]
    fn the_same_done_twice_is_told_from_the_same_meant_twice() {
        let within = TimeDelta::seconds(10);
        let before = |seconds, same_moderator, in_force| Before {
            age: TimeDelta::seconds(seconds),
            same_moderator,
            in_force,
            expires_at: Some(DateTime::UNIX_EPOCH),
        };
        let later = Some(DateTime::UNIX_EPOCH + TimeDelta::days(9));
        assert!(is_duplicate(Action::Ban, later, &before(0, false, true), within));
        assert!(!is_duplicate(Action::Ban, later, &before(60, false, true), within), "a longer ban is meant");
        assert!(is_duplicate(
            Action::Ban,
            None,
            &Before { expires_at: None, ..before(99_999, true, true) },
            within
        ));
        assert!(
            !is_duplicate(Action::Ban, None, &before(1, false, false), within),
            "it failed, or was lifted"
        );
        assert!(is_duplicate(Action::Warn, None, &before(3, false, true), within));
        assert!(!is_duplicate(Action::Warn, None, &before(3, true, true), within), "one may warn twice");
        assert!(is_duplicate(Action::Kick, None, &before(3, false, false), within));
        assert!(!is_duplicate(Action::Note, None, &before(0, false, true), within));
    }

    proptest! {
        #[test]
        fn what_is_sent_is_never_beyond_what_discord_takes(now in 0i64..4_000_000_000, length in 1i64..=LONGEST_TIMEOUT) {
            let now = DateTime::from_timestamp(now, 0).unwrap();
            let until = now + TimeDelta::seconds(length);
            let sent = timeout_until(until, now);
            prop_assert!(sent <= until && sent <= now + TimeDelta::days(28) - TimeDelta::seconds(60));
            prop_assert!(sent == until || length > LONGEST_TIMEOUT - 60);
        }
    }
}
