//! What Discord's answer to an effect means.

use std::time::Duration;

use super::model::{Dead, EffectKind};

/// What to say of an effect after Discord answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it should be: [`super::applied`].
    Applied,
    /// It may go later: [`super::failed`] with `retry`.
    Later(Dead),
    /// It will never go as things are: [`super::failed`] without.
    Never(Dead),
}

/// What an answer means: its HTTP status, and the `code` of its JSON, 0 where there is none. Everything that is already as it should be
/// is success: no ban to lift, no message to delete, no member to put out.
pub fn answer(kind: EffectKind, status: u16, code: i32) -> Outcome {
    use EffectKind as K;
    if (200..300).contains(&status) {
        return Outcome::Applied;
    }
    match (kind, code) {
        // Unknown ban, unknown channel, unknown message, unknown member.
        (K::Unban, 10_026)
        | (K::DeleteMessage, 10_003)
        | (K::DeleteMessage | K::Purge, 10_008)
        | (K::Kick | K::Untimeout, 10_007) => {
            return Outcome::Applied;
        }
        _ => {}
    }
    let dead = |reason: &str| Dead { reason: reason.to_owned(), code: (code != 0).then_some(code) };
    if let Some(reason) = refusal(kind, code) {
        return Outcome::Never(dead(reason));
    }
    match status {
        401 => Outcome::Later(dead("Discord does not know the bot's token any more; set the new one.")),
        403 => Outcome::Never(dead(forbidden(kind))),
        404 => Outcome::Never(dead("Discord does not know whom or what this is about any more.")),
        400 | 405 => {
            Outcome::Never(dead("Discord refused the request as wrong; this is a fault of Questhall's."))
        }
        429 => Outcome::Later(dead("Discord asked to slow down.")),
        _ => Outcome::Later(dead("Discord did not answer as it should.")),
    }
}

/// How long to wait before the next attempt, after so many: 2 s, doubled each time, at most half an hour or so.
pub(super) fn pause(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 11)).unwrap_or(0);
    Duration::from_secs(1 << doublings)
}

/// Codes that say more than their status.
fn refusal(kind: EffectKind, code: i32) -> Option<&'static str> {
    Some(match code {
        10_003 => "The channel is gone.",
        10_004 => "The bot is not in this guild any more.",
        10_007 | 10_013 => "This person is not in the guild, or their account is gone.",
        50_001 => "The bot cannot see that channel; give it View Channel there.",
        50_007 => "This person takes no direct messages from the guild.",
        50_013 => forbidden(kind),
        50_034 => "Messages older than two weeks cannot be deleted together.",
        50_278 => "This person shares no guild with the bot, so it cannot write to them.",
        30_035 => "The guild has too many bans of people who never were in it; Discord takes no more.",
        40_001 | 40_002 => "Discord wants the bot's account to be verified first.",
        500_000 => "Discord could not ban any of them.",
        _ => return None,
    })
}

/// What the bot lacks for it.
fn forbidden(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::Ban | EffectKind::Unban => {
            "The bot may not ban this person: it needs Ban Members, and a role above theirs; owners and administrators cannot be banned by it."
        }
        EffectKind::BulkBan => {
            "The bot may not ban many at once: it needs Ban Members and Manage Server, and a role above theirs."
        }
        EffectKind::Timeout | EffectKind::Untimeout => {
            "The bot may not time this member out: it needs Moderate Members, and a role above theirs; owners and administrators cannot be timed out."
        }
        EffectKind::Kick => {
            "The bot may not kick this member: it needs Kick Members, and a role above theirs; the owner cannot be kicked."
        }
        EffectKind::DeleteMessage | EffectKind::Purge => {
            "The bot may not delete messages there: give it View Channel, Read Message History and Manage Messages, for threads and posts Manage Threads."
        }
        EffectKind::DirectMessage => "This person takes no direct messages from the bot.",
        EffectKind::Alert => "The bot may not write there: give it View Channel and Send Messages.",
        EffectKind::IncidentActions => "The bot may not stop invites: it needs Manage Server.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_already_so_is_success() {
        for (kind, code) in [
            (EffectKind::Unban, 10_026),
            (EffectKind::DeleteMessage, 10_008),
            (EffectKind::DeleteMessage, 10_003),
            (EffectKind::Kick, 10_007),
            (EffectKind::Untimeout, 10_007),
        ] {
            assert_eq!(answer(kind, 404, code), Outcome::Applied, "{kind} {code}");
        }
        assert!(matches!(answer(EffectKind::Ban, 404, 10_013), Outcome::Never(_)));
        assert!(matches!(answer(EffectKind::Timeout, 404, 10_007), Outcome::Never(_)));
    }

    #[test]
    fn who_may_not_is_told_what_they_lack_and_is_not_tried_again() {
        for kind in EffectKind::ALL {
            let Outcome::Never(dead) = answer(kind, 403, 50_013) else { panic!("{kind} is tried again") };
            assert!(dead.reason.len() > 20 && dead.code == Some(50_013), "{dead:?}");
            let Outcome::Never(bare) = answer(kind, 403, 0) else { panic!("{kind} is tried again") };
            assert_eq!((bare.reason, bare.code), (dead.reason, None));
        }
    }

    #[test]
    fn what_passes_is_tried_again_after_growing_pauses() {
        for status in [401, 429, 500, 502, 503, 408] {
            assert!(matches!(answer(EffectKind::Ban, status, 0), Outcome::Later(_)), "{status}");
        }
        let pauses: Vec<u64> = (1..=13).map(|n| pause(n).as_secs()).collect();
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        assert_eq!((pauses[0], pauses[12]), (2, 2_048));
    }
}
