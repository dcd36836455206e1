//! Which events a holder of scopes may see: the same rule for streams and webhooks.

use access::Scopes;
use access::scope::{
    CampaignsRead, CampaignsWrite, CommunityRead, CommunityWrite, EconomyRead, EconomyWrite, LearningGrade,
    LearningRead, OperationsRead, Scope, SquadsRead, SquadsWrite, WebhooksRead, WebhooksWrite,
};
use jobs::outbox::Stored;
use kernel::UserId;

/// The scopes that a family of events takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// To see those for everyone.
    pub read: &'static str,
    /// To see those about other members too.
    pub admin: &'static str,
}

/// The family of a type of event: by its part before the first dot. What is not listed is for operators.
pub fn family(event_type: &str) -> Family {
    let (read, admin) = match event_type.split('.').next().unwrap_or_default() {
        "campaign" | "challenge" | "reward" | "hint" => (CampaignsRead::NAME, CampaignsWrite::NAME),
        "squad" => (SquadsRead::NAME, SquadsWrite::NAME),
        "bytes" | "economy" | "transaction" | "role_reward" => (EconomyRead::NAME, EconomyWrite::NAME),
        "member" | "level" | "xp" | "achievement" | "season" | "guild" | "multiplier" | "board" | "shop"
        | "announcement" | "skill" => (CommunityRead::NAME, CommunityWrite::NAME),
        "learning" => (LearningRead::NAME, LearningGrade::NAME),
        // A failed timer's error is for who can mend it.
        "timer" => (CampaignsWrite::NAME, CampaignsWrite::NAME),
        "webhook" => (WebhooksRead::NAME, WebhooksWrite::NAME),
        _ => (OperationsRead::NAME, OperationsRead::NAME),
    };
    Family { read, admin }
}

/// Whether a holder of these scopes, who acts as this member if as any, may see the event.
pub fn sees(scopes: &Scopes, member: Option<UserId>, event: &Stored) -> bool {
    let family = family(&event.event_type);
    if !scopes.permit(family.read) && !scopes.permit(family.admin) {
        return false;
    }
    event.user_id.is_none_or(|concerned| member == Some(concerned) || scopes.permit(family.admin))
}

/// Whether a member may see the event through a key with these scopes that acts for them: what is for everyone in families
/// that the key reads, and what is about them. What else the key may do is its owner's.
pub fn member_sees(scopes: &Scopes, member: Option<UserId>, event: &Stored) -> bool {
    let family = family(&event.event_type);
    // A family that is read with the scope of those who administer it is not for members at all.
    family.read != family.admin
        && scopes.permit(family.read)
        && event.user_id.is_none_or(|concerned| member == Some(concerned))
}
