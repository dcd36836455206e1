//! The timers of cases and raids, and what each names.

use jobs::timers::Kind;
use serde::{Deserialize, Serialize};

use crate::model::{CaseId, RaidId};

/// A case whose time is to end, or to be prolonged. When its end is moved, another timer comes beside the old one, which then finds nothing to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OfCase {
    pub(crate) case_id: CaseId,
}

/// Ends a case.
pub(crate) const EXPIRE: Kind<OfCase> = Kind::often("moderation.expire");

/// Sends a time-out again whose end Discord would not take at first.
pub(crate) const PROLONG: Kind<OfCase> = Kind::often("moderation.prolong");

/// Ends raid mode.
pub(crate) const END: Kind<OfRaid> = Kind::once("moderation.raid_end", |of| of.raid_id.to_string());

/// A raid whose time is to end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OfRaid {
    pub(crate) raid_id: RaidId,
}
