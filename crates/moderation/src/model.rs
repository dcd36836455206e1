//! Cases and who is named in them.

mod appeal;
mod case;
mod escalation;
mod hit;
mod raid;

pub use appeal::{
    Appeal, AppealNote, AppealStatus, AppealThread, Appealable, Decision, LastAppeal, OwnAppeal, Statement,
};
pub use case::{
    Case, CaseEdit, CaseEdited, Evidence, Moderator, NewCase, NewEvidence, Power, Rank, Standing, Statistics,
};

pub use escalation::{Escalation, EscalationAction, NewEscalation};
pub use hit::{HitRow, HitStatistics};
pub use raid::{Joined, NewRaid, Raid, RaidAction};

kernel::decl_uuid!(
    /// A moderation case: its row; people know it by its number.
    CaseId
);
kernel::decl_uuid!(
    /// Something to be done on Discord.
    EffectId
);
kernel::decl_uuid!(
    /// A rule of automod.
    RuleId
);
kernel::decl_uuid!(
    /// A rung of the escalation of warnings.
    EscalationId
);
kernel::decl_uuid!(
    /// An appeal against a case.
    AppealId
);
kernel::decl_uuid!(
    /// A time in which a guild was in raid mode.
    RaidId
);

kernel::decl_words! {
    /// What a case says was done.
    #[schema(as = CaseAction)]
    pub enum Action {
        /// The member was told that this must not be.
        Warn = "warn",
        /// The member may not speak for a while.
        Timeout = "timeout",
        /// The member was put out, and may come back.
        Kick = "kick",
        /// The person may not come in.
        Ban = "ban",
        /// The person may come in again.
        Unban = "unban",
        /// The member may speak again.
        Untimeout = "untimeout",
        /// Something for moderators to remember; the member does not see it.
        Note = "note",
        /// Many messages of a channel went at once.
        Purge = "purge",
    }
}
kernel::decl_words! {
    /// Where a case came from.
    #[schema(as = CaseSource)]
    pub enum Source {
        /// A moderator, by command, page or API.
        Moderator = "moderator",
        /// A rule of automod.
        Automod = "automod",
        /// So many warnings.
        Escalation = "escalation",
        /// The end of a time.
        Expiry = "expiry",
        /// An appeal that was accepted.
        Appeal = "appeal",
        /// Done on Discord by hand, and seen in its audit log.
        Discord = "discord",
        /// Released with everybody whom a raid's measures hit.
        Raid = "raid",
        /// Brought along from elsewhere.
        Import = "import",
    }
}
kernel::decl_words! {
    /// How a case ceased to be in force.
    #[schema(as = CaseResolution)]
    pub enum Resolution {
        /// Its time was over.
        Expired = "expired",
        /// A moderator lifted it.
        Lifted = "lifted",
        /// An appeal was accepted.
        Appealed = "appealed",
        /// A newer case of the kind took its place.
        Superseded = "superseded",
        /// It was declared void.
        Voided = "voided",
        /// Discord refused it.
        Failed = "failed",
        /// It went with all of a raid.
        Released = "released",
        /// It was over at once.
        Instant = "instant",
    }
}
kernel::decl_words! {
    /// Whether Discord has it yet.
    #[schema(as = CaseEffectState)]
    pub enum EffectState {
        /// There is nothing to do there.
        None = "none",
        /// Not yet.
        Pending = "pending",
        /// It has.
        Applied = "applied",
        /// It refused.
        Failed = "failed",
    }
}

impl Action {
    /// Whether it stays in force until something ends it.
    pub const fn lasts(self) -> bool {
        matches!(self, Self::Warn | Self::Timeout | Self::Ban)
    }

    /// Whether something has to be done on Discord besides telling the member.
    pub const fn acts(self) -> bool {
        !matches!(self, Self::Warn | Self::Note)
    }

    /// Whether the member is told by direct message.
    pub const fn tells(self) -> bool {
        matches!(self, Self::Warn | Self::Timeout | Self::Kick | Self::Ban)
    }
}
